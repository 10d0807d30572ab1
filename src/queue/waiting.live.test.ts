import { describe, expect } from "vitest";
import { MarrowError } from "../errors.ts";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createQueue, createWorker, type Work } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const bound = { waitTtlMs: 300 };

/** The time that a job may wait for a worker counts from when it is due, and ends with the first worker that takes it. */
describe("a job that may wait 300 ms for a worker", () => {
  liveTest("waits for others as long as it takes, then 300 ms from there", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const handler = async ({ payload }: Work) => {
      if (payload === "first") await pause(600);
    };
    const ids = await working(redis, handler, async () => {
      const first = await queue.push("first");
      const next = await queue.push("next", { ...bound, dependsOn: [first] });
      const delayed = await queue.push("delayed", { ...bound, dependsOn: [first], delayMs: 400 });
      const last = await queue.push("last", { ...bound, dependsOn: [first], delayMs: 200 });
      expect(await queue.wait(next, { waitMs: 5_000 })).toMatchObject({ state: "done" });
      return { delayed, last };
    });
    await pause(550);
    await working(redis, handler, async () => {
      expect(await queue.wait(ids.last, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "expired" });
      expect(await queue.wait(ids.delayed, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    });
  });

  liveTest("does not expire once it was taken: it waits for signals and retries", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    let failed = 0;
    await working(
      redis,
      async ({ payload, waitFor }: Work) => {
        if (payload === "signal") return waitFor("go", { timeoutMs: 60_000 });
        if (failed++ === 0) throw new MarrowError("unavailable", "not yet", { details: { retryAfterMs: 600 } });
        return "well";
      },
      async () => {
        const [suspended = "", retried = ""] = await queue.pushMany([
          { payload: "signal", ...bound },
          { payload: "retry", ...bound },
        ]);
        await pause(600);
        await queue.signal(suspended, "go", 1);
        expect(await queue.wait(suspended, { waitMs: 5_000 })).toMatchObject({ state: "done" });
        expect(await queue.wait(retried, { waitMs: 5_000 })).toMatchObject({ state: "done", result: "well" });
      },
    );
  });

  liveTest("does not expire when its worker closes or dies", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    let gone = false;
    const taken: unknown[] = [];
    const hang = ({ payload, signal }: Work) => {
      taken.push(payload);
      return new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(signal.reason as Error)));
    };
    const closing = createWorker(redis, { name: QUEUE, drainMs: 0 }, hang);
    const closed = await queue.push("closed", bound);
    await expect.poll(() => taken, { timeout: 5_000 }).toEqual(["closed"]);
    await pause(400);
    await closing.close();
    const dying = createWorker(
      {
        ...redis,
        send: (command, options) => (gone ? Promise.reject(new Error("cut")) : redis.send(command, options)),
      },
      { name: QUEUE, leaseMs: 1_000, drainMs: 0 },
      hang,
    );
    const crashed = await queue.push("crashed", bound);
    await expect.poll(() => taken.length, { timeout: 5_000 }).toBe(3);
    gone = true;
    await working(
      redis,
      () => "done",
      async () => {
        for (const id of [closed, crashed])
          expect(await queue.wait(id, { waitMs: 10_000 })).toMatchObject({ state: "done" });
      },
    );
    gone = false;
    await dying.close();
  });

  liveTest("waits anew when another takes its place", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const options = { ...bound, replace: true };
    const push = async (key: string, more: object = {}) =>
      queue.push(key, { ...options, idempotencyKey: key, ...more });
    const again = await push("again");
    const forever = await push("forever");
    const short = await push("short", { waitTtlMs: 60_000 });
    const blocker = await queue.push("blocker", { delayMs: 60_000 });
    const blocked = await push("blocked", { dependsOn: [blocker], waitTtlMs: 60_000 });
    await pause(200);
    await push("short", { waitTtlMs: 1 });
    await push("again");
    await push("forever", { waitTtlMs: undefined });
    await push("blocked", { waitTtlMs: 60_000, dependsOn: [blocker] });
    await pause(200);
    await queue.promote(blocker);
    await working(
      redis,
      () => "done",
      async () => {
        for (const id of [again, forever, blocked])
          expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done" });
        expect(await queue.wait(short, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "expired" });
      },
    );
  });

  liveTest("that is promoted waits 300 ms from there", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const id = await queue.push("x", { ...bound, delayMs: 60_000 });
    await queue.promote(id);
    await pause(400);
    await working(
      redis,
      () => "done",
      async () => {
        expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "expired" });
      },
    );
  });
});
