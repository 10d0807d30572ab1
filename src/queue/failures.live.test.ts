import { describe, expect } from "vitest";
import { MarrowError } from "../errors.ts";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createQueue } from "./index.ts";

const once = { attempts: 1 };
const deaf = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs));

describe("a job that fails", () => {
  liveTest("keeps why, without secrets, and its worker hears the error itself", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const heard: unknown[] = [];
    const error = new Error("OpenAI says: 401 invalid key sk-proj-abcdefghijkl\nand more");
    await working(
      redis,
      () => {
        throw error;
      },
      async () => {
        const job = await queue.wait(await queue.push("x", once), { waitMs: 5_000 });
        expect(job).toMatchObject({
          state: "dead",
          reason: "failed",
          failures: [{ reason: "failed", message: "OpenAI says: 401 invalid key *** and more" }],
        });
        expect(job.failures[0]?.atMs).toBeGreaterThan(Date.now() - 60_000);
        const [listed] = await queue.list({ state: "dead" });
        expect(listed?.failures).toEqual(job.failures);
      },
      { onError: (one) => void heard.push(one) },
    );
    expect(heard).toEqual([error]);
  });

  liveTest("keeps the last ten of its failures, each bounded", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    let attempt = 0;
    await working(
      redis,
      () => {
        const details = { retryAfterMs: 0 };
        throw new MarrowError("unavailable", `${++attempt} ${"x y ".repeat(1_000)}`, { details });
      },
      async () => {
        const id = await queue.push("x", { attempts: 13 });
        const { failures } = await queue.wait(id, { waitMs: 15_000 });
        expect(failures.map(({ message }) => Number(message.split(" ")[0]))).toEqual([
          4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
        ]);
        for (const { message } of failures) expect(message.length).toBeLessThanOrEqual(500);
      },
    );
  });

  liveTest(
    "keeps its failures when it succeeds in the end, for as long as its result",
    async ({ redis, tenant, unique }) => {
      const queue = createQueue(tenant, { name: QUEUE });
      let attempt = 0;
      await working(
        redis,
        () => {
          if (++attempt === 1) throw new MarrowError("unavailable", "not yet", { details: { retryAfterMs: 0 } });
          return "done";
        },
        async () => {
          const id = await queue.push("x", { resultTtlMs: 60_000 });
          const job = await queue.wait(id, { waitMs: 10_000 });
          expect(job).toMatchObject({ state: "done", result: "done", failures: [{ message: "not yet" }] });
          const life = Number(await redis.send(["PTTL", `{${unique}:queue:${QUEUE}}:queue:tries:${id}`]));
          expect(life).toBeGreaterThan(0);
          expect(life).toBeLessThanOrEqual(60_000);
          expect(await queue.remove(id)).toBe(true);
          expect(await redis.send(["EXISTS", `{${unique}:queue:${QUEUE}}:queue:tries:${id}`])).toBe(0);
        },
      );
    },
  );

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  liveTest.for<[string, unknown, string]>([
    ["a BigInt", { usage: { tokens: [1n] } }, "result.usage.tokens[0]"],
    ["a cycle", { cycle }, "result.cycle.self"],
  ])("is dead at once when its result holds %s, and says where", async ([, result, path], { redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    let calls = 0;
    await working(
      redis,
      () => {
        calls += 1;
        return result;
      },
      async () => {
        const job = await queue.wait(await queue.push("x"), { waitMs: 5_000 });
        expect(job).toMatchObject({ state: "dead", reason: "invalid_input" });
        expect(job.failures[0]?.message).toContain(path);
      },
    );
    expect(calls).toBe(1);
  });
});

describe("a handler that ignores its signal", () => {
  const bounds = { concurrency: 1, graceMs: 50 };

  liveTest(
    "loses its place when its time is over; the attempt counts and its late answer is not kept",
    async ({ redis, tenant }) => {
      const queue = createQueue(tenant, { name: QUEUE });
      const heard: unknown[] = [];
      const lasting = working(
        redis,
        async ({ payload, write }) => {
          if (payload === "next") return "next";
          await deaf(2_000);
          write("late");
          return "late";
        },
        async () => {
          const slow = await queue.push("deaf", once);
          const next = await queue.push("next");
          expect(await queue.wait(slow, { waitMs: 1_500 })).toMatchObject({ state: "dead", reason: "timeout" });
          expect(await queue.wait(next, { waitMs: 1_500 })).toMatchObject({ state: "done", result: "next" });
          await deaf(2_200);
          expect(await queue.get(slow)).toMatchObject({ state: "dead", result: undefined });
        },
        { ...bounds, timeoutMs: 100, onError: (error) => void heard.push(error) },
      );
      await lasting;
      expect(heard).toEqual([expect.objectContaining({ code: "timeout" })]);
    },
  );

  liveTest("loses its place when its job is cancelled", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    await working(
      redis,
      async () => {
        await deaf(3_000);
        return "late";
      },
      async () => {
        const id = await queue.push("deaf");
        await expect.poll(async () => (await queue.get(id))?.state, { timeout: 3_000 }).toBe("running");
        await queue.cancel(id);
        const job = await queue.wait(id, { waitMs: 2_500 });
        expect(job).toMatchObject({ state: "cancelled", result: undefined });
      },
      bounds,
    );
  });
});
