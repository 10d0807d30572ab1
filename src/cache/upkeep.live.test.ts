import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { inVectorSets, liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import type { Redis, ScopedRedis } from "../redis/index.ts";
import { createCache, type CacheOptions } from "./index.ts";

const open = (redis: ScopedRedis, options: Partial<CacheOptions<string>>) =>
  createCache<string>(redis, { name: "b", ...options });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What lies in Redis: entries, and what is written down of them. */
async function stored(redis: Redis, scope = "acme") {
  const start = `{${redis.app}:${scope}}:cache:b`;
  const bodies = (await redis.send(["KEYS", `${start}:entry:*`])) as string[];
  const stock = (await redis.send(["HGETALL", `${start}:stock`])) as string[];
  const bytes = stock.flatMap((value, at) => (at % 2 === 1 && value.includes(":") ? Number(value.split(":")[0]) : []));
  const sum = stock[stock.indexOf("") + 1];
  const worth = Number(await redis.send(["ZCARD", `${start}:worth`]));
  return { entries: bodies.length, worth, bytes: bytes.reduce((all, one) => all + one, 0), sum: Number(sum ?? 0) };
}

describe("a cache with bounds", () => {
  liveTest("never keeps more than they say, whatever is stored", async ({ redis }) => {
    let run = 0;
    const act = fc.record({ question: fc.nat(30), size: fc.integer({ min: 1, max: 900 }), saves: fc.nat(1_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 60 }), async (acts) => {
        const scope = `run${(run += 1)}`;
        const cache = open(redis.scope(scope), { entriesMax: 12, bytesMax: 12_000 });
        for (const { question, size, saves } of acts) {
          expect(await cache.store(`question ${question}`, "x".repeat(size), { saves })).toBe(true);
        }
        const { entries, worth, bytes, sum } = await stored(redis, scope);
        expect(entries).toBeLessThanOrEqual(12);
        expect(worth).toBe(entries);
        expect(sum).toBe(bytes);
        expect(bytes).toBeLessThanOrEqual(12_000);
        // The last one is there.
        expect((await cache.lookup(`question ${acts.at(-1)?.question}`)).hit).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  liveTest("keeps what saves most: a replay saves more than with the least recently used gone", async ({ tenant }) => {
    const cache = open(tenant, { entriesMax: 20 });
    const recent = new Set<number>();
    let [saved, savedByRecency, seed] = [0, 0, 1];
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    for (let at = 0; at < 1_500; at += 1) {
      // A few questions come often; answers that cost much are rare, and have no part in how often.
      const question = Math.floor(100 * random() ** 2.5);
      const saves = question % 7 === 0 ? 2_000 : 100;
      const found = await cache.lookup(`question ${question}`);
      if (found.hit) saved += saves;
      else await cache.store(`question ${question}`, "an answer", { saves });
      if (recent.delete(question)) savedByRecency += saves;
      recent.add(question);
      const [oldest] = recent;
      if (recent.size > 20 && oldest !== undefined) recent.delete(oldest);
      if (at % 50 === 0) await pause(60);
    }
    expect(saved).toBeGreaterThan(savedByRecency * 1.1);
  });

  liveTest.skipIf(!inVectorSets)(
    "takes evicted questions out of the index too, and refuses what would never fit",
    async ({ tenant, redis }) => {
      const cache = open(tenant, { entriesMax: 3, bytesMax: 20_000, embedder: staticEmbedder() });
      for (const city of ["Paris", "Rome", "Oslo", "Lima", "Cairo"])
        await cache.store(`What is ${city} known for?`, city);
      const [index] = (await redis.send(["KEYS", `{${redis.app}:*:vectors:*`])) as string[];
      expect(Number(await redis.send(["VCARD", index as string]))).toBe(3);
      const random = Array.from({ length: 30_000 }, (_, at) =>
        String.fromCharCode(97 + ((at * 7_919) % 26) * (at % 3)),
      );
      expect(await cache.store("Which is too large?", random.join(""))).toBe(true);
      const noise = Array.from({ length: 30_000 }, () => Math.random().toString(36)).join("");
      expect(await cache.store("Which is far too large?", noise)).toBe(false);
    },
  );

  liveTest("has a room of its own in each scope", async ({ redis }) => {
    const quiet = open(redis.scope("quiet"), { entriesMax: 5 });
    await quiet.store("Who is quiet?", "me");
    const noisy = open(redis.scope("noisy"), { entriesMax: 5 });
    for (let at = 0; at < 50; at += 1) await noisy.store(`noise ${at}`, "loud");
    expect((await quiet.lookup("Who is quiet?")).hit).toBe(true);
    expect((await stored(redis, "noisy")).entries).toBe(5);
  });

  liveTest("forgets what ended by itself, so that it takes no room", async ({ tenant, redis }) => {
    const cache = open(tenant, { entriesMax: 10 });
    for (let at = 0; at < 8; at += 1) await cache.store(`short ${at}`, "x", { ttlMs: 30 });
    await pause(50);
    await cache.store("long", "x");
    expect(await stored(redis)).toMatchObject({ entries: 1, worth: 1 });
  });
});

describe("an answer that is served again and again", () => {
  liveTest(
    "lives on by its own life when lives slide, up to their end, and else does not",
    async ({ tenant, redis }) => {
      const sliding = open(tenant, { refreshOnHit: "sliding", ttlMs: 10_000, slidingMsMax: 1_000 });
      const fixed = createCache<string>(tenant, { name: "fixed" });
      for (const cache of [sliding, fixed]) await cache.store("What is kept?", "this", { ttlMs: 400 });
      const storedAt = performance.now();
      let lastHit = 0;
      let lastFixed = 0;
      while (performance.now() - storedAt < 1_500) {
        if ((await sliding.lookup("What is kept?")).hit) lastHit = performance.now() - storedAt;
        if ((await fixed.lookup("What is kept?")).hit) lastFixed = performance.now() - storedAt;
        await pause(40);
      }
      expect(lastFixed).toBeLessThan(460);
      expect(lastHit).toBeGreaterThan(800);
      expect(lastHit).toBeLessThan(1_150);
      expect(await redis.send(["KEYS", `{${redis.app}:*:b:entry:*`])).toEqual([]);
    },
  );

  liveTest("about what soon changes lives for a shorter time, which hits do not renew", async ({ tenant, redis }) => {
    const lifeOf = async (options: Partial<CacheOptions<string>>, question: string, ttlMs?: number) => {
      await open(tenant, options).store(question, "x", ttlMs === undefined ? {} : { ttlMs });
      const [key] = (await redis.send(["KEYS", `{${redis.app}:*:b:entry:*`])) as string[];
      const left = Number(await redis.send(["PTTL", String(key)]));
      await redis.send(["DEL", String(key)]);
      return left;
    };
    const near = (ms: number) => expect.closeTo(ms, -4) as number;
    const [now, lasting] = ["What is the weather today in Rome?", "What is the capital of France?"];
    expect(await lifeOf({}, now)).toEqual(near(600_000));
    expect(await lifeOf({}, lasting)).toEqual(near(86_400_000));
    expect(await lifeOf({ timeBoundTtlMs: 60_000 }, now)).toEqual(near(60_000));
    expect(await lifeOf({ timeBoundTtlMs: false }, now)).toEqual(near(86_400_000));
    expect(await lifeOf({ ttlMs: 50_000 }, now)).toEqual(near(50_000));
    expect(await lifeOf({}, now, 3_600_000)).toEqual(near(3_600_000));
    const sliding = open(tenant, { refreshOnHit: "sliding", ttlMs: 10_000, timeBoundTtlMs: 400 });
    await sliding.store(now, "sunny");
    const storedAt = performance.now();
    let lastHit = 0;
    while (performance.now() - storedAt < 900) {
      if ((await sliding.lookup(now)).hit) lastHit = performance.now() - storedAt;
      await pause(40);
    }
    expect(lastHit).toBeGreaterThan(0);
    expect(lastHit).toBeLessThan(460);
  });

  liveTest("refuses sliding lives beside stale ones", async ({ tenant }) => {
    expect(() => open(tenant, { refreshOnHit: "sliding", staleMs: 1 })).toThrow(/exclude/);
    for (const bad of [
      { entriesMax: 0 },
      { timeBoundTtlMs: 0 },
      { bytesMax: -1 },
      { refreshOnHit: "often" as "none" },
      { profile: "tiny" as "full" },
    ])
      expect(() => open(tenant, bad)).toThrow(/must be/);
    await expect(open(tenant, { entriesMax: 2 }).store("q", "a", { saves: -1 })).rejects.toThrow(/saves must be/);
  });
});

describe("the compact profile", () => {
  liveTest("serves what the full one serves, and vetoes what it vetoes", async ({ tenant }) => {
    const options = { embedder: staticEmbedder(), preset: "balanced" as const };
    const [full, compact] = [open(tenant, options), open(tenant, { ...options, name: "c", profile: "compact" })];
    const cities = ["France", "Norway", "Peru", "Kenya", "Japan", "Canada"];
    for (const cache of [full, compact])
      for (const country of cities) await cache.store(`What is the capital of ${country}?`, country);
    for (const country of [...cities, "Ghana"]) {
      const asked = `Tell me the capital of ${country}`;
      const [a, b] = await Promise.all([full.lookup(asked), compact.lookup(asked)]);
      expect(b.hit && [b.value, b.similarity > 0.7]).toEqual(a.hit && [a.value, true]);
      if (a.hit && b.hit) expect(b.similarity).toBeCloseTo(a.similarity, 2);
    }
  });
});
