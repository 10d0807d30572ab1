import { Ratelimit as Upstash } from "@upstash/ratelimit";
import { Redis as Client } from "ioredis";
import { RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible";
import { describe, expect, inject } from "vitest";
import { createRandom } from "../../../test/fuzz/random.ts";
import { liveTest } from "../../../test/live.ts";
import { PointsLimiter, PointsResult, Ratelimit } from "./index.ts";

const DAY_S = 86_400;
const POINTS = 5;
const BLOCK_S = 600;

/** What both say of a key, in one form: 0 consumed is the same as nothing known. */
function shape(result: RateLimiterRes | PointsResult | null) {
  if (result === null || result.consumedPoints === 0) return null;
  const { remainingPoints, consumedPoints } = result;
  return { remainingPoints, consumedPoints };
}

const settled = <T>(promise: Promise<T>) =>
  promise.then(
    (value) => ({ allowed: true, value }),
    (error: unknown) => ({ allowed: false, value: error as T }),
  );

describe("PointsLimiter beside the original", () => {
  liveTest("decides and tells the same over 600 random calls", async ({ tenant, unique }) => {
    const client = new Client(inject("redisUrl"));
    try {
      const random = createRandom(17);
      const options = { points: POINTS, duration: DAY_S, blockDuration: BLOCK_S };
      const original = new RateLimiterRedis({ storeClient: client, keyPrefix: unique, ...options });
      const ours = new PointsLimiter({ storeClient: tenant, ...options });
      for (let step = 0; step < 600; step += 1) {
        const key = random.pick(["ann", "bob", 7]);
        const points = 1 + random.below(3);
        const before = (await original.get(key))?.consumedPoints ?? 0;
        // The original lets a reward undo a block, and counts below nothing; here a block stays until it is deleted.
        const acts = ["consume", "consume", "consume", "penalty", "get", "delete", "block", "set", "reward"];
        const drawn = random.pick(acts);
        const act = drawn === "reward" && (before > POINTS || before < points) ? "get" : drawn;
        const at = `step ${step}: ${act} ${points} of ${String(key)} at ${before}`;
        if (act === "consume") {
          const [theirs, mine] = [
            await settled(original.consume(key, points)),
            await settled(ours.consume(key, points)),
          ];
          expect([at, mine.allowed]).toEqual([at, theirs.allowed]);
          if (mine.allowed) expect([at, mine.value]).toMatchObject([at, theirs.value.toJSON()].map(withoutTime));
          else expect(mine.value).toBeInstanceOf(PointsResult);
        } else if (act === "penalty" || act === "reward") {
          const theirs = await original[act](key, points);
          expect([at, shape(await ours[act](key, points))]).toEqual([at, shape(theirs)]);
        } else if (act === "delete") {
          const theirs = await original.delete(key);
          const mine = await ours.delete(key);
          if (before > 0) expect([at, mine]).toEqual([at, theirs]);
        } else if (act === "block") {
          const theirs = await original.block(key, BLOCK_S);
          const mine = await ours.block(key, BLOCK_S);
          expect([at, mine.msBeforeNext, shape(mine)]).toEqual([at, theirs.msBeforeNext, shape(theirs)]);
        } else if (act === "set") {
          await original.set(key, points, DAY_S);
          await ours.set(key, points);
        }
        const [theirs, mine] = [await original.get(key), await ours.get(key)];
        expect([at, shape(mine)]).toEqual([at, shape(theirs)]);
      }
    } finally {
      client.disconnect();
    }
  });

  liveTest("stops the usual guard of a login for whoever is blocked, or went over the limit", async ({ tenant }) => {
    for (const blockDuration of [0, 60, 1e9]) {
      const keyPrefix = `guard-${blockDuration}`;
      const limiter = new PointsLimiter({ storeClient: tenant, keyPrefix, points: 3, duration: DAY_S, blockDuration });
      const mayTry = async () => {
        const known = await limiter.get("ann");
        return known === null || known.consumedPoints <= 3;
      };
      for (let failed = 0; failed < 3; failed += 1) {
        expect(await mayTry()).toBe(true);
        await limiter.consume("ann");
      }
      await expect(limiter.consume("ann")).rejects.toBeInstanceOf(PointsResult);
      expect(await mayTry()).toBe(false);
      await expect(limiter.consume("ann")).rejects.toBeInstanceOf(PointsResult);
      expect(await limiter.delete("ann")).toBe(true);
      expect(await mayTry()).toBe(true);
    }
    const limiter = new PointsLimiter({ storeClient: tenant, points: 3, duration: DAY_S });
    await limiter.penalty("bob", 5);
    expect(await limiter.get("bob")).toMatchObject({ consumedPoints: 5, remainingPoints: 0 });
    expect(await limiter.block("eve", 0)).toMatchObject({ msBeforeNext: -1, consumedPoints: 4, remainingPoints: 0 });
    expect(await limiter.get("eve")).toMatchObject({ msBeforeNext: -1, consumedPoints: 4, remainingPoints: 0 });
    await limiter.block("kim", 30);
    const { msBeforeNext = 0 } = (await limiter.get("kim")) ?? {};
    expect(msBeforeNext).toBeGreaterThan(20_000);
    expect(msBeforeNext).toBeLessThanOrEqual(30_000);
  });

  liveTest("refuses options of the original that it does not have, instead of forgetting them", async ({ tenant }) => {
    const made = (more: object) => () => new PointsLimiter({ storeClient: tenant, points: 1, duration: 1, ...more });
    for (const more of [
      { blockOnConsumed: 2 },
      { insuranceLimiter: {} },
      { inMemoryBlockOnConsumed: 2 },
      { execEvenly: true },
    ])
      expect(made(more)).toThrow(Object.keys(more)[0]);
    for (const blockDuration of [-1, Number.NaN, Infinity]) expect(made({ blockDuration })).toThrow(/blockDuration/);
    const limiter = made({})();
    await expect(limiter.consume("a", 1, { customDuration: 5 as never })).rejects.toThrow(/customDuration/);
    await expect(limiter.block("a", -1)).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("Ratelimit beside the original", () => {
  liveTest("decides and tells the same, by fixed and sliding windows, over 300 calls", async ({ tenant, unique }) => {
    const client = new Client(inject("redisUrl"));
    try {
      const redis = toUpstash(client);
      for (const kind of ["fixedWindow", "slidingWindow"] as const) {
        const random = createRandom(5);
        const original = new Upstash({
          redis: redis as never,
          prefix: `${unique}:${kind}`,
          limiter: Upstash[kind](6, "1 d"),
        });
        const ours = new Ratelimit({ redis: tenant, prefix: kind, limiter: Ratelimit[kind](6, "1 d") });
        for (let step = 0; step < 150; step += 1) {
          const id = random.pick(["ann", "bob", "eve"]);
          const act = random.pick(["limit", "limit", "limit", "getRemaining", "reset"]);
          const at = `${kind} ${step}: ${act} of ${id}`;
          if (act === "limit") {
            const [theirs, mine] = [await original.limit(id), await ours.limit(id)];
            const { success, limit, remaining } = theirs;
            expect([at, mine]).toMatchObject([at, { success, limit, remaining: Math.max(0, remaining) }]);
          } else if (act === "getRemaining") {
            const { remaining, limit } = await original.getRemaining(id);
            expect([at, await ours.getRemaining(id)]).toMatchObject([at, { remaining: Math.max(0, remaining), limit }]);
          } else {
            await original.resetUsedTokens(id);
            await ours.resetUsedTokens(id);
          }
        }
      }
    } finally {
      client.disconnect();
    }
  });
});

/** The part of the original's client that its limiter calls, over ioredis. */
function toUpstash(client: Client) {
  const texts = (args: readonly unknown[]) => args.map(String);
  return {
    eval: (script: string, keys: string[], args: unknown[]) =>
      client.eval(script, keys.length, ...keys, ...texts(args)),
    evalsha: (sha: string, keys: string[], args: unknown[]) =>
      client.evalsha(sha, keys.length, ...keys, ...texts(args)),
    get: (key: string) => client.get(key),
    set: (key: string, value: string) => client.set(key, value),
    smismember: () => Promise.resolve([0]),
  };
}

function withoutTime(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== "msBeforeNext"));
}
