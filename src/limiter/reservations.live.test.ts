import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { withClock } from "../../test/clock.ts";
import { aloneLiveTest, liveTest } from "../../test/live.ts";
import { callsOf } from "../../test/calls.ts";
import { createLimiter, type Permit, type Rule } from "./index.ts";
import * as scripts from "./scripts.gen.ts";

const START_MS = Date.UTC(2026, 10, 23, 12);
const tokens = (
  algorithm: "slidingWindow" | "slidingLog" | "fixedWindow" | "tokenBucket",
  windowMs = 60_000,
): Rule => ({
  id: "tokens",
  by: "user",
  unit: "tokens",
  algorithm: algorithm as "fixedWindow",
  limit: 100,
  windowMs,
});
const all = Object.values(scripts);
const options = (rules: readonly Rule[], name = "l") => ({ name, rules, onUnavailable: "refuse" }) as const;

/** What a process leaves behind that dies: nothing renews, nothing settles. */
const mortal = (rules: readonly Rule[], name = "l") => ({ ...options(rules, name), leaseMs: 10_000, holdMaxMs: 500 });

describe.each(["slidingWindow", "slidingLog", "fixedWindow", "tokenBucket"] as const)(
  "a reservation (%s)",
  (algorithm) => {
    liveTest(
      "is given back when its process is gone, once, and a late settlement changes nothing",
      async ({ tenant }) => {
        const { redis, set } = withClock(tenant, all);
        const limiter = createLimiter(redis, mortal([tokens(algorithm, 600_000)]));
        const left = async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining;
        await set(START_MS);
        const permit = (await limiter.take({ user: "u" }, { tokens: 60 }, { reserve: true })) as Permit;
        await limiter.take({ user: "u" }, { tokens: 10 });
        await set(START_MS + 9_000);
        expect(await left()).toBeLessThanOrEqual(32);
        await set(START_MS + 10_001);
        expect(await left()).toBeGreaterThanOrEqual(algorithm === "tokenBucket" ? 88 : 90);
        expect(await permit.settle({ tokens: 99 })).toBe(false);
        expect(await left()).toBeGreaterThanOrEqual(algorithm === "tokenBucket" ? 88 : 90);
        expect(await left()).toBeLessThanOrEqual(92);
      },
    );

    liveTest("follows what a stream has used so far, and what it came to", async ({ tenant }) => {
      const { redis, set } = withClock(tenant, all);
      const limiter = createLimiter(redis, options([tokens(algorithm, 600_000)]));
      const left = async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining;
      await set(START_MS);
      const permit = (await limiter.take({ user: "u" }, { tokens: 20 }, { reserve: true })) as Permit;
      expect(await permit.adjust({ tokens: 50 })).toBe(true);
      expect(await left()).toBe(50);
      expect(await permit.adjust({ tokens: 120 })).toBe(true);
      expect(await left()).toBe(0);
      expect(await permit.settle({ tokens: 30 })).toBe(true);
      expect(await left()).toBe(70);
      expect(await permit.adjust({ tokens: 1 })).toBe(false);
    });

    liveTest("that is settled after its window neither gives back nor takes of what came after", async ({ tenant }) => {
      const { redis, set } = withClock(tenant, all);
      const limiter = createLimiter(redis, options([tokens(algorithm, 1_000)]));
      const left = async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining;
      for (const late of [0, 100]) {
        await limiter.reset({ user: "u" });
        await set(START_MS);
        const old = (await limiter.take({ user: "u" }, { tokens: 50 })) as Permit;
        await set(START_MS + 2_500);
        await limiter.take({ user: "u" }, { tokens: 80 });
        const before = await left();
        await old.settle({ tokens: late });
        expect(await left()).toBe(before);
      }
    });
  },
);

describe("slots and reservations", () => {
  liveTest(
    "count what is held, no more and no less, over random histories of takes, settlements, deaths and time",
    async ({ tenant }) => {
      const { redis, set } = withClock(tenant, all);
      const act = fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ kind: fc.constant("take" as const), tokens: fc.integer({ min: 0, max: 40 }) }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constantFrom("settle" as const, "adjust" as const),
            which: fc.nat(),
            tokens: fc.integer({ min: 0, max: 60 }),
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(100, 4_000, 11_000) }),
        },
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
          run += 1;
          const rules: Rule[] = [
            { id: "slots", by: "user", unit: "concurrency", limit: 4 },
            { id: "budget", by: "app", unit: "tokens", algorithm: "fixedWindow", limit: 150, calendar: "day" },
            { id: "log", by: "user", unit: "tokens", algorithm: "slidingLog", limit: 150, windowMs: 86_400_000 },
          ];
          const limiter = createLimiter(redis, mortal(rules, `l${run}`));
          let nowMs = START_MS;
          await set(nowMs);
          const open: { permit: Permit; tokens: number; endsMs: number }[] = [];
          let spent = 0;
          for (const one of acts) {
            for (const held of open.toReversed()) if (held.endsMs <= nowMs) open.splice(open.indexOf(held), 1);
            const reserved = open.reduce((sum, { tokens: of }) => sum + of, 0);
            if (one.kind === "take") {
              const fits = open.length < 4 && spent + reserved + one.tokens <= 150;
              const decision = await limiter.take({ user: "u" }, { tokens: one.tokens }, { reserve: true });
              expect(decision.allowed).toBe(fits);
              if (decision.allowed) open.push({ permit: decision, tokens: one.tokens, endsMs: nowMs + 10_000 });
            } else if (one.kind === "pass") {
              nowMs += one.ms;
              await set(nowMs);
            } else if (open.length > 0) {
              const held = open[one.which % open.length]!;
              expect(await held.permit[one.kind]({ tokens: one.tokens })).toBe(true);
              if (one.kind === "settle") {
                open.splice(open.indexOf(held), 1);
                spent += one.tokens;
              } else Object.assign(held, { tokens: one.tokens, endsMs: nowMs + 10_000 });
            }
            const alive = open.filter(({ endsMs }) => endsMs > nowMs);
            const left = Math.max(0, 150 - spent - alive.reduce((sum, { tokens: of }) => sum + of, 0));
            const { rules: states } = await limiter.peek({ user: "u" });
            expect(states.map(({ id, remaining }) => [id, remaining])).toEqual([
              ["slots", 4 - alive.length],
              ["budget", left],
              ["log", left],
            ]);
          }
        }),
        { numRuns: 40 },
      );
    },
    60_000,
  );
});

describe("a take beside reservations that are held", () => {
  aloneLiveTest("changes numbers in its records, and writes none anew", async ({ tenant, redis }) => {
    const clocked = withClock(tenant, all);
    await clocked.set(START_MS);
    const limiter = createLimiter(clocked.redis, options([tokens("fixedWindow", 600_000)]));
    await limiter.take({ user: "u" }, { tokens: 10 }, { reserve: true });
    const before = await callsOf(redis);
    await limiter.take({ user: "u" }, { tokens: 10 });
    await limiter.take({ user: "u" }, { tokens: 10 }, { reserve: true });
    const after = await callsOf(redis);
    expect(after("set") - before("set")).toBe(0);
    expect(after("setrange") - before("setrange")).toBe(2);
    expect((await limiter.peek({ user: "u" })).rules[0]?.remaining).toBe(70);
    // The leases that are over give back what they hold, the ones beside which nothing was written anew among them.
    await clocked.set(START_MS + 31_000);
    expect((await limiter.peek({ user: "u" })).rules[0]?.remaining).toBe(90);
  });
});
