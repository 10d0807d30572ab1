import { describe, expect } from "vitest";
import { withClock } from "../../test/clock.ts";
import { liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createLimiter, type Limiter, type Rule } from "./index.ts";
import * as scripts from "./scripts.gen.ts";

const START_MS = Date.UTC(2026, 10, 23, 12);
const rules: readonly Rule[] = [
  { id: "requests", by: "user", limit: 3, windowMs: 60_000 },
  { id: "bucket", by: "user", unit: "tokens", algorithm: "tokenBucket", limit: 10, windowMs: 60_000, burst: 20 },
  { id: "app", by: "app", limit: 100, windowMs: 60_000 },
];
const options = { name: "l", rules, onUnavailable: "refuse" } as const;
const all = Object.values(scripts);

/** A limiter for which no time passes: a window that ended within a test would give its units back. */
async function standing(tenant: ScopedRedis): Promise<Limiter> {
  const { redis, set } = withClock(tenant, all);
  await set(START_MS);
  return createLimiter(redis, options);
}

describe("an exception", () => {
  liveTest("blocks one subject until it is over, and no other", async ({ tenant }) => {
    const { redis, set } = withClock(tenant, all);
    const limiter = createLimiter(redis, options);
    await set(START_MS);
    await limiter.block({ user: "u" }, { forMs: 5_000 });
    expect(await limiter.take({ user: "u" })).toMatchObject({
      allowed: false,
      refusedBy: "blocked",
      retryAfterMs: 5_000,
    });
    expect(await limiter.peek({ user: "u" })).toMatchObject({ allowed: false, refusedBy: "blocked" });
    expect((await limiter.take({ user: "other" })).allowed).toBe(true);
    await set(START_MS + 5_000);
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
    await limiter.block({ user: "u" });
    expect(await limiter.take({ user: "u" })).toMatchObject({ allowed: false, retryAfterMs: undefined });
    await limiter.unblock({ user: "u" });
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
  });

  liveTest("gives one subject another limit, with what it used still counted", async ({ tenant }) => {
    const limiter = await standing(tenant);
    await limiter.take({ user: "u" });
    await limiter.override({ user: "u" }, { requests: 5, bucket: 100 });
    const decision = await limiter.take({ user: "u" }, { tokens: 150 });
    expect(decision.rules.map(({ limit, remaining }) => [limit, remaining])).toEqual([
      [5, 3],
      [200, 50],
      [100, 98],
    ]);
    expect((await limiter.take({ user: "other" })).rules[0]).toMatchObject({ limit: 3, remaining: 2 });
    await limiter.restore({ user: "u" });
    expect((await limiter.peek({ user: "u" })).rules.map(({ limit, remaining }) => [limit, remaining])).toEqual([
      [3, 1],
      [20, 0],
      [100, 97],
    ]);
  });

  liveTest("boosts one subject for a time, on top of an override", async ({ tenant, unique }) => {
    const { redis, set } = withClock(tenant, all);
    const limiter = createLimiter(redis, options);
    await set(START_MS);
    await limiter.override({ user: "u" }, { requests: 5 }, { forMs: 20_000 });
    await limiter.boost({ user: "u" }, { requests: 2 }, { forMs: 10_000 });
    const limit = async () => (await limiter.peek({ user: "u" })).rules[0]?.limit;
    expect(await limit()).toBe(7);
    await set(START_MS + 10_000);
    expect(await limit()).toBe(5);
    await set(START_MS + 20_000);
    expect(await limit()).toBe(3);
    // What ended leaves nothing that would be kept for ever.
    expect(await tenant.send(["HLEN", `{${unique}:acme}:limiter:l:exceptions`])).toBe(0);
    expect(Number(await tenant.send(["PTTL", `{${unique}:acme}:limiter:l:of:user:u`]))).toBeGreaterThan(0);
  });

  liveTest(
    "is listed while it holds, and costs nobody anything once none is left",
    async ({ tenant, redis, unique }) => {
      const limiter = await standing(tenant);
      await limiter.block({ user: "Ann:1 %" });
      await limiter.override({ app: "app" }, { app: 2 ** 40 });
      expect(await limiter.exceptions()).toEqual(
        expect.arrayContaining([
          { subject: { user: "Ann:1 %" }, blocked: { untilMs: undefined }, rules: {} },
          { subject: { app: "app" }, rules: { app: { limit: 2 ** 40, limitUntilMs: undefined } } },
        ]),
      );
      expect(await limiter.exceptionOf({ user: "Ann:1 %" })).toEqual({
        subject: { user: "Ann:1 %" },
        blocked: { untilMs: undefined },
        rules: {},
      });
      expect(await limiter.exceptionOf({ user: "Bob" })).toBeUndefined();
      await expect(limiter.exceptionOf({ tenant: "x" })).rejects.toMatchObject({ code: "invalid_input" });
      await limiter.unblock({ user: "Ann:1 %" });
      await limiter.restore({ app: "app" });
      expect(await limiter.exceptions()).toEqual([]);
      expect(Number(await redis.send(["PTTL", `{${unique}:acme}:limiter:l:of:app:app`]))).toBeGreaterThan(0);
    },
  );

  liveTest.for<[string, object | undefined, object]>([
    ["subject", { user: "u", app: "app" }, {}],
    ["subject", { org: "o" }, {}],
    ["subject", undefined, {}],
    ["limits.nothing", { user: "u" }, { nothing: 1 }],
    ["limits.app", { user: "u" }, { app: 1 }],
    ["limits.requests", { user: "u" }, { requests: -1 }],
  ])("for the wrong %s is refused (%#)", async ([path, subject, limits], { tenant }) => {
    const limiter = await standing(tenant);
    const wrong = limiter.override(subject as { user: string }, limits as Record<string, number>);
    await expect(wrong).rejects.toMatchObject({ code: "invalid_input", details: { path } });
  });
});

describe("a limiter", () => {
  liveTest("peeks without taking, charges and refunds without asking, and forgets on demand", async ({ tenant }) => {
    const limiter = await standing(tenant);
    const remaining = async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining;
    for (let call = 0; call < 5; call += 1) expect(await remaining()).toBe(3);
    await limiter.charge({ user: "u" }, { requests: 7 });
    expect(await limiter.peek({ user: "u" })).toMatchObject({ allowed: false, refusedBy: "requests" });
    await limiter.refund({ user: "u" }, { requests: 5 });
    expect(await remaining()).toBe(1);
    await limiter.refund({ user: "u" }, { requests: 50 });
    expect(await remaining()).toBe(3);
    await limiter.take({ user: "u" }, { requests: 2, tokens: 5 });
    await limiter.reset({ user: "u" }, ["requests"]);
    expect((await limiter.peek({ user: "u" })).rules.map((rule) => rule.remaining)).toEqual([3, 15, 98]);
    await limiter.reset({ user: "u" });
    expect((await limiter.peek({ user: "u" })).rules.map((rule) => rule.remaining)).toEqual([3, 20, 100]);
  });

  liveTest("gives back the newest of a log, and takes fractions and nothing at all", async ({ tenant }) => {
    const log: Rule = { id: "log", by: "user", algorithm: "slidingLog", limit: 10, windowMs: 60_000 };
    const limiter = createLimiter(tenant, { ...options, rules: [log] });
    const remaining = async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining;
    await limiter.take({ user: "u" }, { requests: 2.5 });
    await limiter.take({ user: "u" }, { requests: 4 });
    await limiter.take({ user: "u" }, { requests: 0 });
    await limiter.refund({ user: "u" }, { requests: 4.25 });
    expect(await remaining()).toBe(7.75);
    await limiter.refund({ user: "u" }, { requests: 100 });
    expect(await remaining()).toBe(10);
    expect((await limiter.take({ user: "u" }, { requests: 10.001 })).allowed).toBe(false);
  });

  liveTest("goes on counting when a rule's limit is changed, or another rule joins", async ({ tenant }) => {
    const first = createLimiter(tenant, { ...options, rules: [rules[0]!] });
    const second = createLimiter(tenant, { ...options, rules: [rules[1]!, { ...rules[0]!, limit: 30 }] });
    await first.take({ user: "u" });
    await second.take({ user: "u" }, { tokens: 3 });
    await first.take({ user: "u" });
    // A sliding window gives back a thousandth in the meantime.
    const left = (await second.peek({ user: "u" })).rules.map(({ remaining }) => Math.floor(remaining));
    expect(left).toEqual([17, 27]);
    expect((await first.peek({ user: "u" })).rules.map(({ remaining }) => remaining)).toEqual([0]);
  });

  liveTest("counts a calendar's day by the server's clock, though ours is a week off", async ({ tenant }) => {
    const { redis, set } = withClock(tenant, all);
    const day: Rule = {
      id: "day",
      by: "user",
      algorithm: "fixedWindow",
      limit: 2,
      calendar: "day",
      timeZone: "Asia/Tokyo",
    };
    const limiter = createLimiter(redis, { ...options, rules: [day] });
    const take = async () => limiter.take({ user: "u" });
    const midnightMs = Date.parse("2027-03-05T15:00:00Z");
    await set(midnightMs - 60_000);
    expect([(await take()).allowed, (await take()).allowed]).toEqual([true, true]);
    expect(await take()).toMatchObject({ allowed: false, retryAfterMs: 60_000 });
    await set(midnightMs);
    expect(await take()).toMatchObject({ allowed: true, rules: [{ remaining: 1, resetMs: 86_400_000 }] });
    // Back before midnight: a fail-over must not give the old day once more.
    await set(midnightMs - 1_000);
    await take();
    expect((await take()).allowed).toBe(false);
  });
});
