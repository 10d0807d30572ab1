import { describe, expect, it } from "vitest";
import { encodeRecord } from "../../redis/index.ts";
import { readHeld } from "./held-key.ts";

const running = { state: "running", print: "ab".repeat(32), holder: "h" };
const done = { state: "done", print: "ab".repeat(32), status: 200, headers: {}, body: "" };

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
    { ...done, headers: null },
    { ...done, headers: { a: [[]] } },
    { ...done, status: 500 },
    { ...done, status: 99_999 },
    { ...done, print: undefined },
    { ...done, print: "p" },
    { ...running, print: "[".repeat(1_000) },
    { ...done, state: "other" },
  ])("is unreadable where it is no such record (%j)", (held) =>
    expect(readHeld(encodeRecord(held), "mine")).toBe("unreadable"),
  );

  it("is unreadable where it is no record at all", async () => {
    const [deep, ends] = ["[".repeat(300_000), "]".repeat(300_000)];
    const bodies = ["{", deep, deep + ends, '{"of":'.repeat(100_000)].map((body) => `\u0001\u0000${body}`);
    for (const bytes of ["", "OK", "\u0001", "\u0007\u0000{}", deep, ...bodies])
      expect(await readHeld(Buffer.from(bytes), "mine")).toBe("unreadable");
  });

  it("is read in turns of the event loop where it is large", async () => {
    const large = { ...done, body: "The quick brown fox\n".repeat(200_000) };
    const reading = readHeld(encodeRecord(large), "mine");
    expect(reading).toBeInstanceOf(Promise);
    expect(await reading).toEqual(large);
  });
});
