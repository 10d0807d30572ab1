import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createQueue } from "./index.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;
/** A busy machine may spoil a measurement. */
const TRIES = 4;
const TEXT = "prose and words that go on ".repeat(600_000);

/** The longest go of this thread's event loop while some work runs, in milliseconds of CPU. */
async function longestGo(work: () => Promise<unknown>): Promise<number> {
  let [longest, isOver] = [0, false];
  let before = process.threadCpuUsage();
  const tick = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
    if (!isOver) setImmediate(tick);
  };
  tick();
  await work();
  isOver = true;
  return longest;
}

describe("a payload of many megabytes", () => {
  liveTest("is pushed in turns of the event loop, and is what a worker reads", async ({ redis, unique }) => {
    const queue = createQueue(redis.scope("acme"), { name: unique });
    let least = Infinity;
    for (let nth = 0; nth < TRIES && least > GO_MS_MAX; nth += 1) {
      // A text that was put together is copied where it is first read: this one is whole.
      const payload = { nth, texts: [TEXT] };
      least = Math.min(least, await longestGo(() => queue.push(payload, { id: `job-${nth}` })));
    }
    expect(least).toBeLessThan(GO_MS_MAX);
    expect((await queue.get("job-0"))?.payload).toEqual({ nth: 0, texts: [TEXT] });
  });

  liveTest("is the same job under the same idempotency key, and no other", async ({ redis, unique }) => {
    const queue = createQueue(redis.scope("acme"), { name: unique });
    const first = await queue.push({ text: TEXT }, { idempotencyKey: "k" });
    expect(await queue.push({ text: TEXT }, { idempotencyKey: "k" })).toBe(first);
    await expect(queue.push({ text: `${TEXT}!` }, { idempotencyKey: "k" })).rejects.toMatchObject({ code: "conflict" });
  });

  liveTest("that is no JSON is refused with the path of what is none", async ({ redis, unique }) => {
    const queue = createQueue(redis.scope("acme"), { name: unique });
    await expect(queue.push({ text: TEXT, more: [{ count: 1n }] })).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "payload.more[0].count" },
    });
  });
});
