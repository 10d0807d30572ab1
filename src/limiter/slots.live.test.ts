import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createLimiter, type ConcurrencyRule, type LimiterOptions, type Permit } from "./index.ts";

const slots = (limit: number, by = "user"): ConcurrencyRule => ({ id: `${by}-slots`, by, unit: "concurrency", limit });
const options = (limit: number, more: Partial<LimiterOptions> = {}): LimiterOptions => ({
  name: "l",
  rules: [slots(limit)],
  onUnavailable: "refuse",
  leaseMs: 500,
  ...more,
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const held = (decision: { readonly allowed: boolean }) => {
  if (!decision.allowed) throw new Error("expected a permit");
  return decision as Permit;
};

describe("a limiter of slots", () => {
  liveTest("gives a slot back when its call is settled, and not before", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(2));
    expect(await limiter.peek({ user: "u" })).toMatchObject({ allowed: true, rules: [{ remaining: 2 }] });
    const [first, second] = [held(await limiter.take({ user: "u" })), held(await limiter.take({ user: "u" }))];
    expect(await limiter.take({ user: "u" })).toMatchObject({
      allowed: false,
      refusedBy: "user-slots",
      retryAfterMs: 1_000,
    });
    expect((await limiter.take({ user: "other" })).allowed).toBe(true);
    expect(await first.settle()).toBe(true);
    held(await limiter.take({ user: "u" }));
    expect(await second.settle()).toBe(true);
    expect(await second.settle()).toBe(false);
    expect((await limiter.peek({ user: "u" })).rules[0]?.remaining).toBe(1);
  });

  liveTest("keeps a slot for as long as its process lives, however long the call", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(1));
    const permit = held(await limiter.take({ user: "u" }));
    await pause(1_600);
    expect((await limiter.take({ user: "u" })).allowed).toBe(false);
    expect(await permit.settle()).toBe(true);
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
  });

  liveTest("stops renewing what nobody settles after its longest hold", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(1, { holdMaxMs: 500 }));
    const permit = held(await limiter.take({ user: "u" }));
    await pause(1_400);
    held(await limiter.take({ user: "u" }));
    expect(await permit.settle()).toBe(false);
    expect((await limiter.peek({ user: "u" })).rules[0]?.remaining).toBe(0);
  });

  liveTest("never lets 50 concurrent callers hold more than the limit, over and over", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(5));
    let [now, most, done] = [0, 0, 0];
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        for (let call = 0; call < 10; call += 1) {
          const decision = await limiter.take({ user: "u" }, {}, { wait: { maxMs: 20_000 } });
          const permit = held(decision);
          now += 1;
          most = Math.max(most, now);
          await pause(4);
          now -= 1;
          await permit.settle();
          done += 1;
        }
      }),
    );
    expect({ most, done }).toEqual({ most: 5, done: 500 });
    expect((await limiter.peek({ user: "u" })).rules[0]?.remaining).toBe(5);
  });

  liveTest("serves who waits in the order of coming, and lets nobody past them", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(1));
    const first = held(await limiter.take({ user: "u" }));
    const served: number[] = [];
    const waiting = [0, 1, 2, 3].map(async (number) => {
      await pause(number * 30);
      const permit = held(await limiter.take({ user: "u" }, {}, { wait: { maxMs: 10_000 } }));
      served.push(number);
      await pause(10);
      await permit.settle();
    });
    await pause(200);
    await first.settle();
    // The slot is free, but four stand in line.
    expect((await limiter.take({ user: "u" })).allowed).toBe(false);
    await Promise.all(waiting);
    expect(served).toEqual([0, 1, 2, 3]);
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
  });

  liveTest(
    "hands a slot of the whole app to another user who waits in the same process at once",
    async ({ tenant }) => {
      const limiter = createLimiter(tenant, options(1, { rules: [slots(5), slots(1, "app")] }));
      const first = held(await limiter.take({ user: "a" }));
      const waiting = limiter.take({ user: "b" }, {}, { wait: { maxMs: 5_000 } });
      // By now it looks every 100 ms.
      await pause(500);
      const startMs = performance.now();
      await first.settle();
      held(await waiting);
      expect(performance.now() - startMs).toBeLessThan(60);
    },
  );

  liveTest("forgets who gave the waiting up, or died waiting", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(1));
    const first = held(await limiter.take({ user: "u" }));
    const given = await limiter.take({ user: "u" }, {}, { wait: { maxMs: 60 } });
    expect(given).toMatchObject({ allowed: false, refusedBy: "user-slots" });
    const aborter = new AbortController();
    const aborted = limiter.take({ user: "u" }, {}, { wait: { maxMs: 10_000 }, signal: aborter.signal });
    setTimeout(() => aborter.abort(), 60);
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
    await first.settle();
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
  });

  liveTest("waits for a rate as well, and comes back at once when that takes too long", async ({ tenant }) => {
    const rules = [{ id: "rate", by: "user", limit: 1, windowMs: 400, algorithm: "slidingLog" }] as const;
    const limiter = createLimiter(tenant, options(1, { rules }));
    await limiter.take({ user: "u" });
    const startMs = performance.now();
    expect((await limiter.take({ user: "u" }, {}, { wait: { maxMs: 100 } })).allowed).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(90);
    expect((await limiter.take({ user: "u" }, {}, { wait: { maxMs: 2_000 } })).allowed).toBe(true);
  });

  liveTest("takes slots of two levels together with a rate, or none of them", async ({ tenant }) => {
    const rules = [slots(1), slots(2, "app"), { id: "rate", by: "user", limit: 3, windowMs: 60_000 }];
    const limiter = createLimiter(tenant, options(1, { rules }));
    const [a, b] = [held(await limiter.take({ user: "a" })), held(await limiter.take({ user: "b" }))];
    expect(await limiter.take({ user: "c" })).toMatchObject({ allowed: false, refusedBy: "app-slots" });
    expect((await limiter.peek({ user: "c" })).rules.map(({ remaining }) => remaining)).toEqual([1, 0, 3]);
    await Promise.all([a.settle(), b.settle()]);
    expect((await limiter.peek({ user: "a" })).rules.map(({ remaining }) => remaining)).toEqual([1, 2, 2]);
  });
});
