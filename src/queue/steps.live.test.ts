import { describe, expect } from "vitest";
import { MarrowError } from "../errors.ts";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createQueue, createWorker, type OutputEvent, type Work } from "./index.ts";

const soon = { retryAfterMs: 0 };
const again = () => new MarrowError("unavailable", "not yet", { details: soon });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a step of a job", () => {
  liveTest("runs once, however many attempts its job takes", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const ran: string[] = [];
    const keys = new Set<string>();
    let attempts = 0;
    const answer = (name: string) => ({
      run: ({ idempotencyKey }: { readonly idempotencyKey: string }) => {
        ran.push(name);
        keys.add(idempotencyKey);
        return { name, when: new Date(0) };
      },
    });
    await working(
      redis,
      async ({ step }: Work) => {
        const draft = await step("draft", answer("draft").run);
        if (++attempts < 3) throw again();
        return [draft, await step("final", answer("final").run)];
      },
      async () => {
        const id = await queue.push("x", { attempts: 5 });
        const { result } = await queue.wait(id, { waitMs: 10_000 });
        const when = "1970-01-01T00:00:00.000Z";
        expect(result).toEqual([
          { name: "draft", when },
          { name: "final", when },
        ]);
        expect([...keys]).toEqual([`${QUEUE}:${id}:draft`, `${QUEUE}:${id}:final`]);
      },
    );
    expect(ran).toEqual(["draft", "final"]);
  });

  liveTest("that throws is not kept, and one that two ask for at once runs once", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    let ran = 0;
    await working(
      redis,
      async ({ step }: Work) => {
        const flaky = () => {
          if (++ran === 1) throw again();
          return ran;
        };
        return await Promise.all([step("s", flaky), step("s", flaky)]);
      },
      async () => {
        const job = await queue.wait(await queue.push("x"), { waitMs: 10_000 });
        expect(job.result).toEqual([2, 2]);
      },
    );
  });

  liveTest("is found by the worker that takes over from one that died", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    let ran = 0;
    const handler = async ({ step, crashesLeft }: Work) => {
      const value = await step("paid", () => ++ran);
      if (crashesLeft === 3) await pause(60_000);
      return value;
    };
    // A worker whose connection is gone says no more: for the others it is dead.
    let gone = false;
    const dying = createWorker(
      {
        ...redis,
        send: (command, options) => (gone ? Promise.reject(new Error("cut")) : redis.send(command, options)),
      },
      { name: QUEUE, leaseMs: 1_000, drainMs: 0 },
      handler,
    );
    const id = await queue.push("x");
    await expect.poll(() => ran, { timeout: 5_000 }).toBe(1);
    await pause(100);
    gone = true;
    await working(redis, handler, async () => {
      const job = await queue.wait(id, { waitMs: 15_000 });
      expect(job).toMatchObject({ state: "done", result: 1, failures: [{ reason: "crashed" }] });
    });
    expect(ran).toBe(1);
    gone = false;
    await dying.close();
  });

  liveTest("survives the death of its job: another go finds it", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    let ran = 0;
    let well = false;
    await working(
      redis,
      async ({ step }: Work) => {
        const value = await step("paid", () => ++ran);
        if (!well) throw new MarrowError("invalid_input", "no");
        return value;
      },
      async () => {
        const id = await queue.push("x", { attempts: 1 });
        await queue.wait(id, { waitMs: 5_000 });
        well = true;
        await queue.redrive({ ids: [id] });
        expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done", result: 1 });
      },
    );
  });

  liveTest.for<[string, string, unknown, string]>([
    ["a name with a space", "a b", 1, "invalid_input"],
    ["a BigInt", "s", { n: 1n }, "invalid_input"],
    ["over a megabyte that compresses well", "s", "x".repeat(1_048_576), "too_large"],
    ["over a megabyte", "s", Array.from({ length: 400_000 }, () => Math.random()), "too_large"],
  ])("with %s is dead at once", async ([, name, value, reason], { redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      ({ step }: Work) => step(name, () => value),
      async () => {
        const job = await queue.wait(await queue.push("x"), { waitMs: 10_000 });
        expect(job).toMatchObject({ state: "dead", reason });
      },
    );
  });
});

describe("a step that waits for itself", () => {
  const CIRCLES: readonly (readonly [what: string, name: string, handler: (work: Work) => Promise<unknown>])[] = [
    ["called within itself", "a", ({ step }) => step("a", () => step("a", () => 1))],
    [
      "called within a step within it",
      "a",
      ({ step }) => step("a", async () => [await step("b", () => step("a", () => 1))]),
    ],
    [
      "after a pause, among others",
      "a",
      ({ step }) =>
        step("a", async () => {
          await pause(5);
          return Promise.all([step("b", () => 1), step("c", () => Promise.resolve().then(() => step("a", () => 1)))]);
        }),
    ],
    [
      "of two that wait for each other",
      "a",
      ({ step }) =>
        Promise.all([
          step("a", async () => (await pause(20), await step("b", () => 2))),
          step("b", async () => (await pause(40), await step("a", () => 1))),
        ]),
    ],
  ];
  liveTest.for(CIRCLES)("is refused by its name: %s", async ([, name, handler], { redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x");
    await working(redis, handler, async () => {
      const job = await queue.wait(id, { waitMs: 3_000 });
      expect(job).toMatchObject({ state: "dead", reason: "invalid_input" });
      expect(job.failures[0]?.message).toContain(`step ${name} waits for itself`);
    });
  });

  liveTest("is not one that others wait for as well, or that runs within another", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x");
    const runs: string[] = [];
    const handler = async ({ step }: Work) => {
      const shared = () => step("shared", async () => (runs.push("shared"), await pause(20), 1));
      return Promise.all([
        step("a", shared),
        step("b", shared),
        shared(),
        step("c", async () => [await shared(), await step("d", () => 4)]),
      ]);
    };
    await working(redis, handler, async () => {
      expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done", result: [1, 1, 1, [1, 4]] });
    });
    expect(runs).toEqual(["shared"]);
  });
});

describe("a job that waits for a signal", () => {
  liveTest("gives its place back, and goes on with what came, using no attempt", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    let drafts = 0;
    await working(
      redis,
      async ({ payload, step, waitFor, attemptsLeft }: Work) => {
        if (payload === "other") return "other";
        const draft = await step("draft", () => ++drafts);
        const approved = await waitFor("approved", { timeoutMs: 60_000 });
        return { draft, approved, attemptsLeft };
      },
      async () => {
        const id = await queue.push("x");
        await expect.poll(async () => (await queue.get(id))?.state, { timeout: 5_000 }).toBe("suspended");
        // Its place is free.
        await queue.wait(await queue.push("other"), { waitMs: 5_000 });
        expect(await queue.signal(id, "unrelated")).toBe("suspended");
        expect(await queue.signal(id, "approved", { by: "Ada" })).toBe("suspended");
        await queue.signal(id, "approved", { by: "Eve" }).catch(() => {});
        const { result } = await queue.wait(id, { waitMs: 5_000 });
        expect(result).toEqual({ draft: 1, approved: { arrived: true, value: { by: "Ada" } }, attemptsLeft: 3 });
        expect(drafts).toBe(1);
        await expect(queue.signal(id, "approved")).rejects.toMatchObject({ code: "conflict" });
      },
      { concurrency: 1 },
    );
  });

  liveTest("goes on when its time is over, which counts from when it first asked", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      ({ waitFor }: Work) => waitFor("never", { timeoutMs: 300 }),
      async () => {
        const job = await queue.wait(await queue.push("x"), { waitMs: 10_000 });
        expect(job).toMatchObject({ state: "done", result: { arrived: false } });
      },
    );
  });

  liveTest("does not wait for a signal that came before, or just as it began to wait", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      async ({ id, waitFor, step }: Work) => {
        const early = await waitFor("early", { timeoutMs: 60_000 });
        // It comes between the look and the wait.
        await step("send", async () => {
          await queue.signal(id, "between", 2);
        });
        const between = await waitFor("between", { timeoutMs: 60_000 });
        return [early, between];
      },
      async () => {
        const id = await queue.push("x", { delayMs: 100 });
        await queue.signal(id, "early", 1);
        const { result } = await queue.wait(id, { waitMs: 5_000 });
        expect(result).toEqual([
          { arrived: true, value: 1 },
          { arrived: true, value: 2 },
        ]);
      },
    );
  });

  liveTest.for<[string, string, unknown]>([
    ["race", "b", { arrived: true, value: "b" }],
    ["race", "c", { arrived: true, value: "c" }],
    ["any", "a", { arrived: true, value: "a" }],
    ["any", "c", { arrived: true, value: "c" }],
    ["nested", "c", [{ arrived: true, value: "c" }, 1]],
  ])("of several (%s) goes on with any of them: %s", async ([how, signal, expected], { redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const timeoutMs = 60_000;
    await working(
      redis,
      async ({ waitFor, step }: Work) => {
        await step("before", () => 1);
        const waits = ["a", "b", "c"].map((name) => waitFor(name, { timeoutMs }));
        if (how === "nested")
          return Promise.race([waits[0], Promise.all([Promise.race(waits.slice(1)), Promise.resolve(1)])]);
        return how === "race" ? Promise.race(waits) : Promise.any(waits);
      },
      async () => {
        const id = await queue.push("x");
        await expect.poll(async () => (await queue.get(id))?.state, { timeout: 5_000 }).toBe("suspended");
        await queue.signal(id, signal, signal);
        expect(await queue.wait(id, { waitMs: 3_000 })).toMatchObject({ state: "done", result: expected });
      },
    );
  });

  liveTest("of several goes on with the first time that is over, and all only with all", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      async ({ id, payload, waitFor, step }: Work) => {
        if (payload === "running") {
          const waits = ["a", "b"].map((name) => waitFor(name, { timeoutMs: 60_000 }));
          // It comes while the job runs, after it looked.
          await step("send", () => queue.signal(id, "b", 2).then(() => null));
          return Promise.race(waits);
        }
        const waits = [waitFor("a", { timeoutMs: 60_000 }), waitFor("b", { timeoutMs: 300 })];
        return payload === "race" ? Promise.race(waits) : Promise.all(waits);
      },
      async () => {
        const race = await queue.push("race");
        const all = await queue.push("all");
        const running = await queue.push("running");
        expect((await queue.wait(race, { waitMs: 3_000 })).result).toEqual({ arrived: false });
        expect((await queue.wait(running, { waitMs: 3_000 })).result).toEqual({ arrived: true, value: 2 });
        await expect.poll(async () => (await queue.get(all))?.state, { timeout: 5_000 }).toBe("suspended");
        await queue.signal(all, "a", 1);
        expect((await queue.wait(all, { waitMs: 3_000 })).result).toEqual([
          { arrived: true, value: 1 },
          { arrived: false },
        ]);
      },
    );
  });

  liveTest("is cancelled and taken away like one that waits for a worker", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      ({ waitFor }: Work) => waitFor("never", { timeoutMs: 60_000 }),
      async () => {
        const [a = "", b = ""] = await queue.pushMany([{ payload: 1 }, { payload: 2 }]);
        for (const id of [a, b])
          await expect.poll(async () => (await queue.get(id))?.state, { timeout: 5_000 }).toBe("suspended");
        expect(await queue.cancel(a)).toBe("cancelled");
        expect(await queue.remove(b)).toBe(true);
        await expect(queue.signal(b, "large", "x".repeat(65_535))).rejects.toMatchObject({ code: "too_large" });
        await expect(queue.signal(b, "never")).rejects.toMatchObject({ code: "not_found" });
      },
    );
  });
});

describe("a job's progress", () => {
  liveTest("is read with the job and along with its output, the newest at the end", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      async ({ progress, write }: Work) => {
        for (let done = 0; done <= 100; done++) progress({ done });
        write("half");
        await pause(700);
        return "done";
      },
      async () => {
        const id = await queue.push("x");
        const events: OutputEvent[] = [];
        for await (const event of queue.read(id)) events.push(event);
        const told = events.filter((event) => event.kind === "progress").map((event) => event.progress);
        expect(told.length).toBeLessThanOrEqual(4);
        expect(told.at(-1)).toEqual({ done: 100 });
        expect((await queue.get(id))?.progress).toEqual({ done: 100 });
      },
    );
  });
});

describe("a job that waits for its delay", () => {
  liveTest("goes at once when it is promoted", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const id = await queue.push("x", { delayMs: 3_600_000 });
    await working(
      redis,
      () => "done",
      async () => {
        expect(await queue.promote(id)).toBe(true);
        expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done" });
        expect(await queue.promote(id)).toBe(false);
      },
    );
  });

  liveTest("takes what is pushed under its key in its place, and waits anew", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const options = { idempotencyKey: "k", replace: true };
    const id = await queue.push("first", { ...options, delayMs: 60_000 });
    expect(await queue.push("second", { ...options, delayMs: 60_000 })).toBe(id);
    expect(await queue.push("second", { idempotencyKey: "k" })).toBe(id);
    await expect(queue.push("first", { idempotencyKey: "k" })).rejects.toMatchObject({ code: "conflict" });
    const [, bulk] = await queue.pushMany([
      { payload: "third", ...options, delayMs: 60_000 },
      { payload: "fourth", ...options },
    ]);
    expect(bulk).toBe(id);
    const seen: unknown[] = [];
    await working(
      redis,
      ({ payload }) => {
        seen.push(payload);
      },
      async () => {
        await queue.wait(id, { waitMs: 5_000 });
        const next = await queue.push("fifth", options);
        expect(next).not.toBe(id);
        await queue.wait(next, { waitMs: 5_000 });
      },
    );
    expect(seen).toEqual(["fourth", "fifth"]);
    await expect(queue.push("x", { replace: true })).rejects.toMatchObject({ details: { path: "replace" } });
  });
});
