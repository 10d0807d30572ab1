import { describe, expect, it } from "vitest";
import { mapInSlices, ownTurn } from "./time-slice.ts";

describe("work in slices", () => {
  it("gives each waiter a turn of the event loop of its own, in order", async () => {
    const order: string[] = [];
    const all = [1, 2, 3].map(async (nth) => {
      await ownTurn();
      order.push(`work ${nth}`);
      setImmediate(() => order.push(`after ${nth}`));
    });
    await Promise.all(all);
    await ownTurn();
    await ownTurn();
    expect(order.indexOf("after 1")).toBeLessThan(order.indexOf("work 3"));
    expect(order.filter((one) => one.startsWith("work"))).toEqual(["work 1", "work 2", "work 3"]);
  });

  it("maps all of a list in order, and lets others run meanwhile", async () => {
    let turns = 0;
    const others = setInterval(() => (turns += 1), 1);
    const until = (ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const mapped = await mapInSlices([1, 2, 3, 4, 5, 6], (one) => {
      until(6);
      return one * 2;
    });
    clearInterval(others);
    expect(mapped).toEqual([2, 4, 6, 8, 10, 12]);
    expect(turns).toBeGreaterThan(2);
  });
});
