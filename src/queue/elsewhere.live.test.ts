import { createBullBoard } from "@bull-board/api";
import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { Redis as Ioredis } from "ioredis";
import { describe, expect, inject } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { toBullBoard } from "./bull-board/index.ts";
import { createQueue, fromBullMQ, type Work } from "./index.ts";

describe("jobs of BullMQ", () => {
  liveTest(
    "go over once, each to its tenant, by their priority, delayed ones when they are due",
    async ({ redis, unique }) => {
      const connect = () => new Ioredis(inject("redisUrl").replace("unix://", ""), { maxRetriesPerRequest: null });
      const [one, two] = [connect(), connect()];
      const bull = new BullQueue("calls", { connection: one, prefix: unique });
      await bull.addBulk(
        Array.from({ length: 20 }, (_, n) => ({
          name: "call",
          data: { tenant: n % 2 === 0 ? "even" : "odd", n },
          opts: { attempts: 5 },
        })),
      );
      await bull.add("call", { tenant: "even", n: 98 }, { priority: 1 });
      await bull.add("call", { tenant: "even", n: 99 }, { delay: 300 });
      const queueOf = (tenant: string) => createQueue<{ n: number }>(redis.scope(tenant), { name: QUEUE });
      const to = ({ data }: { data: unknown }) => ({ queue: queueOf((data as { tenant: string }).tenant) });
      const bridge = new BullWorker("calls", fromBullMQ(to), { connection: two, prefix: unique, concurrency: 8 });
      await expect.poll(async () => (await queueOf("even").counts()).waiting, { timeout: 5_000 }).toBe(12);
      expect((await queueOf("odd").counts()).waiting).toBe(10);
      const jobs = await queueOf("even").list({ state: "waiting" });
      expect(jobs[0]).toMatchObject({ id: "bull_1", attemptsLeft: 5, payload: { n: 0 } });
      // A worker of BullMQ's that died after it pushed does it again.
      await fromBullMQ(to)({ id: "1", name: "call", data: { tenant: "even", n: 0 }, attemptsMade: 1, opts: {} });
      expect((await queueOf("even").counts()).waiting).toBe(12);
      const done: number[] = [];
      await working(
        redis,
        ({ payload }: Work) => void done.push((payload as { n: number }).n),
        async () => {
          await expect.poll(() => done.length, { timeout: 5_000 }).toBe(22);
        },
      );
      expect([...done].toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 20 }, (_, n) => n), 98, 99]);
      await bridge.close();
      await bull.obliterate({ force: true });
      await bull.close();
      one.disconnect();
      two.disconnect();
      expect(() => fromBullMQ(undefined as never)).toThrow(/to must be/);
    },
  );
});

describe("Bull Board", () => {
  liveTest("shows a tenant's queue, and tries again, removes and adds jobs", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const adapter = toBullBoard(queue, { name: "calls" });
    const routes: { queues: Map<string, unknown> } = { queues: new Map() };
    const serverAdapter = new Proxy(routes, {
      get: (_, name) =>
        name === "setQueues"
          ? (queues: Map<string, unknown>) => ((routes.queues = queues), serverAdapter)
          : () => serverAdapter,
    }) as never;
    createBullBoard({ queues: [adapter], serverAdapter });
    expect([...routes.queues.keys()]).toEqual(["calls"]);
    await queue.push("bad", { id: "bad", attempts: 1 });
    await queue.push("good", { id: "good" });
    await queue.push("later", { id: "later", delayMs: 60_000 });
    await queue.schedule("daily", { cron: "0 8 * * *" }, "x");
    let broken = true;
    const handler = ({ payload }: Work) => (payload === "bad" && broken ? Promise.reject(new Error("no")) : "fine");
    await working(redis, handler, async () => {
      await queue.wait("bad", { waitMs: 5_000 });
      await queue.wait("good", { waitMs: 5_000 });
      expect(await adapter.getJobCounts()).toMatchObject({
        waiting: 0,
        active: 0,
        completed: 1,
        failed: 1,
        delayed: 1,
      });
      const [failed] = await adapter.getJobs(["failed"]);
      expect(failed?.toJSON()).toMatchObject({ id: "bad", data: "bad", failedReason: "failed" });
      broken = false;
      await failed?.retry();
      expect(await queue.wait("bad", { waitMs: 5_000 })).toMatchObject({ state: "done" });
      const [completed] = await adapter.getJobs(["completed"], 0, 0);
      expect(await completed?.getState()).toBe("completed");
    });
    await (await adapter.getJob("later"))?.remove();
    expect(await queue.get("later")).toBeUndefined();
    expect((await adapter.addJob("x", "new", { delay: 60_000 })).toJSON().data).toBe("new");
    await adapter.clean("completed", 0);
    expect(await adapter.getJobs(["completed"])).toEqual([]);
    expect(await adapter.getJobSchedulers()).toMatchObject([{ id: "daily", pattern: "0 8 * * *" }]);
    await expect(adapter.pause()).rejects.toMatchObject({ code: "unsupported" });
    await adapter.obliterate();
    expect(await adapter.getJobCounts()).toMatchObject({ delayed: 0 });
  });
});
