import { expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { MarrowError } from "../errors.ts";
import { createClaims, createQueue, type Work } from "./index.ts";

/** What handlers throw that is no error as one would write it. */
const THROWN: readonly (readonly [name: string, make: () => unknown, reason: string, message: string])[] = [
  ["null", () => null, "failed", ""],
  ["an object with a message", () => ({ message: "no quota" }), "failed", "no quota"],
  ["a message that is a number", () => Object.assign(new Error("x"), { message: 42 }), "failed", ""],
  ["a message that cannot be read", () => refusing("get"), "failed", ""],
  ["a proxy that answers nothing", () => refusing("getPrototypeOf"), "failed", ""],
  ["a code of the caller's own", () => new MarrowError("out of luck" as "internal", "said"), "failed", "said"],
  ["a part of a millisecond to wait", () => limited(0.5), "unavailable", "busy"],
  ["details that cannot be read", () => limited(refusing("get")), "failed", "busy"],
];

function refusing(trap: "get" | "getPrototypeOf"): object {
  const refuse = () => {
    throw new Error("this cannot be read");
  };
  return new Proxy(new Error("x"), { [trap]: refuse });
}

function limited(details: unknown): MarrowError {
  const given = typeof details === "number" ? { retryAfterMs: details } : (details as Record<string, unknown>);
  return new MarrowError("unavailable", "busy", { details: given });
}

for (const [name, make, reason, message] of THROWN)
  liveTest(`a handler that throws ${name} fails its attempt`, async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x", { attempts: 1 });
    const handler = () => {
      throw make();
    };
    const job = await working(redis, handler, () => queue.wait(id, { waitMs: 10_000 }));
    expect(job).toMatchObject({ state: "dead", reason, failures: [{ reason, message }] });
  });

liveTest(
  "a listener of errors that throws, and a settlement that throws, hold up no job",
  async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const ids = await queue.pushMany(["fails", "works"].map((payload) => ({ payload, attempts: 1 })));
    const handler = ({ payload }: { readonly payload: unknown }) => {
      if (payload === "fails") throw new Error("x");
      return "done";
    };
    const refuse = () => {
      throw new Error("from outside");
    };
    const options = { onError: refuse, admit: async () => ({ allowed: true, settle: refuse }) as const };
    const jobs = await working(
      redis,
      handler,
      () => Promise.all(ids.map((id) => queue.wait(id, { waitMs: 10_000 }))),
      options,
    );
    expect(jobs.map(({ state }) => state)).toEqual(["dead", "done"]);
  },
);

liveTest("what cannot be written as JSON is refused by its path, wherever it is given", async ({ tenant }) => {
  const queue = createQueue(tenant, { name: QUEUE });
  const id = await queue.push("x", { delayMs: 60_000 });
  const cycle: Record<string, unknown> = {};
  cycle["inside"] = cycle;
  const refused = (path: string) => ({ code: "invalid_input", details: { path } });
  await expect(queue.push({ big: 1n })).rejects.toMatchObject(refused("payload.big"));
  await expect(queue.push(cycle)).rejects.toMatchObject(refused("payload.inside"));
  await expect(queue.push(() => 1)).rejects.toMatchObject(refused("payload"));
  await expect(queue.push(1, { idempotencyKey: "k", fingerprint: 1n })).rejects.toMatchObject(refused("fingerprint"));
  await expect(queue.pushMany([undefined as never])).rejects.toMatchObject(refused("jobs.0"));
  await expect(queue.schedule("s", { everyMs: 1_000 }, () => 1)).rejects.toMatchObject(refused("payload"));
  await expect(queue.schedule("s", null as never, 1)).rejects.toMatchObject(refused("when"));
  await expect(queue.signal(id, "n", 1n)).rejects.toMatchObject(refused("value"));
});

liveTest("a step whose result is a function is dead at once: it is paid for once", async ({ redis, tenant }) => {
  const queue = createQueue(tenant, { name: QUEUE });
  const id = await queue.push("x");
  let paid = 0;
  const job = await working(
    redis,
    ({ step }) => step("call", () => (paid++, () => 1)),
    () => queue.wait(id, { waitMs: 10_000 }),
  );
  expect([job.state, job.reason, paid]).toEqual(["dead", "invalid_input", 1]);
});

liveTest(
  "9,000 jobs that depend on one begin at its end, die with it, and are given another go",
  async ({ redis, tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE });
    const many = (first: string) => Array.from({ length: 9_000 }, (_, payload) => ({ payload, dependsOn: [first] }));
    const [good, bad] = [await queue.push(0), await queue.push(1)];
    await queue.pushMany(many(bad));
    await queue.cancel(bad);
    expect((await queue.counts()).deadKept).toBe(9_000);
    await queue.pushMany(many(good));
    let begun = 0;
    await working(
      redis,
      () => void begun++,
      async () => {
        await expect.poll(() => begun, { timeout: 15_000 }).toBe(9_001);
      },
      { concurrency: 500 },
    );
    // What they depend on was cancelled: all 9,000 are looked at, and stay.
    expect(await queue.redrive({ limit: 10_000 })).toEqual([]);
  },
);

liveTest("the key of a job that was taken away while it runs is free at once", async ({ redis, tenant }) => {
  const queue = createQueue(tenant, { name: QUEUE });
  const first = await queue.push("x", { idempotencyKey: "k" });
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const handler = async ({ id }: { readonly id: string }) => {
    begun += 1;
    if (id === first) await gate.promise;
    return "done";
  };
  await working(redis, handler, async () => {
    await expect.poll(() => begun).toBe(1);
    await queue.remove(first);
    const second = await queue.push("x", { idempotencyKey: "k" });
    gate.resolve();
    expect(second).not.toBe(first);
    expect((await queue.wait(second, { waitMs: 10_000 })).state).toBe("done");
  });
});

liveTest(
  "a worker that is given again what it lost stops its former handler, and keeps the lease of the new one",
  async ({ redis, tenant, unique }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x");
    const stopped: number[] = [];
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    const handler = async ({ signal }: { readonly signal: AbortSignal }) => {
      const run = ++runs;
      const heard = new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => (stopped.push(run), resolve())),
      );
      await Promise.race([heard, gate.promise]);
      return run;
    };
    await working(redis, handler, async () => {
      await expect.poll(() => runs).toBe(1);
      // As if this worker had been away for longer than its lease, and another one had noticed.
      const keys = (await redis.send(["KEYS", `*${unique}*:leases`])) as readonly string[];
      await redis.send(["ZADD", keys[0] ?? "", "1", id]);
      await createClaims(redis.scope("other"), { name: QUEUE }).claim({});
      await expect.poll(() => stopped, { timeout: 5_000 }).toEqual([1]);
      // Longer than a lease.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      gate.resolve();
      expect(await queue.wait(id, { waitMs: 10_000 })).toMatchObject({ state: "done", result: 2, crashesLeft: 2 });
      expect(runs).toBe(2);
    });
  },
);

liveTest(
  "a claim passes over a payload that cannot be read: its job is dead, the others are given out",
  async ({ redis, tenant, unique }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const ids = await queue.pushMany([1, 2, 3].map((payload) => ({ payload })));
    const keys = (await redis.send(["KEYS", `*${unique}*:body:${ids[1]}`])) as readonly string[];
    await redis.send(["DEL", keys[0] ?? ""]);
    const jobs = await createClaims(tenant, { name: QUEUE }).claim({ limit: 10 });
    expect(jobs.map(({ payload }) => payload)).toEqual([1, 3]);
    expect(await queue.get(ids[1] ?? "")).toMatchObject({ state: "dead", reason: "corrupt_record" });
  },
);

liveTest("300 schedules that cannot be read hold up no other", async ({ redis, tenant, unique }) => {
  const queue = createQueue(tenant, { name: QUEUE });
  await queue.schedule("good", { everyMs: 1_000 }, "good");
  const [key = ""] = (await redis.send(["KEYS", `*${unique}*:schedules`])) as readonly string[];
  const names = Array.from({ length: 300 }, (_, at) => `acme/bad${at}`);
  await redis.send(["HSET", key, ...names.flatMap((name) => [name, "rubbish"])]);
  await redis.send(["ZADD", key.replace(/schedules$/, "due"), ...names.flatMap((name) => ["1", name])]);
  const seen: unknown[] = [];
  await working(
    redis,
    ({ payload }) => void seen.push(payload),
    async () => {
      await expect.poll(() => seen[0], { timeout: 10_000 }).toBe("good");
    },
  );
});

liveTest(
  "a limit costs no attempt within an hour of the push, whatever the clock of the process says",
  async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const { now } = Date;
    Date.now = () => now() + 5 * 3_600_000;
    try {
      const id = await queue.push("x", { attempts: 1 });
      let refused = 0;
      const handler = () => {
        if (refused++ === 0) throw new MarrowError("rate_limited", "later", { details: { retryAfterMs: 20 } });
        return "done";
      };
      const job = await working(redis, handler, () => queue.wait(id, { waitMs: 10_000 }));
      expect(job).toMatchObject({ state: "done", attemptsLeft: 1 });
    } finally {
      Date.now = now;
    }
  },
);

liveTest("a handler that waits for one of several signals goes on with whichever comes", async ({ redis, tenant }) => {
  const queue = createQueue<"race" | "any">(tenant, { name: QUEUE });
  const ids = await queue.pushMany((["race", "any"] as const).map((payload) => ({ payload, attempts: 1 })));
  const handler = ({ payload, waitFor }: Work) => {
    const answers = ["yes", "no"].map(async (name) => ({ name, ...(await waitFor(name, { timeoutMs: 60_000 })) }));
    return payload === "any" ? Promise.any(answers) : Promise.race(answers);
  };
  await working(redis, handler, async () => {
    for (const id of ids) {
      await expect.poll(async () => (await queue.get(id))?.state).toBe("suspended");
      await queue.signal(id, "no", "late");
    }
    expect(await queue.wait(ids[1] ?? "", { waitMs: 10_000 })).toMatchObject({ state: "done", result: { name: "no" } });
  });
});

liveTest("a claim of somebody who left meanwhile costs its jobs nothing", async ({ tenant }) => {
  const queue = createQueue(tenant, { name: QUEUE });
  const id = await queue.push("x");
  const claims = createClaims(tenant, { name: QUEUE });
  const gone = new AbortController();
  const claimed = claims.claim({ limit: 1, leaseMs: 60_000 }, gone.signal);
  gone.abort();
  await expect(claimed).rejects.toMatchObject({ code: "aborted" });
  expect(await claims.claim({})).toMatchObject([{ id, attemptsLeft: 3, crashesLeft: 3 }]);
});
