import { describe, expect, it } from "vitest";
import { createTurnPacer, mapCalmly, mapInSlices, ownTurn } from "./time-slice.ts";
import { workFor } from "./working-for.ts";

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

  it("gives turns to those for whom the work goes on in a round, also where the work asks again", async () => {
    const order: string[] = [];
    const work = (owner: string, turns: number) =>
      workFor({ owner }, async () => {
        for (let nth = 0; nth < turns; nth += 1) {
          await ownTurn();
          order.push(owner);
        }
      });
    await Promise.all([...Array.from({ length: 50 }, () => work("flood", 4)), work("other", 4), work("third", 2)]);
    const until = (owner: string) => order.slice(0, order.lastIndexOf(owner)).filter((one) => one === "flood").length;
    // One turn of the flood before each of theirs.
    expect(until("third")).toBeLessThanOrEqual(2);
    expect(until("other")).toBeLessThanOrEqual(4);
    expect(order).toHaveLength(206);
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

  it("maps lists in the background in order, and leaves half of the time to others, however many lists there are", async () => {
    const begin = performance.now();
    let busyMs = 0;
    const work = (one: number) => {
      const begunMs = performance.now();
      while (performance.now() - begunMs < 2);
      busyMs += performance.now() - begunMs;
      return one * 2;
    };
    const lists = await Promise.all([1, 2, 3, 4].map(() => mapCalmly([1, 2, 3, 4, 5, 6], work)));
    expect(lists).toEqual([1, 2, 3, 4].map(() => [2, 4, 6, 8, 10, 12]));
    expect(busyMs / (performance.now() - begin)).toBeLessThan(0.6);
  });

  it("runs work that comes alone at once, and spreads what comes together over turns of the event loop, in order", async () => {
    const pace = createTurnPacer(5);
    const [order, turns]: [number[], number[]] = [[], []];
    let turn = 0;
    const count = () => {
      turn += 1;
      if (order.length < 20) setImmediate(count);
    };
    setImmediate(count);
    for (let nth = 0; nth < 20; nth += 1)
      pace(() => {
        const end = performance.now() + 2;
        while (performance.now() < end);
        order.push(nth);
        turns.push(turn);
      });
    expect(order.length).toBeGreaterThan(0);
    expect(order.length).toBeLessThan(5);
    while (order.length < 20) await ownTurn();
    expect(order).toEqual(Array.from({ length: 20 }, (_, nth) => nth));
    for (let nth = 0; nth <= turn; nth += 1) expect(turns.filter((one) => one === nth).length).toBeLessThan(5);
    await ownTurn();
    pace(() => order.push(20));
    expect(order).toHaveLength(21);
  });
});
