import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createLimiter, type Limiter, type Rule } from "./index.ts";
import { limiterKeys } from "./keys.ts";
import type { ScopedRedis } from "../redis/index.ts";

const WINDOW_MS = 60_000;
const RULES: readonly Rule[] = [
  { id: "window", by: "user", limit: 3, windowMs: WINDOW_MS },
  { id: "fixed", by: "app", algorithm: "fixedWindow", limit: 5, windowMs: WINDOW_MS },
  { id: "day", by: "app", algorithm: "fixedWindow", limit: 50, calendar: "day", timeZone: "UTC" },
  { id: "bucket", by: "app", algorithm: "tokenBucket", unit: "tokens", limit: 5, windowMs: WINDOW_MS, burst: 5 },
  { id: "log", by: "user", algorithm: "slidingLog", limit: 4, windowMs: WINDOW_MS },
  { id: "slots", by: "user", unit: "concurrency", limit: 3 },
];
/** What a key may hold after an accident. */
const STRINGS: Readonly<Record<string, string | Buffer>> = {
  text: "x",
  nothing: "",
  null: "null",
  "a number": "1e999",
  JSON: '{"__proto__":{"a":1}}',
  bytes: Buffer.from([0xff, 0, 0x80, 1, 2, 3, 0xc3, 0x28]),
  "a record of bytes": Buffer.alloc(9 + 3 * 28, 0xff),
  "a long text": "[".repeat(5_000),
};
const user = { user: "u" };

/** What keys hold is spoiled by commands; the reply is how a limiter goes on. */
async function spoil(redis: ScopedRedis, ...commands: readonly (readonly (string | Buffer)[])[]): Promise<void> {
  for (const command of commands) await redis.send([...command]);
}

async function takes(limiter: Limiter, count: number): Promise<number> {
  let allowed = 0;
  for (let i = 0; i < count; i += 1) {
    const decision = await limiter.take(user, { concurrency: 0 });
    if (decision.allowed && !decision.degraded) allowed += 1;
  }
  return allowed;
}

describe("a limiter whose records are damaged", () => {
  liveTest("begins a window anew, counts in it, and lets it end, by each algorithm", async ({ tenant }) => {
    for (const [i, rule] of RULES.entries()) {
      const limiter = createLimiter(tenant, { name: `l${i}`, rules: [rule], onUnavailable: "refuse" });
      const { by, limit } = { by: rule.by ?? "app", limit: rule.limit };
      const names = limiterKeys(tenant, `l${i}`, "scope");
      const key = names.record(by, by === "app" ? "app" : "u");
      const take = () => limiter.take(user, { tokens: 1 });
      for (const [what, value] of Object.entries(STRINGS)) {
        const before = await take();
        await spoil(tenant, ["SET", key, value]);
        const decisions = [await take(), await take()];
        expect({ what, rule: rule.id, of: decisions.map((one) => one.allowed && !one.degraded) }).toEqual({
          what,
          rule: rule.id,
          of: [true, true],
        });
        expect(await tenant.send(["PTTL", key])).toBeGreaterThan(0);
        for (const decision of [before, ...decisions]) if (decision.allowed) await decision.settle({ tokens: 1 });
      }
      if (limit < 10 && rule.unit !== "concurrency") {
        let more = 0;
        while (more < 20 && (await take()).allowed) more += 1;
        expect({ rule: rule.id, isBounded: more < limit }).toEqual({ rule: rule.id, isBounded: true });
      }
    }
  });

  liveTest("mends a record that was cut at any place, and numbers that are none", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: RULES, onUnavailable: "refuse" });
    const key = limiterKeys(tenant, "l", "scope").record("user", "u");
    await limiter.take(user, { concurrency: 0 });
    const record = (await tenant.send(["GET", key], { reply: "bytes" })) as Buffer;
    for (let length = 0; length < record.length; length += 1) {
      await spoil(tenant, ["SET", key, record.subarray(0, length)]);
      const decision = await limiter.take({ user: "u" }, { requests: 0, concurrency: 0, tokens: 0 });
      expect({ length, allowed: decision.allowed }).toEqual({ length, allowed: true });
      await spoil(tenant, ["DEL", key]);
    }
    for (const number of [NaN, Infinity, -Infinity, 1e300]) {
      const odd = Buffer.from(record);
      for (let at = 9; at < odd.length; at += 28) odd.writeDoubleLE(number, at + 12);
      await spoil(tenant, ["SET", key, odd], ["DEL", limiterKeys(tenant, "l", "scope").log("log", "user", "u")]);
      await limiter.reset({ user: "u" }, ["fixed", "day"]);
      expect({ number, allowed: await takes(limiter, 8) }).toEqual({ number, allowed: 3 });
      await spoil(tenant, ["DEL", key]);
    }
  });

  liveTest("is mended for all calls that meet it at once", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: RULES, onUnavailable: "refuse" });
    await spoil(tenant, ["SET", limiterKeys(tenant, "l", "scope").record("user", "u"), "x"]);
    const decisions = await Promise.all(Array.from({ length: 20 }, () => limiter.take(user, { concurrency: 0 })));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(3);
  });

  liveTest("goes on where its other keys are of another type, or hold what it did not write", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: RULES, onUnavailable: "refuse" });
    const names = limiterKeys(tenant, "l", "scope");
    const permit = await limiter.take(user);
    const keys = [
      names.leases("user", "u"),
      names.log("log", "user", "u"),
      names.line("slots", "user", "u"),
      names.record("user", "u"),
    ];
    for (const key of keys) await spoil(tenant, ["DEL", key], ["RPUSH", key, "x"]);
    expect((await limiter.take(user)).allowed).toBe(true);
    if (permit.allowed) await permit.settle();
    await limiter.charge(user, { requests: 1 });
    for (const key of keys.slice(0, 3))
      await spoil(tenant, ["DEL", key], ["ZADD", key, "-inf", "x", "-inf", "w;", "1", ""]);
    await limiter.reset(user);
    expect((await limiter.take(user)).allowed).toBe(true);
    await limiter.refund(user, { requests: 1 });
    expect((await limiter.peek(user)).degraded).toBe(false);
  });

  liveTest("counts slots that are held from their leases", async ({ tenant }) => {
    const slots = RULES.filter(({ unit }) => unit === "concurrency");
    const limiter = createLimiter(tenant, { name: "l", rules: slots, onUnavailable: "refuse" });
    const held = [await limiter.take(user), await limiter.take(user)];
    await spoil(tenant, ["SET", limiterKeys(tenant, "l", "scope").record("user", "u"), "x"]);
    const third = await limiter.take(user);
    expect([third.allowed, (await limiter.take(user)).allowed]).toEqual([true, false]);
    for (const permit of [...held, third]) if (permit.allowed) expect(await permit.settle()).toBe(true);
    expect((await limiter.peek(user)).rules).toMatchObject([{ remaining: 3 }]);
  });

  liveTest("keeps a block of the subject, and drops an exception that cannot be read", async ({ tenant }) => {
    const limiter = createLimiter(tenant, { name: "l", rules: RULES, onUnavailable: "refuse" });
    const names = limiterKeys(tenant, "l", "scope");
    const [key, exceptions] = [names.record("user", "u"), names.exceptions("user", "u")];
    await limiter.block(user);
    await spoil(tenant, ["SET", key, "x"]);
    expect(await limiter.take(user)).toMatchObject({ allowed: false, refusedBy: "blocked" });
    for (const text of ["", "x", "null", "7", '{"blocked":"x"}', '{"rules":7}', "[".repeat(5_000)]) {
      await limiter.block(user);
      await spoil(tenant, ["HSET", exceptions, key, text]);
      expect(await limiter.exceptionOf(user)).toBeUndefined();
      expect(await limiter.exceptions()).toEqual([]);
      expect((await limiter.take(user, { requests: 0, concurrency: 0 })).allowed).toBe(true);
    }
    await limiter.block(user);
    await spoil(tenant, ["DEL", exceptions], ["RPUSH", exceptions, "x"]);
    expect((await limiter.take(user)).allowed).toBe(true);
    await limiter.block(user);
    expect((await limiter.take(user)).allowed).toBe(false);
  });
});
