import { describe, expect, it } from "vitest";
import { gather } from "./gather.ts";

describe("what is asked for in one moment", () => {
  it("is put together, in its order, by at most so many, each with a result of its own", async () => {
    const puts: (readonly number[])[] = [];
    const double = gather<number, number>(async (items) => {
      puts.push(items);
      return items.map((item) => (item === 33 ? new Error("33") : item * 2));
    });
    const numbers = Array.from({ length: 34 }, (_, n) => n);
    const asked = numbers.map(double);
    // What follows in the microtasks of the same moment comes along.
    const later = Promise.resolve().then(() => double(34));
    expect(await Promise.allSettled([...asked, later])).toMatchObject([
      ...numbers.slice(0, 33).map((n) => ({ value: n * 2 })),
      { reason: { message: "33" } },
      { value: 68 },
    ]);
    expect(puts).toEqual([numbers.slice(0, 32), [32, 33, 34]]);
    expect(await double(5)).toBe(10);
  });

  it("does not wait for the moment's end where the moment before had but one", async () => {
    const puts: (readonly number[])[] = [];
    const put = gather<number, number>(async (items) => {
      puts.push(items);
      return items;
    });
    await put(1);
    const [second, third] = [put(2), put(3)];
    expect(puts).toEqual([[1], [2]]);
    expect(await Promise.all([second, third])).toEqual([2, 3]);
    const [fourth, fifth] = [put(4), put(5)];
    expect(puts).toEqual([[1], [2], [3]]);
    expect(await Promise.all([fourth, fifth])).toEqual([4, 5]);
    expect(puts.at(-1)).toEqual([4, 5]);
  });

  it("fails together when the putting fails", async () => {
    const fail = gather<number, number>(async () => Promise.reject(new Error("gone")));
    expect(await Promise.allSettled([fail(1), fail(2)])).toMatchObject([
      { reason: { message: "gone" } },
      { status: "rejected" },
    ]);
  });
});
