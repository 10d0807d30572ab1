import { describe, expect } from "vitest";
import { MarrowError } from "../errors.ts";
import { liveTest } from "../../test/live.ts";
import { QUEUE, working } from "../../test/queue.ts";
import { createQueue } from "./index.ts";

const once = { attempts: 1 };

/** Fails what is not well yet, and keeps the order of what was done. */
function patient() {
  const [ill, done] = [new Set<unknown>(), [] as unknown[]];
  const handler = ({ payload }: { readonly payload: unknown }) => {
    if (ill.has(payload)) throw new MarrowError("invalid_input", "not well");
    done.push(payload);
  };
  return { ill, done, handler };
}

describe("a dead job that depends on others", () => {
  liveTest("stays dead while one of them is dead, and goes behind it when both go again", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const { ill, done, handler } = patient();
    ill.add("a");
    await working(redis, handler, async () => {
      const a = await queue.push("a", once);
      const b = await queue.push("b", { ...once, dependsOn: [a] });
      const c = await queue.push("c", { ...once, dependsOn: [b] });
      expect(await queue.wait(c, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "dependency" });
      expect(await queue.redrive({ ids: [b] })).toEqual([]);
      expect(await queue.redrive({ ids: [c, b] })).toEqual([]);
      expect(await queue.get(b)).toMatchObject({ state: "dead", reason: "dependency" });
      ill.clear();
      expect(new Set(await queue.redrive({ ids: [c, b, a] }))).toEqual(new Set([a, b, c]));
      expect(await queue.wait(c, { waitMs: 5_000 })).toMatchObject({ state: "done" });
      expect(done).toEqual(["a", "b", "c"]);
    });
  });

  liveTest("is dead again when what it depends on fails again", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const { ill, handler } = patient();
    ill.add("a");
    await working(redis, handler, async () => {
      const a = await queue.push("a", once);
      const b = await queue.push("b", { ...once, dependsOn: [a] });
      await queue.wait(b, { waitMs: 5_000 });
      expect(await queue.redrive()).toHaveLength(2);
      expect(await queue.wait(b, { waitMs: 5_000 })).toMatchObject({ state: "dead", reason: "dependency" });
    });
  });

  liveTest("goes when those it depends on were done and it failed by itself", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const { ill, handler } = patient();
    ill.add("b");
    await working(redis, handler, async () => {
      const a = await queue.push("a", { resultTtlMs: 50 });
      const b = await queue.push("b", { ...once, dependsOn: [a] });
      await queue.wait(b, { waitMs: 5_000 });
      await expect.poll(() => queue.get(a), { timeout: 5_000 }).toBeUndefined();
      ill.clear();
      expect(await queue.redrive({ ids: [b] })).toEqual([b]);
      expect(await queue.wait(b, { waitMs: 5_000 })).toMatchObject({ state: "done" });
    });
  });
});

describe("redriving a tenant's jobs", () => {
  liveTest("does not look through those of its neighbours", async ({ redis, tenant }) => {
    const [queue, noisy] = [tenant, redis.scope("noisy")].map((scope) => createQueue(scope, { name: QUEUE }));
    const { ill, handler } = patient();
    ill.add("x");
    await working(redis, handler, async () => {
      const others = await noisy?.pushMany(Array.from({ length: 300 }, () => ({ payload: "x", ...once })));
      await noisy?.wait(others?.at(-1) ?? "", { waitMs: 10_000 });
      const own = (await queue?.push("x", once)) ?? "";
      await queue?.wait(own, { waitMs: 5_000 });
      ill.clear();
      expect(await queue?.redrive()).toEqual([own]);
      expect(await queue?.wait(own, { waitMs: 5_000 })).toMatchObject({ state: "done" });
      expect((await queue?.list({ state: "dead" }))?.length).toBe(0);
      expect((await noisy?.counts())?.deadKept).toBe(300);
    });
  });
});

describe("an idempotency key", () => {
  liveTest("never gives an id that is not there: the key of a job that is gone is free", async ({ redis, tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const key = { idempotencyKey: "k" };
    const first = await queue.push("x", { ...key, delayMs: 60_000 });
    expect(await queue.push("x", key)).toBe(first);
    await queue.remove(first);
    await working(
      redis,
      () => "done",
      async () => {
        const second = await queue.push("x", { ...key, resultTtlMs: 100 });
        expect(second).not.toBe(first);
        expect(await queue.wait(second, { waitMs: 5_000 })).toMatchObject({ state: "done" });
        await expect.poll(() => queue.get(second), { timeout: 5_000 }).toBeUndefined();
        const third = await queue.push("x", key);
        expect(await queue.wait(third, { waitMs: 5_000 })).toMatchObject({ state: "done", result: "done" });
      },
    );
  });

  liveTest("is known as long as its result is kept, by default", async ({ redis, tenant, unique }) => {
    const queue = createQueue(tenant, { name: QUEUE, idempotencyMs: 7_200_000 });
    await working(
      redis,
      () => "done",
      async () => {
        const id = await queue.push("x", { idempotencyKey: "k" });
        await queue.wait(id, { waitMs: 5_000 });
        const start = `{${unique}:queue:${QUEUE}}:queue`;
        const lives = await Promise.all(
          [`${start}:job:${id}`, `${start}:idem:acme:k`].map((key) => redis.send(["PTTL", key])),
        );
        for (const life of lives) expect(Number(life)).toBeGreaterThan(7_100_000);
      },
    );
  });

  liveTest("is one job within one bulk, too", async ({ tenant }) => {
    const queue = createQueue(tenant, { name: QUEUE });
    const [a, b] = await queue.pushMany([
      { payload: "x", idempotencyKey: "k" },
      { payload: "x", idempotencyKey: "k" },
    ]);
    expect(a).toBe(b);
  });
});
