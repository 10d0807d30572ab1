import { describe } from "vitest";
import { aloneLiveTest, liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import type { Redis } from "../redis/index.ts";
import { createQueue, pauseQueue, readQueueStats, resumeQueue } from "./index.ts";

const moment = () => new Promise((resolve) => setTimeout(resolve, 1_300));

describe.concurrent("a paused tenant", () => {
  liveTest("has no job begun until it is resumed, while others go on", async ({ redis, tenant, expect }) => {
    const [queue, other] = [tenant, redis.scope("other")].map((scope) => createQueue(scope, { name: QUEUE })) as [
      ReturnType<typeof createQueue>,
      ReturnType<typeof createQueue>,
    ];
    const seen: unknown[] = [];
    await working(
      redis,
      ({ payload }) => {
        seen.push(payload);
      },
      async () => {
        await moment();
        expect(await queue.pause()).toBe(true);
        expect(await queue.pause()).toBe(false);
        const ids = [await queue.push("now"), await queue.push("later", { delayMs: 10 })];
        await other.wait(await other.push("other"), { waitMs: 5_000 });
        await moment();
        expect(seen).toEqual(["other"]);
        expect(await queue.counts()).toMatchObject({ waiting: 2, paused: true });
        const stats = await readQueueStats(redis, { name: QUEUE });
        expect(stats).toMatchObject({ waiting: 2, tenantsWaiting: 1, tenantsPaused: 1, paused: false });
        expect(await queue.resume()).toBe(true);
        expect(await queue.resume()).toBe(false);
        for (const id of ids) await queue.wait(id, { waitMs: 5_000 });
      },
    );
  });

  liveTest("lets the job end that runs, and gives out none after it", async ({ redis, tenant, expect }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      async () => {
        await queue.pause();
      },
      async () => {
        const [first, second] = await queue.pushMany([{ payload: 1 }, { payload: 2 }]);
        expect(await queue.wait(first ?? "", { waitMs: 5_000 })).toMatchObject({ state: "done" });
        await moment();
        expect(await queue.get(second ?? "")).toMatchObject({ state: "waiting" });
        await queue.resume();
        expect(await queue.wait(second ?? "", { waitMs: 5_000 })).toMatchObject({ state: "done" });
      },
      { concurrency: 1 },
    );
  });

  aloneLiveTest(
    "keeps its pause over a thousand others, which cost idle workers nothing",
    async ({ redis, counted, proxy, expect }) => {
      const scopes = Array.from({ length: 1_000 }, (_, at) => `tenant-${at}`);
      const idle = async () => {
        await moment();
        const [trips, commands] = [proxy.roundTrips(), await commandsOf(redis)];
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        return [proxy.roundTrips() - trips, (await commandsOf(redis)) - commands] as const;
      };
      const handler = () => {
        throw new Error("paused");
      };
      const [tripsAlone, commandsAlone] = await working(counted, handler, idle);
      // A hundred at a time: a busy machine answers that many within a command's deadline.
      for (let from = 0; from < scopes.length; from += 100)
        await Promise.all(
          scopes.slice(from, from + 100).map(async (scope) => {
            const queue = createQueue(redis.scope(scope), { name: QUEUE });
            await queue.pause();
            await queue.push("x");
          }),
        );
      expect(await readQueueStats(redis, { name: QUEUE })).toMatchObject({ waiting: 1_000, tenantsPaused: 1_000 });
      const [trips, commands] = await working(counted, handler, idle);
      // The same looks and beats; what Redis runs for them does not grow either: the server is this test's own.
      expect(trips).toBeLessThanOrEqual(tripsAlone + 3);
      expect(commands).toBeLessThanOrEqual(commandsAlone + 40);
    },
  );
});

/** Commands that the server ran so far, those of scripts among them. */
async function commandsOf(redis: Redis): Promise<number> {
  const text = String(await redis.send(["INFO", "commandstats"]));
  const calls = [...text.matchAll(/^cmdstat_(?!info)\S+:calls=(\d+)/gm)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe.concurrent("a paused queue", () => {
  liveTest("gives out nothing to any worker until it is resumed", async ({ redis, tenant, expect }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const seen: unknown[] = [];
    await working(
      redis,
      ({ payload }) => {
        seen.push(payload);
      },
      async () => {
        await moment();
        expect(await pauseQueue(redis, { name: QUEUE })).toBe(true);
        expect(await pauseQueue(redis, { name: QUEUE })).toBe(false);
        const id = await queue.push("x");
        await moment();
        expect(seen).toEqual([]);
        expect(await readQueueStats(redis, { name: QUEUE })).toMatchObject({ waiting: 1, paused: true });
        expect(await resumeQueue(redis, { name: QUEUE })).toBe(true);
        expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done" });
      },
    );
  });
});

describe.concurrent("a job's priority", () => {
  liveTest(
    "lifts it over those pushed minutes before it, not over those that waited longer",
    async ({ redis, tenant, unique, expect }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const old = await queue.push("old and low", { priority: 0 });
      // As if it had been pushed 101 minutes ago.
      const ready = `{${unique}:queue:${QUEUE}}:queue:ready:acme`;
      await redis.send(["ZINCRBY", ready, String(-101 * 60_000 * 8_192), old]);
      await queue.push("low", { priority: 10 });
      await queue.push("plain");
      await queue.push("dear", { priority: 100 });
      await queue.push("dear, later", { priority: 100 });
      const seen: unknown[] = [];
      await working(
        redis,
        ({ payload }) => {
          seen.push(payload);
        },
        async () => {
          await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(5);
        },
        { concurrency: 1 },
      );
      expect(seen).toEqual(["old and low", "dear", "dear, later", "plain", "low"]);
    },
  );
});
