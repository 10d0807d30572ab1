import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { losing } from "../testing/index.ts";
import { combineLimiters, createLimiter, createQuota, type Rule } from "./index.ts";

const user: Rule = { id: "user", by: "user", limit: 5, windowMs: 60_000 };
const app: Rule = { id: "app", by: "app", limit: 7, windowMs: 60_000 };
const slots: Rule = { id: "slots", by: "app", unit: "concurrency", limit: 6 };

describe("limiters in different slots as one", () => {
  liveTest("take from all or from none, in as many round trips as there are slots", async ({ counted, proxy }) => {
    const options = { name: "l", rules: [user, app, slots], onUnavailable: "refuse", slots: "subject" } as const;
    const limiter = createLimiter(counted.scope("acme"), options);
    const first = await limiter.take({ user: "a" });
    proxy.reset();
    const taken = await Promise.all(Array.from({ length: 9 }, () => limiter.take({ user: "a" })));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(4);
    for (const decision of [first, ...taken]) if (decision.allowed) await decision.settle();
    const others = [];
    for (let call = 0; call < 4; call += 1) others.push(await limiter.take({ user: "b" }));
    expect(others.map(({ allowed }) => allowed)).toEqual([true, true, false, false]);
    expect(others[3]).toMatchObject({ refusedBy: "app" });
    // What the second step refused was given back in the first.
    const { rules } = await limiter.peek({ user: "b" });
    expect(rules.map(({ id, remaining }) => [id, remaining])).toEqual([
      ["user", 3],
      ["app", 0],
      ["slots", 4],
    ]);
    proxy.reset();
    await limiter.take({ user: "c" }, { requests: 0, concurrency: 0 });
    expect(proxy.roundTrips()).toBe(2);
    await limiter.block({ user: "c" });
    expect(await limiter.take({ user: "c" })).toMatchObject({ refusedBy: "blocked" });
    await limiter.reset({ user: "b" }, ["user"]);
    expect((await limiter.peek({ user: "b" })).rules[0]?.remaining).toBe(5);
    await expect(limiter.exceptions()).rejects.toMatchObject({ code: "unsupported" });
  });

  liveTest("leave nothing taken when the second cannot be reached", async ({ tenant, redis }) => {
    const inner = createLimiter(tenant, { name: "l", rules: [user], onUnavailable: "refuse" });
    const lost = losing(redis.scope("all"), 1, "before");
    const outer = createLimiter(lost, { name: "l", rules: [app], onUnavailable: "refuse" });
    const both = combineLimiters([inner, outer]);
    expect(await both.take({ user: "u" })).toMatchObject({ allowed: false, degraded: true });
    expect((await inner.peek({ user: "u" })).rules[0]?.remaining).toBe(5);
    expect((await both.take({ user: "u" })).allowed).toBe(true);
  });
});

describe("a quota taken in blocks", () => {
  liveTest(
    "asks once a block, and admits no more than the limit and a block for each process",
    async ({ redis, unique }) => {
      const limit = 60;
      const processes = Array.from({ length: 4 }, () => {
        const hot: Rule = { id: "hot", by: "app", algorithm: "fixedWindow", limit, windowMs: 86_400_000 };
        const limiter = createLimiter(redis.scope(unique), { name: "hot", rules: [hot], onUnavailable: "refuse" });
        return { limiter, quota: createQuota(limiter, { block: { requests: 8 }, blockMs: 400 }) };
      });
      const admitted = await Promise.all(
        processes.map(async ({ quota }) => {
          let count = 0;
          for (let call = 0; call < 40; call += 1) if ((await quota.take({})).allowed) count += 1;
          return count;
        }),
      );
      // All in one window: never over the limit itself, and all of it is used.
      expect(admitted.reduce((sum, count) => sum + count, 0)).toBe(limit);
      await Promise.all(processes.map(({ quota }) => quota.close()));
    },
  );

  liveTest("gives back what a block had left, and charges what a call took beyond", async ({ tenant }) => {
    const hot: Rule = { id: "hot", by: "app", unit: "tokens", limit: 100, windowMs: 600_000 };
    const limiter = createLimiter(tenant, { name: "hot", rules: [hot], onUnavailable: "refuse" });
    const remaining = async () => (await limiter.peek({})).rules[0]?.remaining;
    const quota = createQuota(limiter, { block: { tokens: 50 }, blockMs: 10_000 });
    const decision = await quota.take({}, { tokens: 10 });
    expect(await remaining()).toBe(50);
    if (decision.allowed) await decision.settle({ tokens: 25 });
    await quota.close();
    expect(await remaining()).toBe(75);
    if (decision.allowed) expect(await decision.settle({ tokens: 90 })).toBe(false);
    const late = await quota.take({}, { tokens: 5 });
    await quota.close();
    if (late.allowed) expect(await late.settle({ tokens: 9 })).toBe(false);
    expect(await remaining()).toBe(66);
  });

  liveTest(
    "takes what there is when no block is to be had, and remembers a refusal for a moment",
    async ({ counted, proxy }) => {
      const hot: Rule = { id: "hot", by: "app", limit: 5, windowMs: 600_000 };
      const limiter = createLimiter(counted.scope("acme"), { name: "hot", rules: [hot], onUnavailable: "refuse" });
      const quota = createQuota(limiter, { block: { requests: 50 } });
      const decisions = [];
      for (let call = 0; call < 6; call += 1) decisions.push((await quota.take({})).allowed);
      expect(decisions).toEqual([true, true, true, true, true, false]);
      proxy.reset();
      for (let call = 0; call < 20; call += 1) expect((await quota.take({})).allowed).toBe(false);
      expect(proxy.roundTrips()).toBe(0);
      await quota.close();
    },
  );
});
