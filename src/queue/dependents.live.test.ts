import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createClaims, createQueue } from "./index.ts";

describe("many jobs that depend on one", () => {
  const many = (first: string) => Array.from({ length: 700 }, (_, payload) => ({ payload, dependsOn: [first] }));

  liveTest("go on a page at a time: no script ends or begins more than 100", async ({ redis, tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE });
    const claims = createClaims<number>(tenant, { name: QUEUE });
    const first = await queue.push(-1);
    await queue.pushMany(many(first));
    const [claim] = await claims.claim({});
    await claims.finish(claim!, "done");
    expect(await queue.counts()).toMatchObject({ waiting: 100, blocked: 600 });
    // Whoever works at the queue goes on with the rest, those that come by HTTP as well.
    const [next] = await claims.claim({});
    expect(await queue.counts()).toMatchObject({ blocked: 500 });
    await claims.release(next!);
    const seen = new Set<unknown>();
    await working(
      redis,
      ({ payload }) => void seen.add(payload),
      async () => {
        await expect.poll(() => seen.size, { timeout: 5_000 }).toBe(700);
      },
    );
    expect(await queue.counts()).toMatchObject({ waiting: 0, blocked: 0 });
  });

  liveTest("are dead once it is cancelled or taken away, and so is what depends on them", async ({ tenant }) => {
    const queue = createQueue<number>(tenant, { name: QUEUE });
    const [cancelled, removed] = [await queue.push(-1), await queue.push(-1)];
    const [behind] = await queue.pushMany([...many(cancelled), ...many(removed)]);
    const last = await queue.push(0, { dependsOn: [behind!] });
    await queue.cancel(cancelled);
    expect(await queue.get(last)).toMatchObject({ state: "dead", reason: "dependency" });
    expect(await queue.counts()).toMatchObject({ deadKept: 701, blocked: 700 });
    expect(await queue.remove(removed)).toBe(true);
    expect(await queue.counts()).toMatchObject({ deadKept: 1_401, blocked: 0 });
  });
});

describe("the idempotency key of a job that depends on another", () => {
  liveTest("is known from when the job is due, however long it was blocked", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: QUEUE, idempotencyMs: 5_000 });
    const start = `{${redis.app}:queue:${QUEUE}}:queue`;
    const lifeMs = async (key: string) => Number(await redis.send(["PTTL", `${start}:idem:acme:${key}`]));
    const first = await queue.push("first", { delayMs: 60_000 });
    const options = { dependsOn: [first], idempotencyKey: "k" };
    const id = await queue.push("x", options);
    expect(await lifeMs("k")).toBeGreaterThan(86_400_000);
    expect(await queue.push("y", { ...options, replace: true })).toBe(id);
    expect(await lifeMs("k")).toBeGreaterThan(86_400_000);
    await queue.push("later", { dependsOn: [first], idempotencyKey: "delayed", delayMs: 100_000 });
    await queue.promote(first);
    await working(
      redis,
      () => "done",
      async () => {
        await queue.wait(id, { waitMs: 5_000 });
      },
    );
    expect(await lifeMs("k")).toBeLessThanOrEqual(5_000);
    expect(await lifeMs("k")).toBeGreaterThan(0);
    expect(await lifeMs("delayed")).toBeLessThanOrEqual(105_000);
    expect(await lifeMs("delayed")).toBeGreaterThan(90_000);
    expect(await queue.push("y", { idempotencyKey: "k" })).toBe(id);
    expect(await redis.send(["EXISTS", `${start}:keyed:${id}`])).toBe(0);
  });
});
