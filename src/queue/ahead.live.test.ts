import { describe, expect } from "vitest";
import { liveTest, type Fixtures } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createQueue, type NewJob, type Queue, type Work, type WorkerOptions } from "./index.ts";
import { readLine } from "./job.ts";

const BRIEF = 400;
const JOBS = [
  ...Array.from({ length: BRIEF }, (_, n) => ({ payload: n })),
  { payload: "long" },
  { payload: "long" },
  ...Array.from({ length: 20 }, (_, n) => ({ payload: `more ${n}` })),
];
/** Jobs that the death of a worker would end. */
const FRAIL = JOBS.map((job, at) => (at < BRIEF + 2 || at % 2 === 0 ? job : { ...job, crashes: 1 }));

interface HeldUp {
  readonly queue: Queue;
  readonly ids: readonly string[];
  /** Payloads that it began with. */
  readonly seen: readonly unknown[];
  /** Jobs that were leased when it began with a long one. */
  readonly inHand: readonly Promise<unknown>[];
  readonly leases: () => Promise<unknown>;
  readonly letGo: () => void;
}

/** A worker of two that has done many brief jobs is held up by two long ones, with more in hand. */
async function heldUp(
  { redis, tenant }: Pick<Fixtures, "redis" | "tenant">,
  run: (held: HeldUp) => Promise<void>,
  { jobs = JOBS, ...options }: Partial<WorkerOptions> & { readonly jobs?: readonly NewJob<unknown>[] } = {},
): Promise<HeldUp> {
  const queue = createQueue(tenant, { name: QUEUE });
  const ids = await queue.pushMany(jobs);
  const [seen, inHand]: [unknown[], Promise<unknown>[]] = [[], []];
  const leases = () => redis.send(["ZCARD", `{${redis.app}:queue:${QUEUE}}:queue:leases`]);
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  const handler = async ({ payload }: Work) => {
    seen.push(payload);
    if (payload !== "long") return;
    inHand.push(leases());
    await promise;
  };
  const held = { queue, ids, seen, inHand, leases, letGo };
  const whenHeld = async () => {
    await expect.poll(() => seen.length, { interval: 1 }).toBe(BRIEF + 2);
    await run(held);
  };
  await working(redis, handler, whenHeld, { concurrency: 2, ...options });
  return held;
}

async function allDone({ queue }: HeldUp, ids: readonly string[]): Promise<void> {
  for (const id of ids)
    expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done", attemptsLeft: 3, crashesLeft: 3 });
}

describe("a worker whose jobs are brief", () => {
  liveTest("gives back what it holds and cannot begin, as it was, and others do it", async ({ redis, tenant }) => {
    const { seen } = await heldUp({ redis, tenant }, async (held) => {
      expect(await held.inHand[1]).toBeGreaterThan(2);
      await expect.poll(held.leases).toBe(2);
      const others: unknown[] = [];
      const other = ({ payload }: Work) => void others.push(payload);
      await working(redis, other, () => allDone(held, held.ids.slice(-20)));
      expect(others).toEqual(JOBS.slice(-20).map(({ payload }) => payload));
      held.letGo();
      await allDone(held, held.ids);
    });
    expect(seen).toHaveLength(BRIEF + 2);
  });

  liveTest("never holds what its death would end without beginning it", async ({ redis, tenant }) => {
    await heldUp(
      { redis, tenant },
      async ({ queue, letGo, ids }) => {
        const crashesOfHeld = async () =>
          (await queue.list({ state: "running", limit: 1_000 }))
            .filter(({ payload }) => payload !== "long")
            .map(({ crashesLeft }) => crashesLeft);
        // Some of the others are still in its hand by then.
        await expect.poll(async () => new Set(await crashesOfHeld()), { interval: 1 }).toEqual(new Set([3]));
        letGo();
        for (const id of ids) expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done" });
      },
      { jobs: FRAIL },
    );
  });

  liveTest("never begins one that is cancelled in its hand", async ({ redis, tenant }) => {
    const { seen } = await heldUp({ redis, tenant }, async (held) => {
      const last = held.ids.at(-1) as string;
      await held.queue.cancel(last);
      expect(await held.queue.wait(last, { waitMs: 3_000 })).toMatchObject({ state: "cancelled", payload: "more 19" });
      held.letGo();
      await allDone(held, held.ids.slice(0, -1));
    });
    expect(seen).toEqual(JOBS.slice(0, -1).map(({ payload }) => payload));
  });

  liveTest("hands all of it back at once when it closes", async ({ redis, tenant }) => {
    const run = async ({ letGo }: HeldUp) => void setTimeout(letGo, 30);
    const { queue, ids } = await heldUp({ redis, tenant }, run, { drainMs: 2_000 });
    const rest = await Promise.all(ids.slice(BRIEF + 2).map((id) => queue.get(id)));
    const states = new Set(rest.map((job) => job?.state));
    expect(states).toContain("waiting");
    expect([...states].filter((state) => state !== "waiting" && state !== "done")).toEqual([]);
  });
});

describe("the line of a job", () => {
  liveTest("has the words that scripts write, and is refused when it has not", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x", { attempts: 4, crashes: 5, priority: 7, delayMs: 60_000, waitTtlMs: 1_000 });
    const key = `{${redis.app}:queue:${QUEUE}}:queue:job:${id}`;
    const line = String(await redis.send(["GET", key]));
    expect(readLine(line)).toEqual({
      tenant: "acme",
      state: "delayed",
      fence: "",
      body: "in",
      madeMs: expect.closeTo(Date.now(), -4) as number,
      endedMs: undefined,
      reason: undefined,
      left: 4,
      lives: 5,
      of: 4,
      noted: false,
    });
    await redis.send(["SET", key, `${line} more`]);
    await expect(queue.get(id)).rejects.toMatchObject({ code: "corrupt_record" });
  });
});
