import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeKeyPart, encodeKeyPart, keyTag } from "./keys.ts";

const anyPart = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 30 }),
    fc.constantFrom(":", "{}", "*", "a,b", "A", "a", "%3A", "é", "e\u0301", " "),
  )
  .filter((part) => part.isWellFormed());

describe("a part of a key", () => {
  it("comes back as it went in", () => {
    fc.assert(fc.property(anyPart, (part) => decodeKeyPart(encodeKeyPart("part", part)) === part));
  });

  it("holds nothing that Redis or a reader could take for something else", () => {
    fc.assert(fc.property(anyPart, (part) => /^[A-Za-z0-9._%-]+$/.test(encodeKeyPart("part", part))));
  });

  it.each([
    ["nothing", undefined],
    ["an empty string", ""],
    ["a number", 7],
    ["half a character", "\ud800"],
    ["a string that is too long", "x".repeat(513)],
    ["one that gets too long by encoding", "é".repeat(200)],
  ])("is refused when it is %s, without repeating it", (_, part) => {
    expect(() => encodeKeyPart("scope", part)).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path: "scope" } }),
    );
  });
});

describe("a key's tag", () => {
  it("differs whenever app, scope or subject differ", () => {
    const place = fc.record({
      app: anyPart,
      scope: anyPart,
      subject: fc.option(fc.array(anyPart, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(keyTag(a, a.subject) === keyTag(b, b.subject)).toBe(same);
      }),
    );
  });
});
