import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createClaims, createQueue, createWorker, type Work } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const OPTIONS = { idempotencyKey: "k", replace: true } as const;

/** Ways by which a job that a worker had waits again. */
const HAD: Readonly<Record<string, (work: Work<string>) => Promise<void> | void>> = {
  "failed and waits for another attempt": () => {
    throw new Error("x");
  },
  "was given back by a worker that closed": ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
  "did a step, and waits for a signal that came": async ({ step, waitFor }) => {
    await step("paid", () => "old");
    await waitFor("s", { timeoutMs: 60_000 });
  },
};

describe("a push that replaces, once a worker had the job", () => {
  for (const [how, handler] of Object.entries(HAD))
    liveTest(`is a new job: one that ${how} keeps its payload and its steps`, async ({ redis, tenant }) => {
      const queue = createQueue<string>(tenant, { name: QUEUE });
      const first = await queue.push("old", OPTIONS);
      const worker = createWorker<string>(redis, { name: QUEUE, drainMs: 0 }, handler);
      await expect.poll(async () => (await queue.get(first))?.state).not.toBe("waiting");
      await pause(100);
      await worker.close();
      if (how.includes("signal")) await queue.signal(first, "s");
      const second = await queue.push("new", OPTIONS);
      expect(second).not.toBe(first);
      expect((await queue.get(first))?.payload).toBe("old");
      const seen: string[] = [];
      await working(
        redis,
        async ({ payload, step }) => void seen.push(`${String(payload)} ${String(await step("paid", () => payload))}`),
        async () => {
          for (const id of [first, second]) await queue.wait(id, { waitMs: 5_000 });
        },
      );
      expect(seen.toSorted()).toEqual(["new new", "old old"]);
    });

  liveTest("is a new job after a crash, and after a worker by HTTP gave it back", async ({ tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const claims = createClaims<string>(tenant, { name: QUEUE });
    const first = await queue.push("old", OPTIONS);
    const [claim] = await claims.claim({});
    await claims.release(claim!);
    const second = await queue.push("new", OPTIONS);
    expect(second).not.toBe(first);
    await claims.claim({ limit: 2, leaseMs: 1_000 });
    await pause(1_050);
    // Whoever looks next gives them back.
    const [again] = await claims.claim({});
    expect(await queue.get(again!.id)).toMatchObject({ crashesLeft: 2 });
    await claims.release(again!);
    expect([first, second]).not.toContain(await queue.push("newest", OPTIONS));
  });

  liveTest("takes the place of one that waits still, though a signal came for it", async ({ tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE });
    const first = await queue.push("old", OPTIONS);
    await queue.signal(first, "s");
    expect(await queue.push("new", OPTIONS)).toBe(first);
    expect((await queue.get(first))?.payload).toBe("new");
  });
});
