import { describe, expect, inject } from "vitest";
import { liveTest } from "../../test/live.ts";
import { ownServer } from "../../test/servers.ts";
import { connect } from "../index.ts";
import { createLimiter, type Decision } from "./index.ts";

const rules = [
  { id: "user", by: "user", limit: 8, windowMs: 600_000 },
  { id: "slots", by: "user", unit: "concurrency", limit: 8 },
] as const;

describe("a limiter that may decide by itself", () => {
  liveTest(
    "keeps to its share while Redis is away, says so, and tells Redis once that is back",
    async ({ task: _ }) => {
      const server = await ownServer(inject("redisBinary"), ["--appendonly", "yes"]);
      await server.start();
      const redis = await connect(server.url, { app: "away" });
      const limiter = createLimiter(redis.scope("acme"), {
        name: "l",
        rules,
        onUnavailable: "local",
        localShare: 0.5,
        timeoutMs: 300,
      });
      const settled = async (decision: Decision) => {
        if (decision.allowed) await decision.settle();
        return decision;
      };
      expect(await settled(await limiter.take({ user: "u" }))).toMatchObject({ allowed: true, degraded: false });
      await server.kill();
      const decisions: Decision[] = [];
      const startMs = performance.now();
      for (let call = 0; call < 20; call += 1) decisions.push(await settled(await limiter.take({ user: "u" })));
      // Three calls find out that it is away; the others do not wait for it.
      expect(performance.now() - startMs).toBeLessThan(2_500);
      expect(decisions.every(({ degraded }) => degraded)).toBe(true);
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(4);
      const refused = decisions.at(-1);
      expect(refused).toMatchObject({ allowed: false, refusedBy: "user" });
      await server.start();
      await expect
        .poll(async () => (await settled(await limiter.take({ user: "other" }))).degraded, { timeout: 10_000 })
        .toBe(false);
      // Where a window ends meanwhile, its first requests count a little less.
      await expect.poll(async () => Math.floor((await limiter.peek({ user: "u" })).rules[0]?.remaining ?? 0)).toBe(3);
      await redis.close();
      await server.stop();
    },
    30_000,
  );

  liveTest("counts its own slots while Redis is away", async ({ task: _ }) => {
    const redis = await connect(inject("redisUrl"));
    const tenant = redis.scope("acme");
    const { MarrowError } = await import("../errors.ts");
    const gone = {
      ...tenant,
      send: async () => Promise.reject(new MarrowError("unavailable", "the test has no Redis")),
    };
    const limiter = createLimiter(gone, { name: "l", rules, onUnavailable: "local", localShare: 0.25 });
    const [first, second] = [await limiter.take({ user: "u" }), await limiter.take({ user: "u" })];
    expect([first.allowed, second.allowed]).toEqual([true, true]);
    expect(await limiter.take({ user: "u" })).toMatchObject({ allowed: false, degraded: true });
    expect((await limiter.take({ user: "v" })).allowed).toBe(true);
    if (first.allowed) expect([await first.settle({ requests: 0 }), await first.settle()]).toEqual([true, false]);
    expect((await limiter.take({ user: "u" })).allowed).toBe(true);
    await redis.close();
  });
});
