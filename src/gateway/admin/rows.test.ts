import { describe, expect, it } from "vitest";
import { readRows } from "./rows.ts";

describe("the rows of a stream", () => {
  it("are those that can be read, with the number of the others", () => {
    const whole = ["2-0", ["act", '{"act":"PUT /x","status":200}']];
    const damaged = ["", "x", "null", "7", "[]", "{}", '{"act":7}', "[".repeat(9_000), '{"__proto__":{"act":"x"}}'];
    const reply = [whole, ...damaged.map((text) => ["1-0", ["act", text]]), ["1-0", []]];
    expect(readRows<{ act: string }>(reply as never, ["act"])).toEqual({
      rows: [{ id: "2-0", act: "PUT /x", status: 200 }],
      unreadable: damaged.length + 1,
    });
  });
});
