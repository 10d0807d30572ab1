import { describe, expect, it } from "vitest";
import { gather } from "./gather.ts";

describe("what is asked for in one moment", () => {
  it("is put together, in its order, by at most so many, each with a result of its own", async () => {
    const puts: (readonly number[])[] = [];
    const double = gather<number, number>(3, async (items) => {
      puts.push(items);
      return items.map((item) => (item === 3 ? new Error("three") : item * 2));
    });
    const asked = [0, 1, 2, 3].map(double);
    // What follows in the microtasks of the same moment comes along.
    const later = Promise.resolve().then(() => double(4));
    expect(await Promise.allSettled([...asked, later])).toMatchObject([
      { value: 0 },
      { value: 2 },
      { value: 4 },
      { reason: { message: "three" } },
      { value: 8 },
    ]);
    expect(puts).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(await double(5)).toBe(10);
  });

  it("fails together when the putting fails", async () => {
    const fail = gather<number, number>(10, async () => Promise.reject(new Error("gone")));
    expect(await Promise.allSettled([fail(1), fail(2)])).toMatchObject([
      { reason: { message: "gone" } },
      { status: "rejected" },
    ]);
  });
});
