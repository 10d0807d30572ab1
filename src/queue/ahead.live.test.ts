import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createQueue, type Work } from "./index.ts";
import { readLine } from "./job.ts";

const BRIEF = 400;

/** A worker of two that has done many brief jobs is held up by two long ones, with more in hand. */
function heldUp(onLong = () => {}) {
  const seen: unknown[] = [];
  const letGo = Promise.withResolvers<void>();
  const handler = async ({ payload }: Work) => {
    seen.push(payload);
    if (payload !== "long") return;
    onLong();
    await letGo.promise;
  };
  const brief = Array.from({ length: BRIEF }, (_, n) => ({ payload: n }));
  const long = [{ payload: "long" }, { payload: "long" }];
  const more = Array.from({ length: 20 }, (_, n) => ({ payload: `more ${n}` }));
  return { seen, letGo, handler, jobs: [...brief, ...long, ...more] };
}

describe("a worker whose jobs are brief", () => {
  liveTest("gives back what it holds and cannot begin, as it was, and others do it", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const leases = () => redis.send(["ZCARD", `{${redis.app}:queue:${QUEUE}}:queue:leases`]);
    const inHand: Promise<unknown>[] = [];
    const { seen, letGo, handler, jobs } = heldUp(() => inHand.push(leases()));
    const ids = await queue.pushMany(jobs);
    await working(
      redis,
      handler,
      async () => {
        await expect.poll(() => seen.length, { interval: 1 }).toBe(BRIEF + 2);
        expect(await inHand[1]).toBeGreaterThan(2);
        await expect.poll(leases).toBe(2);
        const others: unknown[] = [];
        await working(
          redis,
          ({ payload }) => void others.push(payload),
          async () => {
            for (const id of ids.slice(-20))
              expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({
                state: "done",
                attemptsLeft: 3,
                crashesLeft: 3,
              });
          },
        );
        expect(others).toEqual(jobs.slice(-20).map(({ payload }) => payload));
        letGo.resolve();
        for (const id of ids) expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done" });
      },
      { concurrency: 2 },
    );
    expect(seen).toHaveLength(BRIEF + 2);
  });

  liveTest("never begins one that is cancelled in its hand", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const { seen, letGo, handler, jobs } = heldUp();
    const ids = await queue.pushMany(jobs);
    await working(
      redis,
      handler,
      async () => {
        await expect.poll(() => seen.length, { interval: 1 }).toBe(BRIEF + 2);
        const last = ids.at(-1) as string;
        await queue.cancel(last);
        expect(await queue.wait(last, { waitMs: 3_000 })).toMatchObject({ state: "cancelled", payload: "more 19" });
        letGo.resolve();
        for (const id of ids.slice(0, -1))
          expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done" });
      },
      { concurrency: 2 },
    );
    expect(seen).toEqual(jobs.slice(0, -1).map(({ payload }) => payload));
  });

  liveTest("hands all of it back at once when it closes", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const { seen, letGo, handler, jobs } = heldUp();
    const ids = await queue.pushMany(jobs);
    await working(
      redis,
      handler,
      async () => {
        await expect.poll(() => seen.length, { interval: 1 }).toBe(BRIEF + 2);
        setTimeout(letGo.resolve, 30);
      },
      { concurrency: 2, drainMs: 2_000 },
    );
    const rest = await Promise.all(ids.slice(BRIEF + 2).map((id) => queue.get(id)));
    expect(rest.filter((job) => job?.state === "waiting").length).toBeGreaterThan(0);
    expect(rest.filter((job) => job?.state !== "waiting" && job?.state !== "done")).toEqual([]);
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
    });
    await redis.send(["SET", key, `${line} more`]);
    await expect(queue.get(id)).rejects.toMatchObject({ code: "corrupt_record" });
  });
});
