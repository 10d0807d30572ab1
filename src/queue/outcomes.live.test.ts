import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createClaims, createQueue, type Work } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("what a wait for a signal came to", () => {
  liveTest("is told again by every later attempt: a signal after the time is refused", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const id = await queue.push("x");
    const told: boolean[] = [];
    const failed = Promise.withResolvers<void>();
    const handler = async ({ waitFor }: Work) => {
      told.push((await waitFor("approved", { timeoutMs: 100 })).arrived);
      if (told.length > 1) return "done";
      failed.resolve();
      throw new Error("fails once");
    };
    await working(redis, handler, async () => {
      await failed.promise;
      await expect(queue.signal(id, "approved")).rejects.toMatchObject({ code: "conflict" });
      await expect.poll(() => queue.promote(id)).toBe(true);
      expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    });
    expect(told).toEqual([false, false]);
  });

  liveTest("counts from the first of several waits of one name", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const id = await queue.push("x");
    const handler = async ({ waitFor }: Work) => {
      const waits = [waitFor("a", { timeoutMs: 50 }), waitFor("a", { timeoutMs: 60_000 })];
      return (await Promise.all(waits)).map(({ arrived }) => arrived);
    };
    const job = await working(redis, handler, () => queue.wait(id, { waitMs: 5_000 }));
    expect(job.result).toEqual([false, false]);
  });

  liveTest("wakes its job once: a signal that came already lets none go on", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const id = await queue.push("x");
    let begun = 0;
    const handler = async ({ waitFor }: Work) => {
      begun += 1;
      await waitFor("a", { timeoutMs: 60_000 });
      await waitFor("b", { timeoutMs: 60_000 });
    };
    await working(redis, handler, async () => {
      const suspended = async () => {
        await expect.poll(async () => (await queue.get(id))?.state).toBe("suspended");
      };
      await suspended();
      await queue.signal(id, "a", "first");
      await expect.poll(() => begun).toBe(2);
      await suspended();
      expect(await queue.signal(id, "a", "second")).toBe("suspended");
      expect(await queue.get(id)).toMatchObject({ state: "suspended" });
      await queue.signal(id, "b");
      expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    });
    expect(begun).toBe(3);
  });
});

describe("jobs whose worker is gone", () => {
  liveTest("come back within the lease and one heartbeat, however many there are", async ({ redis, tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE });
    await queue.pushMany(Array.from({ length: 1_000 }, (_, payload) => ({ payload })));
    const gone = createClaims<number>(tenant, { name: QUEUE });
    for (let page = 0; page < 10; page += 1) await gone.claim({ limit: 100, leaseMs: 1_000 });
    const seen = new Set<unknown>();
    await pause(1_000);
    await working(
      redis,
      ({ payload }) => void seen.add(payload),
      async () => {
        await expect.poll(() => seen.size, { timeout: 4_000 }).toBe(1_000);
      },
      { concurrency: 200 },
    );
  });
});
