import { describe, expect, test } from "vitest";
import { readDay, type RowShape } from "./day-rows.ts";
import { sortInSlices, sumUp, type Summing } from "./summing.ts";

const shape: RowShape = { names: 2, whats: ["asked", "cost"] };
const summing: Summing = {
  by: 0,
  beside: 1,
  width: 2,
  order: [1, 0],
  add(into, at, sums, from) {
    for (const nth of [0, 1]) into[at + nth] = (into[at + nth] as number) + (sums[from + nth] as number);
  },
};
const sumOf = async (...texts: string[]) =>
  sumUp(await Promise.all(texts.map((text) => readDay(text, shape))), shape, summing, (name, [asked, cost]) => [
    name,
    asked,
    cost,
  ]);

describe("a report of days", () => {
  test("sums up the rows of all days by a name, the most first", async () => {
    const sums = await sumOf(
      "ann|m|=\n1 10\nbob|m|=\n2 30",
      "=\n3\nann|m|=\n4 50\nann|n|=\n1 1\nc%7C%20%C3%A9|m|=\n9 0",
    );
    expect(sums.slice()).toEqual([
      ["ann", 6, 61],
      ["bob", 2, 30],
      ["c| é", 9, 0],
    ]);
    expect(sums.slice(1, 2)).toEqual([["bob", 2, 30]]);
    expect([sums.length, sums.total]).toEqual([3, ["", 17, 91]]);
  });

  test("counts a field for each sum, as older versions wrote it, and passes over what it does not know", async () => {
    const odd = ["", "\n", "=", "ann|m|newer\n5", "ann|m\n5", "ann|m|x|=\n5 5", "|||||\n", "0 0\n|"];
    const known = "ann|m|asked\n2\nann|m|cost\n7\nbob|m|=\n1 2 3 4";
    expect((await sumOf(known)).slice()).toEqual([
      ["ann", 2, 7],
      ["bob", 1, 2],
    ]);
    for (const text of odd) {
      expect((await sumOf(text)).length).toBe(0);
      expect((await sumOf(`${text}\n${known}`)).slice()).toEqual((await sumOf(known)).slice());
    }
  });

  test("tells 200,000 names apart and sums up the rest as one, while other work goes on", async () => {
    const names = Array.from({ length: 250_000 }, (_, nth) => `user-${nth}|m|=\n1 ${nth % 100}`);
    let turns = 0;
    const timer = setInterval(() => void (turns += 1), 1);
    const sums = await sumOf(names.join("\n"));
    clearInterval(timer);
    expect(sums.length).toBe(200_001);
    expect(sums.slice(0, 1)).toEqual([["(other)", 50_000, 2_475_000]]);
    expect(sums.total).toEqual(["", 250_000, 12_375_000]);
    expect(turns).toBeGreaterThan(5);
  });

  test.each([0, 1, 2, 255, 256, 257, 3_000])("puts %i sums in the same order as a stable sort", async (count) => {
    const keys = [7, 3].map((most) => Float64Array.from({ length: count }, (_, nth) => (nth * 7_919) % most));
    const [first, second] = keys as [Float64Array, Float64Array];
    const usual = Array.from({ length: count }, (_, nth) => nth).toSorted(
      (a, b) => (first[b] as number) - (first[a] as number) || (second[b] as number) - (second[a] as number),
    );
    expect([...(await sortInSlices(count, keys))]).toEqual(usual);
  });
});
