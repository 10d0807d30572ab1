/** What other limiters were seen to get wrong on a real Redis: each finding is a promise here. */
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, inject } from "vitest";
import { liveTest } from "../../test/live.ts";
import { ownServer } from "../../test/servers.ts";
import { connect, fromIoredis, fromNodeRedis } from "../index.ts";
import { createLimiter, type Rule } from "./index.ts";

const algorithms = ["slidingWindow", "slidingLog", "fixedWindow", "tokenBucket"] as const;
const ruleOf = (algorithm: (typeof algorithms)[number], limit = 10, windowMs = 600_000): Rule => ({
  id: "r",
  by: "user",
  algorithm: algorithm as "fixedWindow",
  limit,
  windowMs,
});
const options = (...rules: Rule[]) => ({ name: "l", rules, onUnavailable: "refuse" }) as const;

describe.each(algorithms)("by a %s", (algorithm) => {
  liveTest("a refused call is not charged: 9 of 10, 500 refused, 1 allowed", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(ruleOf(algorithm)));
    const take = async (requests: number) => (await limiter.take({ user: "u" }, { requests })).allowed;
    expect([await take(9), await take(500), await take(5), await take(1), await take(1)]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  liveTest("a client that keeps retrying is let in when its wait is over", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(ruleOf(algorithm, 2, 400)));
    await limiter.take({ user: "u" }, { requests: 2 });
    const startMs = performance.now();
    const until = startMs + 2_000;
    while (!(await limiter.take({ user: "u" })).allowed && performance.now() < until);
    expect(performance.now()).toBeLessThan(until);
  });

  liveTest("a window under a second leaves no key without an end", async ({ tenant, redis, unique }) => {
    const limiter = createLimiter(tenant, options(ruleOf(algorithm, 10, 500)));
    await limiter.take({ user: "u" });
    const keys = [`{${unique}:acme}:limiter:l:of:user:u`];
    if (algorithm === "slidingLog") keys.push(`{${unique}:acme}:limiter:l:log:r:user:u`);
    for (const key of keys) {
      const lifeMs = Number(await redis.send(["PTTL", key]));
      expect(lifeMs).toBeGreaterThan(0);
      expect(lifeMs).toBeLessThanOrEqual(1_000);
    }
  });

  liveTest("half a unit is half a unit", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(ruleOf(algorithm, 1)));
    const take = async () => (await limiter.take({ user: "u" }, { requests: 0.5 })).allowed;
    expect([await take(), await take(), await take()]).toEqual([true, true, false]);
  });

  liveTest("a clock of ours that is a minute off changes nothing", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(ruleOf(algorithm, 1, 60_000)));
    await limiter.take({ user: "u" });
    const real = Date.now;
    try {
      for (const skewMs of [61_000, 3_600_000, -61_000]) {
        Date.now = () => real() + skewMs;
        const decision = await createLimiter(tenant, options(ruleOf(algorithm, 1, 60_000))).take({ user: "u" });
        expect(decision).toMatchObject({ allowed: false, degraded: false });
      }
    } finally {
      Date.now = real;
    }
  });
});

describe("a limiter", () => {
  liveTest("of two levels charges none of them for what one refused: 5 calls, 1 admitted", async ({ tenant }) => {
    const rules = [
      { ...ruleOf("fixedWindow", 100), id: "a" },
      { ...ruleOf("fixedWindow", 1), id: "b" },
    ] as const;
    const limiter = createLimiter(tenant, options(...rules));
    for (let call = 0; call < 5; call += 1) await limiter.take({ user: "u" });
    const { rules: states } = await limiter.peek({ user: "u" });
    expect(states.map(({ remaining }) => remaining)).toEqual([99, 0]);
  });

  liveTest("answers within its bound when Redis hangs, and does not let everything through", async ({ task: _ }) => {
    const server = await ownServer(inject("redisBinary"));
    await server.start();
    const redis = await connect(server.url);
    const limiter = createLimiter(redis.scope("acme"), { ...options(ruleOf("fixedWindow")), timeoutMs: 100 });
    await limiter.take({ user: "u" });
    server.freeze();
    const startMs = performance.now();
    expect(await limiter.take({ user: "u" })).toMatchObject({
      allowed: false,
      degraded: true,
      refusedBy: "unavailable",
    });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    server.thaw();
    await redis.close();
    await server.stop();
  });

  liveTest(
    "runs on a client of ioredis and of node-redis alike, scripts unknown to the server at first",
    async ({ unique }) => {
      const io = new Ioredis(inject("redisUrl").replace("unix://", ""));
      const url = inject("redisUrl");
      const node = createClient(url.startsWith("unix://") ? { socket: { path: url.slice(7), tls: false } } : { url });
      await node.connect();
      await io.script("FLUSH");
      const first = createLimiter(fromIoredis(io, { app: unique }).scope("acme"), options(ruleOf("slidingLog", 2)));
      const second = createLimiter(
        fromNodeRedis(node, { app: unique }).scope("acme"),
        options(ruleOf("slidingLog", 2)),
      );
      expect((await first.take({ user: "u" })).allowed).toBe(true);
      await io.script("FLUSH");
      expect((await second.take({ user: "u" })).allowed).toBe(true);
      expect((await second.take({ user: "u" })).allowed).toBe(false);
      expect((await first.take({ user: "u" })).allowed).toBe(false);
      await io.quit();
      await node.close();
    },
  );

  liveTest("keeps identities apart whose names look alike", async ({ tenant }) => {
    const limiter = createLimiter(tenant, options(ruleOf("fixedWindow", 1)));
    const names = ["a", "A", "a ", "a:b", "a%3Ab", "a%3ab", "\u00E4", "a\u0308", "*", "{a}", "user:a"];
    for (const user of names) expect((await limiter.take({ user })).allowed).toBe(true);
    for (const user of names) expect((await limiter.take({ user })).allowed).toBe(false);
  });
});
