import { describe, expect, it } from "vitest";
import { encodeRecord } from "../../redis/index.ts";
import { readHeld } from "./held-key.ts";

const running = { state: "running", print: "p", holder: "h" };
const done = { state: "done", print: "p", status: 200, headers: {}, body: "" };

describe("what stands under an idempotency key", () => {
  it.each([running, done, { ...running, of: "mine" }, { ...done, of: "mine" }])("is read (%j)", (held) =>
    expect(readHeld(encodeRecord(held), "mine")).toEqual(held),
  );

  it.each([{ ...running, of: "theirs" }, { ...done, of: "theirs" }, { of: 7 }])(
    "is nothing of this key where it names another one (%j)",
    (held) => expect(readHeld(encodeRecord(held), "mine")).toBe("another key's"),
  );

  it.each([
    null,
    7,
    [],
    {},
    { ...running, holder: 7 },
    { ...done, status: "200" },
    { ...done, headers: undefined },
    { ...done, body: [] },
    { ...done, print: undefined },
    { ...done, state: "other" },
  ])("is unreadable where it is no such record (%j)", (held) =>
    expect(readHeld(encodeRecord(held), "mine")).toBe("unreadable"),
  );

  it("is unreadable where it is no record at all", () => {
    for (const bytes of ["", "OK", "\u0001", "\u0001\u0000{", "\u0007\u0000{}"])
      expect(readHeld(Buffer.from(bytes), "mine")).toBe("unreadable");
  });
});
