import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createFairLine, type FairLineOptions } from "./fair-line.ts";

const lineOf = (options: Partial<FairLineOptions> = {}) => createFairLine({ name: "files", atOnce: 1, ...options });

describe("a fair line", () => {
  it("gives each owner one turn after another, however much one of them has queued", async () => {
    const line = lineOf();
    const order: string[] = [];
    const run = (owner: string, name: string) =>
      line.run(owner, async () => {
        order.push(name);
        await turn();
      });
    await Promise.all([run("a", "a1"), run("a", "a2"), run("a", "a3"), run("a", "a4"), run("b", "b1"), run("c", "c1")]);
    expect(order).toEqual(["a1", "a2", "b1", "c1", "a3", "a4"]);
  });

  it("runs no more at once than it may, in all and of one owner", async () => {
    const line = lineOf({ atOnce: 3, ownerAtOnce: 2 });
    const running: string[] = [];
    const most = { all: 0, a: 0 };
    const run = (owner: string) =>
      line.run(owner, async () => {
        running.push(owner);
        most.all = Math.max(most.all, running.length);
        most.a = Math.max(most.a, running.filter((one) => one === "a").length);
        await sleep(1);
        running.splice(running.indexOf(owner), 1);
      });
    await Promise.all(["a", "a", "a", "a", "b", "b", "c"].map(run));
    expect(most).toEqual({ all: 3, a: 2 });
  });

  it("rests after work", async () => {
    const rests: number[] = [];
    const line = lineOf({ restMs: (tookMs) => (rests.push(tookMs), 30) });
    const begunMs = performance.now();
    await line.run("a", () => sleep(5));
    await line.run("b", async () => {});
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(33);
    expect(rests[0]).toBeGreaterThanOrEqual(4);
  });

  it("gives the place of work that hangs to the next, and goes on when it ends", async () => {
    const line = lineOf({ holdMaxMs: 10 });
    const held = Promise.withResolvers<string>();
    const hanging = line.run("a", () => held.promise);
    expect(await line.run("b", async () => "done")).toBe("done");
    held.resolve("late");
    expect(await hanging).toBe("late");
    const order = await Promise.all(["c", "d"].map((owner) => line.run(owner, async () => owner)));
    expect(order).toEqual(["c", "d"]);
  });

  it("refuses an owner with too much waiting, and what waits too long, and no other owner", async () => {
    const line = lineOf();
    const held = Promise.withResolvers<void>();
    const first = line.run("a", () => held.promise);
    const second = line.run("a", async () => {}, { waitMs: 5 });
    await expect(line.run("a", async () => {}, { waitingMax: 1 })).rejects.toMatchObject({ code: "rate_limited" });
    const other = line.run("b", async () => "done");
    await expect(second).rejects.toMatchObject({ code: "rate_limited", details: { retryAfterMs: 2_000 } });
    held.resolve();
    await first;
    expect(await other).toBe("done");
  });

  it("goes on after work that failed, and without work that was aborted", async () => {
    const line = lineOf();
    const stop = new AbortController();
    const ended = Promise.allSettled([
      line.run("a", () => turn().then(() => Promise.reject(new Error("no")))),
      line.run("a", async () => {}, { signal: stop.signal }),
    ]);
    const last = line.run("a", async () => "done");
    stop.abort();
    expect((await ended).map((one) => one.status === "rejected" && String(one.reason))).toEqual([
      "Error: no",
      "MarrowError: the wait of files was aborted",
    ]);
    await expect(line.run("a", async () => {}, { signal: stop.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(await last).toBe("done");
  });
});
