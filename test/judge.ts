import { expect, vi, type Mock } from "vitest";
import { staticEmbedder } from "../src/embedders/index.ts";
import type { Redis, ScopedRedis } from "../src/redis/index.ts";
import { createCache, type Cache, type CacheOptions, type JudgePair, type JudgingOptions } from "../src/cache/index.ts";

/** A question, another wording of it, and one near to that. */
export const STORED = "How do I reset my password?";
export const ASKED = "My login secret is lost, what now?";
export const NEAR = "My login secret is lost, what now please?";

/** A judge that knows which questions are one. */
export const byGroups = (
  ...groups: readonly (readonly string[])[]
): Mock<(pair: JudgePair<string>) => "same" | "different"> =>
  vi.fn(({ asked, stored }) =>
    groups.some((group) => group.includes(asked) && group.includes(stored)) ? "same" : "different",
  );

/** How the tests' judges are called. */
export type Judge = JudgingOptions<string>["ask"];

/** A cache with a judge that looks at nearly everything. */
export function open(
  tenant: ScopedRedis,
  ask: Judge,
  judge: Partial<JudgingOptions<string>> = {},
  more: Partial<CacheOptions<string>> = {},
): Cache<string> {
  return createCache<string>(tenant, {
    name: "c",
    embedder: staticEmbedder(),
    timeoutMs: 5_000,
    judge: { ask, floor: 0.1, ...judge },
    ...more,
  });
}

/** Waits until so many aliases were made. */
export const aliased = async (cache: Cache<string>, times = 1): Promise<void> => {
  await expect.poll(async () => (await cache.report()).judge).toMatchObject({ aliases: times });
};

/** All keys of the test's app, with what is in them as text. */
export async function everything(redis: Redis): Promise<string> {
  const keys = (await redis.send(["KEYS", `{${redis.app}:*`])) as string[];
  const values = await Promise.all(
    keys.map(async (key) => {
      const type = String(await redis.send(["TYPE", key]));
      if (type === "string") return ((await redis.send(["GET", key], { reply: "bytes" })) as Buffer).toString("latin1");
      if (type === "hash") return JSON.stringify(await redis.send(["HGETALL", key]));
      if (type === "set") return JSON.stringify(await redis.send(["SMEMBERS", key]));
      return "";
    }),
  );
  return [...keys, ...values].join("\n");
}
