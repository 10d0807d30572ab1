import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { losing } from "../../testing/index.ts";
import { PointsLimiter, PointsResult, Ratelimit } from "./index.ts";

describe("Ratelimit", () => {
  liveTest("limits as programs call it: limit, rate, getRemaining, resetUsedTokens", async ({ tenant }) => {
    const ratelimit = new Ratelimit({ redis: tenant, limiter: Ratelimit.slidingWindow(10, "10 s") });
    const first = await ratelimit.limit("ann");
    expect(first).toMatchObject({ success: true, limit: 10, remaining: 9, reason: undefined });
    expect(first.reset).toBeGreaterThan(Date.now());
    await first.pending;
    expect(await ratelimit.limit("ann", { rate: 9 })).toMatchObject({ success: true, remaining: 0 });
    const refused = await ratelimit.limit("ann");
    expect(refused.success).toBe(false);
    expect(refused.reset).toBeGreaterThan(Date.now());
    expect(await ratelimit.limit("ann", { rate: -4 })).toMatchObject({ success: true, remaining: 4 });
    expect(await ratelimit.getRemaining("ann")).toMatchObject({ limit: 10, remaining: 4 });
    await ratelimit.resetUsedTokens("ann");
    expect(await ratelimit.getRemaining("ann")).toMatchObject({ remaining: 10 });
  });

  liveTest("waits until ready, by every algorithm", async ({ tenant }) => {
    for (const [prefix, limiter] of Object.entries({
      fixed: Ratelimit.fixedWindow(1, "300ms"),
      bucket: Ratelimit.tokenBucket(1, "300 ms", 1),
      sliding: Ratelimit.slidingWindow(1, "0.3s"),
    })) {
      const ratelimit = new Ratelimit({ redis: tenant, prefix, limiter });
      await ratelimit.limit("ann");
      expect((await ratelimit.blockUntilReady("ann", 2_000)).success).toBe(true);
    }
  });

  liveTest("refuses what is no window", async ({ tenant }) => {
    const made = () => new Ratelimit({ redis: tenant, limiter: Ratelimit.fixedWindow(1, "soon" as "1 s") });
    expect(made).toThrow(expect.objectContaining({ code: "invalid_option", details: { path: "window" } }));
    expect(() => new Ratelimit({ redis: tenant, limiter: "10/s" as never })).toThrow(/limiter/);
  });
});

describe("PointsLimiter", () => {
  liveTest("limits as programs call it: consume, penalty, reward, get, block, delete", async ({ tenant }) => {
    const limiter = new PointsLimiter({ storeClient: tenant, points: 5, duration: 60 });
    expect(await limiter.get("ann")).toBeNull();
    expect(await limiter.consume("ann", 2)).toMatchObject({
      remainingPoints: 3,
      consumedPoints: 2,
      isFirstInDuration: true,
    });
    expect(await limiter.consume("ann")).toMatchObject({ remainingPoints: 2, isFirstInDuration: false });
    expect(await limiter.penalty("ann", 1)).toMatchObject({ remainingPoints: 1 });
    expect(await limiter.reward("ann", 2)).toMatchObject({ remainingPoints: 3 });
    const refused = await limiter.consume("ann", 4).catch((result: unknown) => result);
    expect(refused).toBeInstanceOf(PointsResult);
    expect(refused).toMatchObject({ remainingPoints: 3 });
    expect((refused as PointsResult).msBeforeNext).toBeGreaterThan(0);
    expect(await limiter.consume("ann", 100).catch((result: unknown) => result)).toMatchObject({ msBeforeNext: -1 });
    await limiter.block("ann", 10);
    expect(await limiter.consume("ann", 0).catch((result: unknown) => result)).toBeInstanceOf(PointsResult);
    expect(await limiter.delete("ann")).toBe(true);
    expect(await limiter.consume("ann", 5)).toMatchObject({ remainingPoints: 0 });
  });

  liveTest("blocks who asked for too much, when told to", async ({ tenant }) => {
    const limiter = new PointsLimiter({ storeClient: tenant, points: 1, duration: 1, blockDuration: 30 });
    await limiter.consume(7);
    expect(await limiter.consume(7).catch((result: unknown) => result)).toMatchObject({ msBeforeNext: 30_000 });
    const blocked = (await limiter.consume(7, 0).catch((result: unknown) => result)) as PointsResult;
    expect(blocked.msBeforeNext).toBeGreaterThan(25_000);
  });

  liveTest("tells an error from a refusal", async ({ tenant }) => {
    const limiter = new PointsLimiter({ storeClient: losing(tenant, 1, "before"), points: 1, duration: 1 });
    await expect(limiter.consume("ann")).rejects.toMatchObject({ code: "unavailable" });
  });
});
