import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { longestGo } from "../../test/scaling/measure.ts";
import { createQueue } from "./index.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;
const TEXT = "prose and words that go on ".repeat(600_000);

describe("a payload of many megabytes", () => {
  liveTest("is pushed in turns of the event loop, and is what a worker reads", async ({ redis, unique }) => {
    const queue = createQueue(redis.scope("acme"), { name: unique });
    const payload = { texts: [TEXT] };
    let nth = 0;
    expect(await longestGo(() => queue.push(payload, { id: `job-${(nth += 1)}` }), GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
    expect((await queue.get("job-1"))?.payload).toEqual(payload);
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
