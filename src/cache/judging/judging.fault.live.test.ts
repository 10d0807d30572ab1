import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import { staticEmbedder } from "../../embedders/index.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import { losing } from "../../testing/index.ts";
import { createCache, type Cache, type JudgePair } from "../index.ts";

const STORED = "How do I reset my password?";
const ASKED = "My login secret is lost, what now?";

const open = (redis: ScopedRedis, ask: (pair: JudgePair<string>) => "same" | Promise<"same">) =>
  createCache<string>(redis, {
    name: "c",
    embedder: staticEmbedder(),
    timeoutMs: 5_000,
    judge: { ask, mode: "serving", floor: 0.1, timeoutMs: 200 },
  });

/** Asks until it is answered from the cache: a lost claim holds a pair for its lease. */
const untilServed = async (cache: Cache<string>, value: string): Promise<void> => {
  await expect.poll(() => cache.lookup(ASKED), { timeout: 9_000, interval: 100 }).toMatchObject({ hit: true, value });
};

describe("judging", () => {
  liveTest.for(
    (["before", "after"] as const).flatMap((when) => [1, 2, 3, 4, 5, 6, 7].map((nth) => [nth, when] as const)),
  )(
    "survives its command %d being lost %s it ran: never a wrong answer, and an alias in the end",
    { timeout: 20_000 },
    async ([nth, when], { tenant }) => {
      let asked = 0;
      const ask = () => {
        asked += 1;
        return "same" as const;
      };
      await open(tenant, ask).store(STORED, "Like this.");
      const unlucky = open(losing(tenant, nth, when), ask);
      const found = await unlucky.lookup(ASKED).catch((error: unknown) => error);
      if (!(found instanceof Error))
        expect(found).toSatisfy((one: { hit: boolean }) => [true, false].includes(one.hit));
      const cache = open(tenant, ask);
      await untilServed(cache, "Like this.");
      expect(await cache.lookup(ASKED)).toMatchObject({ match: "alias" });
      expect(asked).toBeLessThanOrEqual(2);
      await cache.forget(STORED);
      expect((await cache.lookup(ASKED)).hit).toBe(false);
    },
  );

  liveTest.for([
    ["is forgotten", (cache: Cache<string>) => cache.forget(STORED)],
    ["is invalidated", (cache: Cache<string>) => cache.clear()],
    ["is stored anew", (cache: Cache<string>) => cache.store(STORED, "Anew.")],
  ] as const)("makes no alias of an entry that %s while it is judged", async ([, end], { tenant }) => {
    const plain = createCache<string>(tenant, { name: "c", embedder: staticEmbedder() });
    const cache = open(tenant, async () => {
      await end(plain);
      return "same" as const;
    });
    await cache.store(STORED, "Like this.");
    await cache.lookup(ASKED);
    const after = await cache.lookup(ASKED, { judge: false });
    expect(after.hit).toBe(false);
    await plain.store(STORED, "Later.");
    expect((await cache.lookup(ASKED, { judge: false })).hit).toBe(false);
  });
});
