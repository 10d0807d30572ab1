import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { noteStep } from "../../internal/steps.ts";
import { watchEventLoop, type Stall } from "./watchdog.ts";

/** Works for some milliseconds of this thread's own time, however busy the machine is. */
function work(ms: number): void {
  const before = process.threadCpuUsage();
  for (;;) {
    const { user, system } = process.threadCpuUsage(before);
    if (user + system >= ms * 1_000) return;
  }
}

describe("the watchdog of the event loop", () => {
  it("names the route and the step that held it, and measures for how long", async () => {
    const stalls: Stall[] = [];
    const delays: number[] = [];
    const watchdog = watchEventLoop({
      stallMs: 100,
      onDelay: (seconds) => delays.push(seconds),
      onStall: (stall) => stalls.push(stall),
    });
    await pause(60);
    watchdog.mark("/quick", "check");
    watchdog.mark("/slow", "parse");
    work(300);
    watchdog.mark("/late", "answer");
    await pause(60);
    watchdog.close();
    expect(stalls).toContainEqual(expect.objectContaining({ route: "/slow", step: "parse" }));
    expect(stalls[0]?.delayMs).toBeGreaterThanOrEqual(200);
    expect(Math.max(...delays)).toBeGreaterThanOrEqual(0.2);
  });

  it("names no request that only waited while others worked", async () => {
    const stalls: Stall[] = [];
    const watchdog = watchEventLoop({ stallMs: 100, onDelay: () => {}, onStall: (stall) => stalls.push(stall) });
    await pause(60);
    watchdog.mark("/readyz", "handle");
    await pause(40);
    work(300);
    await pause(60);
    watchdog.close();
    expect(stalls).toContainEqual(expect.objectContaining({ route: "other", step: "waited" }));
    expect(stalls.some(({ route }) => route === "/readyz")).toBe(false);
  });

  it("names the route of work that goes on after it waited, by the step that goes on", async () => {
    const stalls: Stall[] = [];
    const watchdog = watchEventLoop({ stallMs: 100, onDelay: () => {}, onStall: (stall) => stalls.push(stall) });
    await pause(60);
    watchdog.mark("/slow", "handle");
    const slow = Promise.withResolvers<void>();
    watchdog.within("/slow", "acme", () => {
      void pause(60).then(() => {
        noteStep("compare");
        work(300);
        slow.resolve();
      });
    });
    watchdog.mark("/quick", "handle");
    await slow.promise;
    await pause(60);
    noteStep("compare");
    work(300);
    await pause(60);
    watchdog.close();
    expect(stalls.map(({ route, step }) => `${route} ${step}`)).toEqual(["/slow compare", "other waited"]);
  });

  it("measures rarely while nothing happens, and names the first step that holds the loop after that", async () => {
    const stalls: Stall[] = [];
    let measured = 0;
    const watchdog = watchEventLoop({
      stallMs: 50,
      onDelay: () => (measured += 1),
      onStall: (stall) => stalls.push(stall),
    });
    watchdog.mark("/quick", "handle");
    await pause(1_200);
    measured = 0;
    await pause(1_000);
    expect(measured).toBeLessThanOrEqual(6);
    watchdog.mark("/slow", "parse");
    work(80);
    await pause(60);
    watchdog.close();
    expect(stalls).toContainEqual(expect.objectContaining({ route: "/slow", step: "parse" }));
  });

  it("says nothing of time in which this process did not work", async () => {
    const stalls: Stall[] = [];
    const watchdog = watchEventLoop({ stallMs: 100, onDelay: () => {}, onStall: (stall) => stalls.push(stall) });
    await pause(60);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    await pause(60);
    watchdog.close();
    expect(stalls).toEqual([]);
  });

  it("says nothing of a process that was stopped for most of a delay, and counts only what it computed in a shorter stop", async () => {
    const stalls: Stall[] = [];
    const watchdog = watchEventLoop({ stallMs: 100, onDelay: () => {}, onStall: (stall) => stalls.push(stall) });
    const stopped = new Int32Array(new SharedArrayBuffer(4));
    await pause(60);
    watchdog.mark("/stopped", "handle");
    Atomics.wait(stopped, 0, 0, 2_000);
    work(150);
    await pause(60);
    expect(stalls).toEqual([]);
    watchdog.mark("/slow", "handle");
    work(300);
    Atomics.wait(stopped, 0, 0, 400);
    await pause(60);
    watchdog.close();
    expect(stalls).toEqual([{ route: "/slow", step: "handle", delayMs: expect.any(Number) as number }]);
    expect(stalls[0]?.delayMs).toBeLessThan(450);
  });
});
