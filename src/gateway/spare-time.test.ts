import { performance } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import { createSpareTime } from "./spare-time.ts";

const hold = (ms: number) => {
  const begunMs = performance.now();
  while (performance.now() - begunMs < ms);
};

describe("lines of batches", () => {
  it("leave 30% of the event loop to requests, if they compute", async () => {
    const spareTime = createSpareTime();
    const begunMs = performance.now();
    for (let nth = 0; nth < 10; nth += 1) {
      await spareTime.turn("a");
      hold(20);
    }
    await spareTime.turn("a");
    expect(performance.now() - begunMs).toBeGreaterThan(275);
  });

  it("begin now and then, if others take all of the event loop", async () => {
    const spareTime = createSpareTime();
    let busy = true;
    const others = (async () => {
      for (; busy; await new Promise(setImmediate)) hold(10);
    })();
    const begunMs = performance.now();
    for (let nth = 0; nth < 3; nth += 1) await spareTime.turn("a");
    const tookMs = performance.now() - begunMs;
    busy = false;
    await others;
    expect(tookMs).toBeGreaterThan(400);
    expect(tookMs).toBeLessThan(3_000);
  });

  it("begin scope by scope in turn", async () => {
    const spareTime = createSpareTime();
    const order: string[] = [];
    const begin = (scope: string) => spareTime.turn(scope).then(() => order.push(scope));
    await Promise.all([...["a", "a", "a"].map(begin), begin("b")]);
    expect(order.indexOf("b")).toBeLessThan(3);
  });
});
