import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, vi, type ExpectStatic } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import type { Redis, ScopedRedis } from "../redis/index.ts";
import { createQueue, createWorker, type Queue } from "./index.ts";

/** Situations that users of other queues reported as lost, doubled or stuck work: each is played here and must come out right. */
interface Stage {
  readonly redis: Redis;
  readonly tenant: ScopedRedis;
  readonly queue: Queue<string>;
  /** That of the test: several are played at once. */
  readonly expect: ExpectStatic;
  /** What handlers were given so far. */
  readonly seen: string[];
  /** Works at the queue meanwhile. */
  readonly work: <T>(run: () => Promise<T>, options?: Parameters<typeof working>[3]) => Promise<T>;
}

const second = { everyMs: 1_000 };
const yearly = { cron: "0 0 1 1 *" };
const atOnce = (many: number, act: (nth: number) => Promise<unknown>) =>
  Promise.all(Array.from({ length: many }, (_, nth) => act(nth)));
const overdue = ({ redis, tenant }: Stage, name: string) =>
  redis.send(["ZADD", `{${redis.app}:queue:${QUEUE}}:queue:due`, "1", `${tenant.scope}/${name}`]);

const REPORTS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async "a schedule declared by many instances at once pushes one job for each time"({ queue, seen, work, expect }) {
    await work(async () => {
      for (let round = 0; round < 5; round += 1) {
        await atOnce(8, () => queue.schedule("s", second, "tick"));
        await sleep(500);
      }
    });
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen.length).toBeLessThanOrEqual(4);
  },

  async "a schedule taken away and declared again at once runs"({ queue, seen, work, expect }) {
    await queue.schedule("s", second, "old");
    await queue.unschedule("s");
    await queue.schedule("s", second, "new");
    await work(async () => {
      await expect.poll(() => seen, { timeout: 5_000 }).toContain("new");
    });
    expect(seen).not.toContain("old");
  },

  async "a schedule whose times change is not taken for a missed one"(stage) {
    const { queue, seen, work, expect } = stage;
    await queue.schedule("s", { everyMs: 3_600_000 }, "hourly");
    await overdue(stage, "s");
    await queue.schedule("s", yearly, "yearly");
    await work(() => sleep(1_300));
    expect(seen).toEqual([]);
  },

  async "a schedule that is declared while its job runs pushes no second one"(stage) {
    const { queue, seen, redis, expect } = stage;
    const slow = createWorker<string>(redis, { name: QUEUE, drainMs: 0 }, async ({ payload }) => {
      seen.push(payload);
      await sleep(800);
    });
    await queue.schedule("s", { everyMs: 3_600_000 }, "long");
    await overdue(stage, "s");
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(1);
    await atOnce(5, () => queue.schedule("s", { everyMs: 3_600_000 }, "long"));
    await sleep(1_200);
    await slow.close();
    expect(seen).toEqual(["long"]);
  },

  async "schedules go on when one of two instances closes"({ queue, seen, redis, work, expect }) {
    const other = createWorker<string>(redis, { name: QUEUE }, ({ payload }) => void seen.push(payload));
    await queue.schedule("s", second, "tick");
    await work(async () => {
      await sleep(300);
      await other.close();
      await expect.poll(() => seen.length, { timeout: 6_000 }).toBeGreaterThanOrEqual(3);
    });
  },

  async "what was due while a tenant was paused is one job after it"(stage) {
    const { queue, seen, work, expect } = stage;
    await queue.schedule("s", { everyMs: 3_600_000 }, "once");
    await queue.pause();
    await work(async () => {
      for (let nth = 0; nth < 3; nth += 1) {
        await overdue(stage, "s");
        await expect.poll(async () => (await queue.counts()).waiting, { timeout: 8_000 }).toBe(nth + 1);
      }
      expect(seen).toEqual([]);
      await queue.resume();
      await expect.poll(() => seen.length, { timeout: 8_000 }).toBe(3);
    });
    // Each time had its job while a worker looked: pausing holds jobs back, it loses none.
    expect(seen.length).toBe(3);
  },

  async "a date that never comes is refused"({ queue, expect }) {
    const never = queue.schedule("s", { cron: "0 0 30 2 *" }, "x");
    await expect(never).rejects.toMatchObject({ code: "invalid_input", details: { path: "when" } });
  },

  async "a delay longer than a lease is waited for once"({ queue, seen, work, expect }) {
    await queue.push("late", { delayMs: 1_500 });
    await work(() => sleep(3_500), { leaseMs: 1_000 });
    expect(seen).toEqual(["late"]);
  },

  async "delays beyond what a timer can hold do not fire at once"({ queue, seen, work, expect }) {
    await queue.push("in sixty days", { delayMs: 60 * 86_400_000 });
    await queue.schedule("s", { everyMs: 366 * 86_400_000 }, "in a year");
    await work(() => sleep(1_300));
    expect(seen).toEqual([]);
    expect(await queue.list({ state: "delayed" })).toHaveLength(1);
  },

  async "a delayed job that nothing else wakes is done in time"({ queue, seen, work, expect }) {
    await work(async () => {
      await sleep(1_200);
      await queue.push("alone", { delayMs: 700 });
      await expect.poll(() => seen, { timeout: 3_000 }).toEqual(["alone"]);
    });
  },

  async "delayed jobs of a paused queue come after it, in their order"({ queue, seen, work, expect }) {
    await queue.pause();
    for (const name of ["1", "2", "3"]) await queue.push(name, { delayMs: 50 });
    await work(
      async () => {
        await sleep(600);
        expect(seen).toEqual([]);
        await queue.resume();
        await expect.poll(() => seen, { timeout: 3_000 }).toEqual(["1", "2", "3"]);
      },
      { concurrency: 1 },
    );
  },

  async "a job behind a dead one is told why it will not run"({ queue, work, expect }) {
    const child = await queue.push("fails", { attempts: 1 });
    const parent = await queue.push("parent", { dependsOn: [child] });
    await work(async () => {
      expect(await queue.wait(parent, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "dependency" });
    });
  },

  async "a job behind one that is removed while it waits is not stuck"({ queue, expect }) {
    const child = await queue.push("child");
    const parent = await queue.push("parent", { dependsOn: [child] });
    await queue.remove(child);
    expect(await queue.get(parent)).toMatchObject({ state: "dead", reason: "dependency" });
  },

  async "a job behind one that is removed while it runs is not stuck"({ queue, redis, expect }) {
    const child = await queue.push("child");
    const parent = await queue.push("parent", { dependsOn: [child] });
    const worker = createWorker<string>(redis, { name: QUEUE }, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    await expect.poll(async () => (await queue.get(child))?.state).toBe("running");
    await queue.remove(child);
    expect(await queue.wait(parent, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "dependency" });
    await worker.close();
  },

  async "a job that names one dependency twice begins when that is done"({ queue, seen, work, expect }) {
    const child = await queue.push("child");
    const parent = await queue.push("parent", { dependsOn: [child, child] });
    await work(() => queue.wait(parent, { waitMs: 5_000 }));
    expect(seen).toEqual(["child", "parent"]);
  },

  async "a job cannot wait for itself"({ queue, expect }) {
    const own = queue.push("x", { id: "own", dependsOn: ["own"] });
    await expect(own).rejects.toMatchObject({
      code: expect.stringMatching(/not_found|conflict|invalid_input/) as string,
    });
    expect(await queue.get("own")).toBeUndefined();
  },

  async "a job behind one that is done already begins"({ queue, work, expect }) {
    await work(async () => {
      const child = await queue.push("child");
      await queue.wait(child, { waitMs: 5_000 });
      const parent = await queue.push("parent", { dependsOn: [child] });
      expect(await queue.wait(parent, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    });
  },

  async "a job that died of crashes gets its crashes back with another go"({ queue, redis, work, expect }) {
    const id = await queue.push("crashed", { crashes: 1 });
    const start = `{${redis.app}:queue:${QUEUE}}:queue`;
    const hung = createWorker<string>(redis, { name: QUEUE, leaseMs: 60_000, drainMs: 0 }, () => sleep(60_000));
    await expect.poll(async () => (await queue.get(id))?.state).toBe("running");
    await redis.send(["ZADD", `${start}:leases`, "1", id]);
    const other = createWorker<string>(redis, { name: QUEUE, leaseMs: 1_000, concurrency: 1 }, () => sleep(60_000));
    await expect.poll(async () => (await queue.get(id))?.state, { timeout: 5_000 }).toBe("dead");
    void hung.close();
    void other.close();
    expect(await queue.redrive({ ids: [id], attempts: 2 })).toEqual([id]);
    expect(await queue.get(id)).toMatchObject({ crashesLeft: 2 });
    await work(async () => expect(await queue.wait(id, { waitMs: 8_000 })).toMatchObject({ state: "done" }));
  },

  async "a job of an id that was done and removed may be pushed again under it"({ queue, seen, work, expect }) {
    await work(async () => {
      for (let round = 0; round < 3; round += 1) {
        expect(await queue.push("again", { id: "same", delayMs: 20 })).toBe("same");
        await queue.wait("same", { waitMs: 5_000 });
        await queue.remove("same");
      }
    });
    expect(seen).toEqual(["again", "again", "again"]);
  },

  async "a key whose job was cancelled or removed before it began is free"({ queue, expect }) {
    const first = await queue.push("x", { idempotencyKey: "k", delayMs: 60_000 });
    await queue.remove(first);
    expect(await queue.push("x", { idempotencyKey: "k" })).not.toBe(first);
  },

  async "a key of a dead job gives that job, which can have another go"({ queue, seen, work, expect }) {
    const id = await queue.push("fails", { idempotencyKey: "k", attempts: 1 });
    await work(async () => {
      await queue.wait(id, { waitMs: 5_000 });
      expect(await queue.push("fails", { idempotencyKey: "k", attempts: 1 })).toBe(id);
      expect(await queue.redrive({ ids: [id], attempts: 1 })).toEqual([id]);
      await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(2);
    });
  },

  async "a signal that comes before anybody waits, or twice, is not lost"({ queue, redis, expect }) {
    const id = await queue.push("wait", { delayMs: 300 });
    await queue.signal(id, "go", 1);
    await queue.signal(id, "go", 2);
    const worker = createWorker<string>(redis, { name: QUEUE }, ({ waitFor }) => waitFor("go", { timeoutMs: 60_000 }));
    expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ result: { arrived: true, value: 1 } });
    await worker.close();
    await expect(queue.signal(id, "go", 3)).rejects.toMatchObject({ code: "conflict" });
  },

  async "a signal to a job of a paused tenant is waiting when it goes on"({ queue, redis, expect }) {
    const id = await queue.push("wait");
    const worker = createWorker<string>(redis, { name: QUEUE }, ({ waitFor }) => waitFor("go", { timeoutMs: 60_000 }));
    await expect.poll(async () => (await queue.get(id))?.state, { timeout: 5_000 }).toBe("suspended");
    await queue.pause();
    await queue.signal(id, "go");
    await sleep(1_200);
    expect((await queue.get(id))?.state).toBe("waiting");
    await queue.resume();
    expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    await worker.close();
  },

  async "a wait that is over while nobody works ends when somebody does"({ queue, redis, expect }) {
    const id = await queue.push("wait");
    const handler = ({ waitFor }: { waitFor: (name: string, how: { timeoutMs: number }) => Promise<unknown> }) =>
      waitFor("go", { timeoutMs: 300 });
    const first = createWorker(redis, { name: QUEUE }, handler as never);
    await expect.poll(async () => (await queue.get(id))?.state, { timeout: 5_000 }).toBe("suspended");
    await first.close();
    await sleep(500);
    const next = createWorker(redis, { name: QUEUE }, handler as never);
    expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ result: { arrived: false } });
    await next.close();
  },

  async "a queue whose keys were all deleted goes on with what comes after"({ queue, redis, seen, work, expect }) {
    await work(async () => {
      await queue.wait(await queue.push("before"), { waitMs: 5_000 });
      const keys = (await redis.send(["KEYS", `{${redis.app}:queue:${QUEUE}}*`])) as string[];
      await redis.send(["DEL", ...keys]);
      await redis.send(["SCRIPT", "FLUSH"]);
      await queue.schedule("s", second, "tick");
      await queue.wait(await queue.push("after"), { waitMs: 5_000 });
      await expect.poll(() => seen, { timeout: 5_000 }).toContain("tick");
    });
  },

  async "tenants whose names hold one another's do not see one another's schedules"({ redis, expect }) {
    const [outer, inner] = ["a", "a/b"].map((scope) => createQueue<string>(redis.scope(scope), { name: QUEUE }));
    await outer?.schedule("b/x", second, "outer");
    await inner?.schedule("x", second, "inner");
    expect((await outer?.schedules())?.map(({ name }) => name)).toEqual(["b/x"]);
    expect((await inner?.schedules())?.map(({ name }) => name)).toEqual(["x"]);
    expect(await outer?.unschedule("b/x")).toBe(true);
    expect(await inner?.schedules()).toHaveLength(1);
  },

  async "names that objects have by themselves are names like others"({ redis, tenant, seen, expect }) {
    for (const name of ["constructor", "__proto__", "toString"]) {
      const queue = createQueue(tenant, { name });
      await queue.schedule(name, { everyMs: 3_600_000 }, name);
      const worker = createWorker(redis, { name }, async ({ payload, step }) => {
        seen.push(String(payload));
        return step(
          name === "__proto__" ? "constructor" : name,
          () => JSON.parse('{"__proto__":1,"constructor":2}') as object,
        );
      });
      const id = await queue.push(name, { idempotencyKey: name });
      const { result } = await queue.wait(id, { waitMs: 5_000 });
      expect(JSON.stringify(result)).toBe('{"__proto__":1,"constructor":2}');
      await worker.close();
      expect((await queue.schedules())[0]?.name).toBe(name);
    }
  },

  async "a batch with one job that is there already pushes the others"({ queue, expect }) {
    const first = await queue.push("one", { id: "one" });
    const ids = await queue.pushMany([
      { payload: "one", id: "one" },
      { payload: "two", id: "two" },
    ]);
    expect(ids).toEqual([first, "two"]);
    expect((await queue.counts()).waiting).toBe(2);
  },

  async "cancelling many times, also at once, cancels once"({ queue, redis, expect }) {
    const id = await queue.push("x");
    const worker = createWorker<string>(redis, { name: QUEUE }, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Error("stopped");
    });
    await expect.poll(async () => (await queue.get(id))?.state).toBe("running");
    await atOnce(10, () => queue.cancel(id));
    expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "cancelled" });
    expect((await queue.counts()).cancelled).toBe(1);
    await worker.close();
  },
};

const OFF_CLOCKS: typeof REPORTS = {
  async "clocks of processes that are off change no schedule and no delay"({ queue, seen, work, expect }) {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 86_400_000 });
    try {
      await queue.schedule("s", yearly, "yearly");
      const [{ nextAtMs } = { nextAtMs: 0 }] = await queue.schedules();
      const id = await queue.push("later", { delayMs: 400 });
      await work(async () => {
        await sleep(150);
        expect((await queue.get(id))?.state).toBe("delayed");
        await expect.poll(() => seen, { timeout: 5_000 }).toEqual(["later"]);
      });
      expect(nextAtMs - Date.now()).toBeGreaterThan(-86_400_000);
    } finally {
      vi.useRealTimers();
    }
  },
};

async function playOn(redis: Redis, expect: ExpectStatic, play: (stage: Stage) => Promise<void>): Promise<void> {
  const tenant = redis.scope(`t${randomUUID().slice(0, 6)}`);
  const seen: string[] = [];
  const handler = ({ payload }: { payload: unknown }) => {
    seen.push(String(payload));
    if (payload === "fails") throw new Error("it fails");
  };
  await play({
    redis,
    tenant,
    queue: createQueue<string>(tenant, { name: QUEUE }),
    expect,
    seen,
    work: (run, options) => working(redis, handler, run, options),
  });
}

// They mostly wait, each in a key space of its own.
describe.concurrent("what was reported of other queues", () => {
  liveTest.for(Object.entries(REPORTS))("%s", { timeout: 30_000 }, ([, play], { redis, expect }) =>
    playOn(redis, expect, play),
  );
});

describe("what was reported of other queues, by a clock that all in this process read", () => {
  liveTest.for(Object.entries(OFF_CLOCKS))("%s", { timeout: 30_000 }, ([, play], { redis, expect }) =>
    playOn(redis, expect, play),
  );
});
