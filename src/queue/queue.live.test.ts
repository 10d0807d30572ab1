import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { MarrowError } from "../errors.ts";
import { createQueue, createWorker, type Work } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a queue", () => {
  liveTest("does a job and keeps its result for who asks", async ({ redis, tenant }) => {
    const queue = createQueue<{ n: number }, { twice: number }>(tenant, { name: QUEUE });
    const id = await queue.push({ n: 21 });
    expect(await queue.get(id)).toMatchObject({ id, state: "waiting", payload: { n: 21 }, attemptsLeft: 3 });
    const seen: Work[] = [];
    await working(
      redis,
      (work) => {
        seen.push(work);
        return { twice: (work.payload as { n: number }).n * 2 };
      },
      async () => {
        const job = await queue.wait(id, { waitMs: 5_000 });
        expect(job).toMatchObject({ state: "done", result: { twice: 42 }, payload: undefined });
        expect(job.endedAtMs).toBeGreaterThanOrEqual(job.createdAtMs);
      },
    );
    expect(seen).toMatchObject([{ id, scope: "acme", idempotencyKey: `${QUEUE}:${id}` }]);
    const none = { waiting: 0, blocked: 0, deadKept: 0, dead: 0, cancelled: 0 };
    expect(await queue.counts()).toEqual({ ...none, paused: false, done: 1 });
    expect(await createQueue(redis.scope("other"), { name: QUEUE }).get(id)).toBeUndefined();
  });

  liveTest("gives the first job for the same key, and refuses another payload for it", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const key = { idempotencyKey: "order 1" };
    const [first, again] = [await queue.push({ a: 1 }, key), await queue.push({ a: 1 }, key)];
    expect(again).toBe(first);
    await expect(queue.push({ a: 2 }, key)).rejects.toMatchObject({ code: "conflict" });
    expect(await createQueue(redis.scope("other"), { name: QUEUE }).push({ a: 2 }, key)).not.toBe(first);
    await working(
      redis,
      () => "answer",
      async () => {
        await queue.wait(first, { waitMs: 5_000 });
        const later = await queue.push({ a: 1 }, key);
        expect(await queue.get(later)).toMatchObject({ id: first, state: "done", result: "answer" });
      },
    );
  });

  liveTest("does dearer jobs first, then older ones, and delayed ones when they are due", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const ids = await queue.pushMany([
      { payload: "second" },
      { payload: "last", delayMs: 300 },
      { payload: "third", priority: 10 },
      { payload: "first", priority: 90 },
    ]);
    const done: unknown[] = [];
    const startMs = performance.now();
    await working(
      redis,
      ({ payload }) => {
        done.push(payload);
      },
      () => Promise.all(ids.map((id) => queue.wait(id, { waitMs: 5_000 }))),
      { concurrency: 1 },
    );
    expect(done).toEqual(["first", "second", "third", "last"]);
    expect(performance.now() - startMs).toBeLessThan(1_200);
  });

  liveTest("lets a quiet tenant wait under 100 ms behind 600 jobs of a noisy one", async ({ redis, tenant }) => {
    const noisy = createQueue(tenant, { name: QUEUE });
    const quiet = createQueue(redis.scope("quiet"), { name: QUEUE });
    await noisy.pushMany(Array.from({ length: 600 }, (_, n) => ({ payload: n })));
    const began = new Map<string, number>();
    await working(
      redis,
      async ({ id }) => {
        began.set(id, performance.now());
        await pause(25);
      },
      async () => {
        await pause(100);
        const waits: number[] = [];
        for (let n = 0; n < 5; n += 1) {
          const pushedMs = performance.now();
          const id = await quiet.push(n);
          await expect.poll(() => began.has(id), { interval: 5 }).toBe(true);
          waits.push((began.get(id) as number) - pushedMs);
        }
        expect(waits.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
        expect(began.size).toBeLessThan(600);
      },
      { concurrency: 8 },
    );
  });

  liveTest("gives tenants turns by their weight, and runs no more of one than it may", async ({ redis, tenant }) => {
    const [a, b] = [createQueue(tenant, { name: QUEUE }), createQueue(redis.scope("b"), { name: QUEUE })];
    await b.setWeight(3);
    const order: string[] = [];
    await a.pushMany(Array.from({ length: 40 }, (_, n) => ({ payload: n })));
    await b.pushMany(Array.from({ length: 40 }, (_, n) => ({ payload: n })));
    await working(
      redis,
      ({ scope }) => {
        order.push(scope);
      },
      async () => {
        await expect.poll(() => order.length, { timeout: 10_000 }).toBe(80);
      },
      { concurrency: 1 },
    );
    const early = order.slice(0, 40).filter((scope) => scope === "b").length;
    expect(early).toBeGreaterThanOrEqual(29);
    expect(early).toBeLessThanOrEqual(31);

    const now = new Map<string, number>();
    let [most, done] = [0, 0];
    await a.pushMany(Array.from({ length: 30 }, (_, n) => ({ payload: n })));
    await b.pushMany(Array.from({ length: 30 }, (_, n) => ({ payload: n })));
    await working(
      redis,
      async ({ scope }) => {
        now.set(scope, (now.get(scope) ?? 0) + 1);
        most = Math.max(most, now.get(scope) as number);
        await pause(3);
        now.set(scope, (now.get(scope) as number) - 1);
        done += 1;
      },
      async () => {
        await expect.poll(() => done, { timeout: 5_000 }).toBe(60);
      },
      { concurrency: 10, tenantMax: 2 },
    );
    expect(most).toBe(2);
  });

  liveTest("refuses more than a tenant's backlog, all or none", async ({ tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE, backlogMax: 3 });
    await queue.pushMany([{ payload: 1 }, { payload: 2 }]);
    await expect(queue.pushMany([{ payload: 3 }, { payload: 4 }])).rejects.toMatchObject({ code: "too_large" });
    await queue.push(3);
    expect((await queue.counts()).waiting).toBe(3);
  });

  liveTest.for<[string, unknown, object]>([
    ["payload", undefined, {}],
    ["priority", 1, { priority: 101 }],
    ["delayMs", 1, { delayMs: -1 }],
    ["attempts", 1, { attempts: 0 }],
    ["idempotencyKey", 1, { idempotencyKey: "" }],
  ])("refuses a wrong %s", async ([path, payload, options], { tenant }) => {
    const wrong = createQueue(tenant, { name: QUEUE }).push(payload, options);
    await expect(wrong).rejects.toMatchObject({ code: "invalid_input", details: { path } });
  });
});

describe("a job that fails", () => {
  liveTest(
    "is tried again, and is dead with its reason when its attempts are used up, until it is redriven",
    async ({ redis, tenant }) => {
      const queue = createQueue(tenant, { name: QUEUE });
      const tries: number[] = [];
      let broken = true;
      const id = await queue.push("x", { attempts: 2 });
      await working(
        redis,
        ({ attemptsLeft }) => {
          tries.push(attemptsLeft);
          if (broken) throw new MarrowError("model_failed", "no", { details: { status: 500, retryAfterMs: 20 } });
          return "fine";
        },
        async () => {
          expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({
            state: "dead",
            reason: "model_failed",
            payload: "x",
          });
          broken = false;
          expect(await queue.redrive()).toEqual([id]);
          expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done", result: "fine" });
          expect(await queue.redrive({ ids: [id] })).toEqual([]);
        },
      );
      expect(tries).toEqual([2, 1, 3]);
    },
  );

  liveTest(
    "waits for a limit without using attempts, and dies at once of what waiting cannot mend",
    async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      let calls = 0;
      const [limited, refused] = await queue.pushMany([{ payload: "limited", attempts: 1 }, { payload: "refused" }]);
      await working(
        redis,
        ({ payload }) => {
          if (payload === "refused") throw new MarrowError("invalid_input", "no");
          calls += 1;
          if (calls < 4) throw new MarrowError("rate_limited", "later", { details: { retryAfterMs: 10 } });
          return calls;
        },
        async () => {
          expect(await queue.wait(limited!, { waitMs: 5_000 })).toMatchObject({
            state: "done",
            result: 4,
            attemptsLeft: 1,
          });
          expect(await queue.wait(refused!, { waitMs: 5_000 })).toMatchObject({
            state: "dead",
            reason: "invalid_input",
          });
        },
      );
    },
  );

  liveTest("by taking too long is aborted and tried again", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x", { attempts: 1 });
    await working(
      redis,
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
      async () => expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "timeout" }),
      { timeoutMs: 50 },
    );
  });
});

describe("a job that is cancelled", () => {
  liveTest(
    "never begins when it waits, and is aborted at once when it runs; what there is of it is kept",
    async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const delayed = await queue.push("delayed", { delayMs: 60_000 });
      expect(await queue.cancel(delayed)).toBe("cancelled");
      expect(await queue.cancel("nothing")).toBeUndefined();
      const began: string[] = [];
      const id = await queue.push("long");
      await working(
        redis,
        async ({ payload, signal }) => {
          began.push(payload as string);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return "half of it";
        },
        async () => {
          await expect.poll(() => began).toEqual(["long"]);
          const startMs = performance.now();
          expect(await queue.cancel(id)).toBe("cancelling");
          const job = await queue.wait(id, { waitMs: 5_000 });
          expect(job).toMatchObject({ state: "cancelled", result: "half of it" });
          expect(performance.now() - startMs).toBeLessThan(300);
          expect(await queue.cancel(id)).toBe("cancelled");
        },
      );
      expect(await createQueue(redis.scope("other"), { name: QUEUE }).cancel(id)).toBeUndefined();
    },
  );

  liveTest(
    "says so to its handler before the signal does; what a handler gets are plain fields",
    async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const id = await queue.push("long");
      const heard: unknown[] = [];
      await working(
        redis,
        async (work) => {
          // V8 keeps accessors of an object literal in its old generation, with all that the job leaves behind.
          for (const [name, field] of Object.entries(Object.getOwnPropertyDescriptors(work)))
            if (!("value" in field)) heard.push(name);
          heard.push(work.cancelled);
          await new Promise<void>((resolve) =>
            work.signal.addEventListener("abort", () => resolve(void heard.push(work.cancelled))),
          );
          return null;
        },
        async () => {
          await expect.poll(() => heard).toEqual([false]);
          await queue.cancel(id);
          await expect.poll(() => heard, { timeout: 5_000 }).toEqual([false, true]);
        },
      );
    },
  );
});

describe("a worker", () => {
  liveTest("that loses its lease is told, and what it says later is not heard", async ({ redis, tenant, unique }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x");
    const fences: number[] = [];
    await working(
      redis,
      async ({ fence, signal }) => {
        fences.push(fence);
        if (fences.length > 1) return "right";
        // What another worker does with a job whose worker slept for longer than its lease.
        const start = `{${unique}:queue:${QUEUE}}:queue`;
        const line = String(await redis.send(["GET", `${start}:job:${id}`])).split(" ");
        [line[0], line[1], line[13]] = ["waiting", "", "2"];
        await redis.send(["SET", `${start}:job:${id}`, line.join(" ")]);
        await redis.send(["ZADD", `${start}:ready:acme`, "1", id]);
        await redis.send(["ZADD", `${start}:ring`, "0", "acme"]);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return "late";
      },
      async () => {
        expect(await queue.wait(id, { waitMs: 8_000 })).toMatchObject({ result: "right", crashesLeft: 2 });
        expect(fences[1]).toBeGreaterThan(fences[0] as number);
      },
    );
    expect(await queue.get(id)).toMatchObject({ state: "done", result: "right" });
  });

  liveTest("hands back what it cannot finish when it closes, without using an attempt", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const [kind, deaf] = await queue.pushMany([{ payload: "kind" }, { payload: "deaf" }]);
    const worker = createWorker(redis, { name: QUEUE, drainMs: 50 }, async ({ payload, signal }) => {
      if (payload === "kind")
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
      await pause(60_000);
    });
    await expect.poll(() => worker.running).toBe(2);
    const startMs = performance.now();
    await worker.close();
    expect(performance.now() - startMs).toBeLessThan(1_500);
    for (const id of [kind, deaf])
      expect(await queue.get(id!)).toMatchObject({ state: "waiting", attemptsLeft: 3, crashesLeft: 3 });
    await working(
      redis,
      () => "later",
      async () => {
        expect((await queue.wait(kind!, { waitMs: 5_000 })).result).toBe("later");
      },
    );
  });

  liveTest(
    "costs one round trip for all that ends and begins in a moment",
    async ({ counted, proxy, unique, redis }) => {
      const queue = createQueue(redis.scope("acme"), { name: QUEUE });
      await queue.pushMany(Array.from({ length: 64 }, (_, n) => ({ payload: n })));
      let done = 0;
      const worker = createWorker(counted, { name: QUEUE, concurrency: 16 }, () => void (done += 1));
      await expect.poll(() => done).toBe(64);
      await expect.poll(async () => (await queue.counts()).done).toBe(64);
      // Connecting, subscribing, loading the script and looking for more included.
      expect(proxy.roundTrips()).toBeLessThan(20);
      expect(unique).not.toBe("");
      await worker.close();
    },
  );
});
