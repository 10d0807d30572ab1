/** What the cache promises on every engine alike. The engine `search` is the stand-in. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { createCache, type Cache } from "../../src/cache/index.ts";
import { hashEmbedder, type Embedder } from "../../src/embedders/index.ts";
import { connect, type ScopedRedis } from "../../src/index.ts";
import type { RedisEngine } from "../../src/vectors/index.ts";
import { startSearchServer } from "../search-server.ts";
import { ownServer } from "../servers.ts";

const CAPITAL = "what is the capital of France?";
const REPHRASED = "What's the capital of France?";
/** At least what a lookup and its tidying send. */
const COMMANDS = 10;
const ENGINES: readonly RedisEngine[] =
  inject("redisKind") === "redis8" ? ["search", "local", "vectorset"] : ["search", "local"];

async function openTenant(engine: RedisEngine): Promise<ScopedRedis> {
  const own = await ownServer(inject("redisBinary"));
  await own.start();
  const standIn = engine === "search" ? await startSearchServer(own.url) : undefined;
  const app = `e${randomUUID().slice(0, 8)}`;
  const redis = await connect(standIn?.url ?? own.url, { app, commandTimeoutMs: 20_000 });
  onTestFinished(async () => {
    await redis.close();
    await standIn?.close();
    await own.stop();
  });
  return redis.scope("acme");
}

describe.each(ENGINES)("the cache on the engine %s", (engine) => {
  const embedder = hashEmbedder();
  const open = (tenant: ScopedRedis, name = "c", embeds: Embedder = embedder): Cache<string> =>
    createCache<string>(tenant, { name, embedder: embeds, engine, timeoutMs: 20_000 });

  it("takes names and fingerprints of any length within its bounds, and keeps embedders apart", async () => {
    const tenant = await openTenant(engine);
    for (const name of ["n".repeat(123), "n".repeat(128)]) {
      for (const fingerprint of ["f".repeat(129), "f".repeat(509), "f".repeat(1_024), "é".repeat(1_024)]) {
        const cache = open(tenant, name, { ...embedder, fingerprint });
        expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: false });
        await cache.store(CAPITAL, "Paris");
        expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: true, match: "similar", value: "Paris" });
        await cache.forget(CAPITAL);
      }
    }
    expect(() => open(tenant, "n".repeat(129))).toThrow(/name must be/);
    expect(() => open(tenant, "n", { ...embedder, fingerprint: "f".repeat(1_025) })).toThrow(/embedder.fingerprint/);
  });

  it("keeps a question that is stored anew while a lookup tidies what it found gone", async () => {
    const tenant = await openTenant(engine);
    const cache = open(tenant);
    for (let nth = 1; nth <= COMMANDS; nth += 1) {
      await cache.store(CAPITAL, "Paris");
      await cache.lookup(REPHRASED);
      await cache.forget(CAPITAL);
      let sent = 0;
      // Another process, before whose nth command the question is stored anew.
      const first = async () => {
        sent += 1;
        if (sent === nth) await cache.store(CAPITAL, "Paris again");
      };
      const other: ScopedRedis = {
        ...tenant,
        send: async (...given) => first().then(() => tenant.send(...given)),
        pipeline: async (...given) => first().then(() => tenant.pipeline(...given)),
      };
      await open(other).lookup(REPHRASED);
      // The tidying runs behind its caller.
      await sleep(100);
      if (sent < nth) continue;
      expect([nth, await cache.lookup(REPHRASED)]).toMatchObject([nth, { hit: true, value: "Paris again" }]);
    }
  });
});
