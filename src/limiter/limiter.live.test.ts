import { describe, expect, inject } from "vitest";
import { liveTest } from "../../test/live.ts";
import { connect } from "../index.ts";
import { losing } from "../testing/index.ts";
import { createLimiter, type Rule } from "./index.ts";

const perUser = (limit: number, windowMs = 60_000): Rule => ({ id: "user", by: "user", limit, windowMs });
const perApp = (limit: number, windowMs = 60_000): Rule => ({ id: "app", by: "app", limit, windowMs });
const tokens = (limit: number, windowMs = 60_000): Rule => ({
  id: "tokens",
  by: "user",
  unit: "tokens",
  limit,
  windowMs,
});

describe("a limiter of two levels", () => {
  liveTest("never lets 50 concurrent callers take more than the limit", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [perUser(3), perApp(100)], onUnavailable: "refuse" });
    const decisions = await Promise.all(Array.from({ length: 50 }, () => limiter.take({ user: "u" })));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(3);
  });

  liveTest("charges no rule when one refuses", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [perUser(100), perApp(1)], onUnavailable: "refuse" });
    await limiter.take({ user: "u" });
    for (let call = 0; call < 5; call += 1) {
      expect(await limiter.take({ user: "u" })).toMatchObject({ allowed: false, refusedBy: "app" });
    }
    const [user] = (await limiter.take({ user: "u" })).rules;
    expect(user).toMatchObject({ id: "user", remaining: 99 });
  });

  liveTest("counts each user alone and the whole app together", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [perUser(2), perApp(3)], onUnavailable: "refuse" });
    const take = async (user: string) => (await limiter.take({ user })).allowed;
    expect([await take("a"), await take("a"), await take("a")]).toEqual([true, true, false]);
    expect([await take("b"), await take("b")]).toEqual([true, false]);
  });

  liveTest("says when to come back, and allows then", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [perUser(2, 1_000)], onUnavailable: "refuse" });
    while ((await limiter.take({ user: "u" })).allowed);
    const refused = await limiter.take({ user: "u" });
    if (refused.allowed) throw new Error("expected a refusal");
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(2_000);
    await new Promise((resolve) => setTimeout(resolve, (refused.retryAfterMs ?? 0) + 20));
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
  });

  liveTest("keeps its counts for two windows after the last take", async ({ tenant, redis, unique }) => {
    const rules = [perUser(9, 1_000), perApp(9, 1_000)];
    const limiter = createLimiter(tenant, { name: "l", rules, onUnavailable: "refuse" });
    await limiter.take({ user: "u" });
    await limiter.take({ user: "u" });
    // Another window: the first take of it sets the life of the counts anew.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await limiter.take({ user: "u" });
    for (const subject of ["user:u", "app:app"])
      expect(await redis.send(["PTTL", `{${unique}:acme}:limiter:l:of:${subject}`])).toBeGreaterThan(1_200);
  });

  liveTest("says that a cost over the limit will never be allowed", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [tokens(100)], onUnavailable: "refuse" });
    expect(await limiter.take({ user: "u" }, { tokens: 101 })).toMatchObject({
      allowed: false,
      refusedBy: "tokens",
      retryAfterMs: undefined,
    });
    expect(await limiter.take({ user: "u" }, { tokens: 100 })).toMatchObject({ allowed: true });
  });

  liveTest("keeps no counter for longer than two windows", async ({ tenant, redis, unique }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [perUser(5, 1_000)], onUnavailable: "refuse" });
    await limiter.take({ user: "u" });
    const left = Number(await redis.send(["PTTL", `{${unique}:acme}:limiter:l:of:user:u`]));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(2_000);
  });
});

describe("a limiter of a short and a long window", () => {
  liveTest("keeps the long one's count when the short one turns", async ({ tenant }) => {
    const rules = [perUser(2, 100), { ...perUser(9, 600_000), id: "long" }];
    const limiter = createLimiter(tenant, { name: "l", rules, onUnavailable: "refuse" });
    for (let call = 0; call < 3; call += 1) {
      expect((await limiter.take({ user: "u" })).allowed).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 350));
    }
    expect((await limiter.peek({ user: "u" })).rules.map(({ remaining }) => remaining)).toEqual([2, 6]);
  });
});

describe("a limiter of tokens", () => {
  liveTest("gives back what was not used, and charges what was used beyond", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [tokens(100)], onUnavailable: "refuse" });
    const remaining = async () => (await limiter.take({ user: "u" })).rules[0]?.remaining;
    const first = await limiter.take({ user: "u" }, { tokens: 60 });
    if (first.allowed) await first.settle({ tokens: 10 });
    expect(await remaining()).toBe(90);
    const second = await limiter.take({ user: "u" }, { tokens: 10 });
    if (second.allowed) await second.settle({ tokens: 70 });
    expect(await remaining()).toBe(20);
  });

  liveTest("shares one settlement between callers of one moment, and loses none of it", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [tokens(1_000)], onUnavailable: "refuse" });
    const taken = await Promise.all(Array.from({ length: 10 }, () => limiter.take({ user: "u" }, { tokens: 50 })));
    await Promise.all(
      taken.map((decision) => (decision.allowed ? decision.settle({ tokens: 20 }) : Promise.resolve())),
    );
    expect((await limiter.take({ user: "u" })).rules[0]?.remaining).toBe(800);
  });

  liveTest("does nothing when it settles after its window has gone", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: [tokens(100, 1_000)], onUnavailable: "refuse" });
    const old = await limiter.take({ user: "u" }, { tokens: 50 });
    // Until a window begins: the next two takes are in one.
    await new Promise((resolve) => setTimeout(resolve, 3_050 - (Date.now() % 1_000)));
    await limiter.take({ user: "u" }, { tokens: 40 });
    if (old.allowed) await old.settle({ tokens: 0 });
    expect((await limiter.take({ user: "u" })).rules[0]?.remaining).toBeLessThanOrEqual(60);
  });
});

describe("a limiter whose Redis is away", () => {
  liveTest.each(["before", "after"] as const)(
    "allows or refuses as it was told, and says so (lost %s)",
    async (when) => {
      const redis = await connect(inject("redisUrl"));
      for (const onUnavailable of ["allow", "refuse"] as const) {
        const lost = losing(redis.scope("acme"), 1, when);
        const limiter = createLimiter(lost, { name: "l", rules: [perUser(3)], onUnavailable });
        const decision = await limiter.take({ user: `away-${onUnavailable}-${when}` });
        expect(decision).toMatchObject({ allowed: onUnavailable === "allow", degraded: true });
      }
      await redis.close();
    },
  );
});

describe("a limiter's cost", () => {
  liveTest("is one round trip a decision and one a settlement", async ({ counted, proxy }) => {
    const limiter = createLimiter(counted.scope("acme"), {
      name: "l",
      rules: [perUser(9), perApp(9), tokens(99)],
      onUnavailable: "refuse",
    });
    const warm = await limiter.take({ user: "u" });
    if (warm.allowed) await warm.settle({ tokens: 1 });
    proxy.reset();
    const decision = await limiter.take({ user: "u" }, { tokens: 5 });
    expect(proxy.roundTrips()).toBe(1);
    if (decision.allowed) await decision.settle({ tokens: 3 });
    expect(proxy.roundTrips()).toBe(2);
    if (decision.allowed) await decision.settle({ tokens: 5 });
    expect(proxy.roundTrips()).toBe(2);
  });
});
