import { describe, expect, it } from "vitest";
import { BLOCK_BYTES } from "./arena.ts";
import { createMirrors, type Mirror } from "./mirrors.ts";
import { round } from "./row.ts";

const shape = { dimensions: 16_000, metric: "cosine", rowsMax: 100 } as const;
const row = { ...round(new Float32Array(16_000).fill(1)), attributes: {} };
/** Room for three blocks of four rows each, and what rows take beside. */
const bytesMax = 3 * BLOCK_BYTES + 12 * 250;

/** Puts rows until there is no memory. */
const fill = (rows: number) => async (mirror: Mirror) => {
  mirror.copy.clear();
  for (let at = 0; at < rows; at += 1)
    if (!mirror.copy.put(`r${at}`, row, 0)) {
      mirror.copy.clear();
      return undefined;
    }
  mirror.place = { born: "1", since: "1", base: "1", head: "1", mark: "" };
  return mirror.copy.size;
};

describe("the copies of a connection", () => {
  it("take the memory of copies that nobody uses, the least recently used first", async () => {
    const mirrors = createMirrors(bytesMax);
    for (const key of ["a", "b", "c"]) await mirrors.use(key, shape, 0, fill(4));
    await mirrors.use("a", shape, 0, async () => true);
    expect(await mirrors.use("d", shape, 0, fill(4))).toBe(4);
    const rows = await Promise.all(
      ["a", "c", "d", "b"].map((key) => mirrors.use(key, shape, 0, async ({ copy }) => copy.size)),
    );
    expect(rows).toEqual([4, 4, 4, 0]);
    expect(await mirrors.use("d", shape, 0, fill(12))).toBe(12);
    expect(mirrors.report()).toMatchObject({ rows: 12, bytes: bytesMax });
  });

  it("wait for the memory of copies in use, in turns", async () => {
    const mirrors = createMirrors(bytesMax);
    const held = Promise.withResolvers<boolean>();
    const using = mirrors.use("a", shape, 0, async (mirror) => (await fill(8)(mirror)) && held.promise);
    const waiting = ["b", "c", "d"].map((key) => mirrors.use(key, shape, 10_000, fill(8)));
    expect(await Promise.race([...waiting, mirrors.use("e", shape, 0, fill(4))])).toBe(4);
    held.resolve(true);
    expect(await Promise.all([using, ...waiting])).toEqual([true, 8, 8, 8]);
  });

  it("refuse a search that finds no memory in its time, and a namespace that cannot fit", async () => {
    const mirrors = createMirrors(bytesMax);
    const held = Promise.withResolvers<boolean>();
    const using = mirrors.use("a", shape, 0, async (mirror) => (await fill(8)(mirror)) && held.promise);
    await expect(mirrors.use("b", shape, 20, fill(8))).rejects.toMatchObject({
      code: "timeout",
      details: { bytesMax },
    });
    held.resolve(true);
    await using;
    expect(await mirrors.use("b", shape, 20, fill(8))).toBe(8);
    mirrors.checkFits(shape, 12);
    expect(() => mirrors.checkFits(shape, 13)).toThrow(
      expect.objectContaining({ code: "too_large", details: { itemsMax: 12, items: 13, bytesMax } }),
    );
  });

  it("keep no rows of a copy that lacks one of those that were just stored", async () => {
    const mirrors = createMirrors(bytesMax);
    await mirrors.use("a", shape, 0, fill(12));
    mirrors.change("a", shape, ({ copy }) => copy.put("new", row, 0));
    expect(await mirrors.use("a", shape, 0, async ({ copy, place }) => [copy.size, place.born])).toEqual([0, ""]);
  });
});
