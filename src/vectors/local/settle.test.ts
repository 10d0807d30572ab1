import { describe, expect, it } from "vitest";
import { settle } from "./settle.ts";

const item = { record: Buffer.from("r"), ttlMs: 0 };
const near = (...ids: string[]) => ids.map((id, at) => ({ id, similarity: 1 - at / 10 }));
const base = { room: 4, limit: 2, allows: () => true };

describe("what was read of what is near", () => {
  it("is answered when the nearest were read, and nothing is wanting", () => {
    const read = new Map([
      ["a", item],
      ["b", item],
    ]);
    const settled = settle({ ...base, near: near("a", "b", "c", "d"), read });
    expect(settled.found.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(settled.complete).toBe(true);
  });

  it("is looked for anew when something nearer was not read, or when too little is left and there may be more", () => {
    const some = new Map([
      ["b", item],
      ["c", item],
    ]);
    expect(settle({ ...base, near: near("a", "b", "c"), read: some })).toMatchObject({
      complete: false,
      found: [{ id: "b" }, { id: "c" }],
    });
    const gone = new Map([
      ["a", undefined],
      ["b", undefined],
      ["c", undefined],
      ["d", item],
    ]);
    expect(settle({ ...base, near: near("a", "b", "c", "d"), read: gone })).toMatchObject({
      complete: false,
      found: [{ id: "d" }],
    });
    expect(settle({ ...base, room: 5, near: near("a", "b", "c", "d"), read: gone })).toMatchObject({ complete: true });
    expect(settle({ ...base, near: [], read: gone })).toEqual({ complete: true, found: [] });
  });

  it("leaves out what a filter does not allow by what was read", () => {
    const read = new Map([
      ["a", item],
      ["b", { ...item, ttlMs: 5 }],
      ["c", item],
    ]);
    const settled = settle({ ...base, near: near("a", "b", "c"), read, allows: ({ ttlMs }) => ttlMs === 0 });
    expect(settled.found.map(({ id }) => id)).toEqual(["a", "c"]);
  });
});
