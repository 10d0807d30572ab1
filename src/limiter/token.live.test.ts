import { describe, expect } from "vitest";
import { withClock } from "../../test/clock.ts";
import { liveTest } from "../../test/live.ts";
import { createLimiter, type LimiterOptions, type Permit } from "./index.ts";
import * as scripts from "./scripts.gen.ts";

const START_MS = Date.UTC(2026, 10, 23, 12);
const options: LimiterOptions = {
  name: "l",
  onUnavailable: "refuse",
  leaseMs: 5_000,
  rules: [
    { id: "tokens", by: "user", unit: "tokens", algorithm: "fixedWindow", limit: 100, windowMs: 600_000 },
    { id: "slots", by: "org", unit: "concurrency", limit: 2 },
  ],
};
const subjects = { user: "u", org: "o" };

describe("a permit as text", () => {
  liveTest("is settled by another process than took it, and gives back what that says", async ({ tenant }) => {
    const [here, there] = [createLimiter(tenant, options), createLimiter(tenant, options)];
    const left = async () => (await there.peek(subjects)).rules.map(({ remaining }) => remaining);
    const { token } = (await here.take(subjects, { tokens: 60 }, { reserve: true, renew: false })) as Permit;
    expect(await left()).toEqual([40, 1]);
    const permit = there.resume(token as string);
    expect(await permit.adjust({ tokens: 70 })).toBe(true);
    expect(await left()).toEqual([30, 1]);
    expect(await here.resume(permit.token as string).settle({ tokens: 25 })).toBe(true);
    expect(await left()).toEqual([75, 2]);
  });

  liveTest("counts what was not reserved, too", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options);
    const { token } = (await limiter.take(subjects, { tokens: 60 }, { renew: false })) as Permit;
    expect(await limiter.resume(token as string).settle({ tokens: 10 })).toBe(true);
    expect((await limiter.peek(subjects)).rules[0]?.remaining).toBe(90);
  });

  liveTest("is given back with its lease when nobody renews it, and settles nothing after that", async ({ tenant }) => {
    const { redis, set } = withClock(tenant, Object.values(scripts));
    const limiter = createLimiter(redis, options);
    await set(START_MS);
    const { token } = (await limiter.take(subjects, { tokens: 60 }, { reserve: true, renew: false })) as Permit;
    await set(START_MS + 5_001);
    expect((await limiter.peek(subjects)).rules.map(({ remaining }) => remaining)).toEqual([100, 2]);
    expect(await limiter.resume(token as string).settle({ tokens: 99 })).toBe(false);
    expect((await limiter.peek(subjects)).rules[0]?.remaining).toBe(100);
  });

  liveTest("is settled once over all processes where that is asked for, and told the same", async ({ tenant }) => {
    for (const slots of ["scope", "subject"] as const) {
      const more = { ...options, name: `once-${slots}`, slots };
      const [here, there] = [createLimiter(tenant, more), createLimiter(tenant, more)];
      const take = async () =>
        ((await here.take(subjects, { tokens: 60 }, { renew: false })) as Permit).token as string;
      const [first, second] = [await take(), await here.take(subjects, { tokens: 1 }, { renew: false })];
      const once = { onceWithinMs: 60_000 };
      const settle = (tokens?: number) => there.resume(first, once).settle(tokens === undefined ? {} : { tokens });
      expect(await Promise.all([settle(25), here.resume(first, once).settle({ tokens: 25 }), settle(25)])).toEqual([
        true,
        true,
        true,
      ]);
      expect(await Promise.all([settle(24), settle(), settle(25)])).toEqual([false, false, true]);
      expect((await there.peek(subjects)).rules.map(({ remaining }) => remaining)).toEqual([74, 1]);
      expect(await there.resume((second as Permit).token as string).settle({ tokens: 0 })).toBe(true);
      for (const onceWithinMs of [0, 1.5, 1e12])
        expect(() => here.resume(first, { onceWithinMs })).toThrow(expect.objectContaining({ code: "invalid_input" }));
    }
  });

  liveTest("counts no more once it is older than its settlement is remembered", async ({ tenant }) => {
    const { redis, set } = withClock(tenant, Object.values(scripts));
    const limiter = createLimiter(redis, { ...options, rules: options.rules.slice(0, 1) });
    await set(START_MS);
    const { token } = (await limiter.take(subjects, { tokens: 60 }, { renew: false })) as Permit;
    await set(START_MS + 2_000);
    expect(await limiter.resume(token as string, { onceWithinMs: 1_000 }).settle({ tokens: 1 })).toBe(false);
    expect((await limiter.peek(subjects)).rules[0]?.remaining).toBe(40);
  });

  liveTest("settles nothing after its lease's end, also when nobody asked meanwhile", async ({ tenant }) => {
    const { redis, set } = withClock(tenant, Object.values(scripts));
    const limiter = createLimiter(redis, options);
    await set(START_MS);
    const { token } = (await limiter.take(subjects, { tokens: 60 }, { reserve: true, renew: false })) as Permit;
    await set(START_MS + 5_001);
    expect(await limiter.resume(token as string).settle({ tokens: 99 })).toBe(false);
    expect((await limiter.peek(subjects)).rules.map(({ remaining }) => remaining)).toEqual([100, 2]);
  });

  liveTest("of several slots of a cluster is one, too", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { ...options, slots: "subject" });
    const { token } = (await limiter.take(subjects, { tokens: 60 }, { reserve: true, renew: false })) as Permit;
    expect(await limiter.resume(token as string).settle({ tokens: 1 })).toBe(true);
    expect((await limiter.peek(subjects)).rules.map(({ remaining }) => remaining)).toEqual([99, 2]);
  });

  liveTest("that no limiter gave is refused, and so is one of other rules", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options);
    const { token = "" } = (await limiter.take(subjects, { tokens: 1 }, { renew: false })) as Permit;
    const forge = (change: (parts: unknown[]) => void) => {
      const parts = JSON.parse(Buffer.from(token, "base64url").toString()) as unknown[];
      change(parts);
      return Buffer.from(JSON.stringify(parts)).toString("base64url");
    };
    const wrong = [
      "",
      "x",
      "e30",
      "x".repeat(20_000),
      forge((parts) => (parts[5] = [1, -1, 0, 0])),
      forge((parts) => (parts[3] = "../x")),
      forge((parts) => (parts[2] = "now")),
      forge((parts) => (parts[6] = [1, 2])),
    ];
    for (const one of wrong)
      expect(() => limiter.resume(one)).toThrow(expect.objectContaining({ code: "invalid_input" }));
    const other = createLimiter(tenant, { ...options, rules: options.rules.slice(0, 1) });
    expect(() => other.resume(token)).toThrow(expect.objectContaining({ code: "conflict" }));
  });
});
