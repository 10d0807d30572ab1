import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJoined, readOthers } from "./joined.ts";

const packed = (others: readonly { id: string; words: Buffer }[]) =>
  Buffer.concat(others.flatMap(({ id, words }) => [Buffer.from(`${id}:${words.length}:`), words]));

describe("what else is under way", () => {
  it("is read as it was packed, whatever the words are", () => {
    const id = fc.stringMatching(/^[a-z0-9]{1,40}$/);
    const words = fc.uint8Array().map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(fc.record({ id, words }), { maxLength: 8 }), (others) => {
        expect(readOthers(packed(others))).toEqual(others);
      }),
    );
  });

  it.each(["OK", "1", '{"a":1}', "a:b", "a:b:", "a:-5:zz", "a:: :", "a:1", "a:9:zz", "a:1e1:0123456789", "a:1:zb"])(
    "is refused when it is another reply (%j), and its reader ends",
    (text) => expect(readOthers(Buffer.from(text))).toBeUndefined(),
  );

  it("is read to an end on any text", () => {
    const pieces = fc.array(fc.constantFrom(":", "::", "0", "-1", "12", "a", " ", "{", "\u00e9"), { maxLength: 40 });
    const text = fc.oneof(
      pieces.map((all) => Buffer.from(all.join(""))),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(text, (bytes) => {
        const others = readOthers(bytes);
        // What was read is all of it, and no more than there is.
        if (others !== undefined) expect(packed(others).length).toBeLessThanOrEqual(bytes.length + others.length * 9);
        expect((others ?? []).length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a reply of joining", () => {
  it.each([
    [[Buffer.from("made")], { role: "made" }],
    [[Buffer.from("follow"), Buffer.from("t")], { role: "follow", token: "t" }],
    [[Buffer.from("lead"), Buffer.from("")], { role: "lead", others: [] }],
  ])("is read", (reply, joined) => expect(readJoined(reply)).toEqual(joined));

  it.each([
    null,
    7,
    "OK",
    Buffer.from("lead"),
    [],
    [null, null],
    [1, Buffer.from("a")],
    [Buffer.from("lead")],
    [Buffer.from("lead"), null],
    [Buffer.from("lead"), Buffer.from("OK")],
    [Buffer.from("follow"), 7],
    [Buffer.from("other"), Buffer.from("")],
  ])("is refused when it is another command's (%j)", (reply) => expect(readJoined(reply)).toBeUndefined());
});
