import { setTimeout as pause } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, vi } from "vitest";
import { inVectorSets, liveTest } from "../../test/live.ts";
import { cosine, staticEmbedder, type Embedder } from "../embedders/index.ts";
import type { Redis, ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createCache, createEmbeddingStore, type CacheOptions } from "./index.ts";

const CAPITAL = "What is the capital of France?";
const REPHRASED = "What's the capital of France?";

function open(tenant: ScopedRedis, options: Partial<CacheOptions> = {}) {
  return createCache<string>(tenant, { name: "c", embedder: staticEmbedder(), timeoutMs: 5_000, ...options });
}

/** A connection on which something happens before another caller's flight is followed. */
function beforeFollowing(tenant: ScopedRedis, act: () => Promise<unknown>): ScopedRedis {
  const send: ScopedRedis["send"] = async (command, options) => {
    if (command[0] === "GET" && String(command[1]).includes(":flight:lease:")) await act();
    return tenant.send(command, options);
  };
  return { ...tenant, send };
}

/** The key of the only partition's index. */
async function indexOf(redis: Redis, app: string): Promise<string> {
  const found = await redis.send(["SCAN", "0", "MATCH", `{${app}:acme}:cache:c:vectors:*`, "COUNT", "100000"]);
  const [, keys] = found as [string, string[]];
  return keys[0] as string;
}

describe("a cache", () => {
  liveTest("serves the same question exactly, and a rephrased one by meaning", async ({ tenant }) => {
    const cache = open(tenant);
    expect(await cache.lookup(CAPITAL)).toEqual({ hit: false });
    await cache.store(CAPITAL, "Paris");
    expect(await cache.lookup(CAPITAL)).toMatchObject({ hit: true, match: "exact", value: "Paris", similarity: 1 });
    const similar = await cache.lookup(REPHRASED);
    expect(similar).toMatchObject({ hit: true, match: "similar", value: "Paris" });
    expect(similar.hit && similar.similarity).toBeGreaterThan(0.95);
  });

  liveTest("never embeds for an exact repeat", async ({ tenant }) => {
    const inner = staticEmbedder();
    const embed = vi.fn<Embedder["embed"]>((texts) => inner.embed(texts));
    const cache = open(tenant, { embedder: { ...inner, embed } });
    await cache.store(CAPITAL, "Paris");
    embed.mockClear();
    await cache.lookup(CAPITAL);
    await cache.lookup(`\n  ${CAPITAL} \n`);
    expect(embed).not.toHaveBeenCalled();
  });

  liveTest("never serves across another model, prompt or context", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store({ prompt: CAPITAL, within: { model: "a", context: "" } }, "Paris");
    for (const within of [{ model: "b", context: "" }, { model: "a", context: "d1" }, undefined]) {
      for (const prompt of [CAPITAL, REPHRASED]) expect((await cache.lookup({ prompt, within })).hit).toBe(false);
    }
  });

  liveTest("says why the nearest question was not served", async ({ tenant }) => {
    const cache = open(tenant, { minSimilarity: 0.6 });
    await cache.store("How do I enable the dark mode of the editor?", "So.");
    expect(await cache.lookup("How do I disable the dark mode of the editor?")).toMatchObject({
      hit: false,
      nearest: { veto: "words" },
    });
    expect(await cache.lookup("How do I bake bread?")).toMatchObject({
      hit: false,
      nearest: { veto: "below_threshold" },
    });
  });

  liveTest(
    "serves what is proven however far the embedder finds it, and tells what is far and not proven",
    async ({ tenant }) => {
      const cache = open(tenant);
      const embedded = await staticEmbedder().embed(["Where is the library?", "where is the libary"]);
      expect(cosine(embedded[0] as Float32Array, embedded[1] as Float32Array)).toBeLessThan(0.6);
      await cache.store("Where is the library?", "At the river.");
      expect(await cache.lookup("where is the libary")).toMatchObject({ hit: true, match: "similar" });
      expect(await cache.lookup("How do I bake bread?")).toMatchObject({
        hit: false,
        nearest: { veto: "below_threshold" },
      });
    },
  );

  liveTest("scores as its embedder does, within quantisation", async ({ tenant }) => {
    const cache = open(tenant, { minSimilarity: 0 });
    await cache.store("How do I reset my password?", "Like this.");
    const [a, b] = await staticEmbedder().embed(["How do I reset my password?", "How can I reset a password?"]);
    const found = await cache.lookup("How can I reset a password?");
    expect(found.hit && found.similarity).toBeCloseTo(cosine(a as Float32Array, b as Float32Array), 1.7);
  });

  liveTest.skipIf(!inVectorSets)(
    "ends each answer at its own time, and takes it out of the index",
    async ({ tenant, redis, unique }) => {
      const cache = open(tenant, { ttlMs: 60_000 });
      await cache.store(CAPITAL, "Paris", { ttlMs: 150 });
      await cache.store("How do I bake bread?", "Slowly.");
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect((await cache.lookup(CAPITAL)).hit).toBe(false);
      expect((await cache.lookup(REPHRASED)).hit).toBe(false);
      expect((await cache.lookup("How do I bake bread?")).hit).toBe(true);
      const index = await indexOf(redis, unique);
      expect(await redis.send(["VCARD", index])).toBe(1);
      expect(Number(await redis.send(["PTTL", index]))).toBeGreaterThan(50_000);
    },
  );

  liveTest.skipIf(!inVectorSets)(
    "sweeps ended entries out of its index at each store, the more the more of them it finds",
    async ({ tenant, redis, unique }) => {
      const cache = open(tenant);
      const prompts = Array.from({ length: 20 }, (_, nth) => `red apples ${nth}`);
      await Promise.all(prompts.map((prompt) => cache.store(prompt, "x", { ttlMs: 50 })));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await cache.store("yellow bananas", "x");
      const index = await indexOf(redis, unique);
      expect(await redis.send(["VCARD", index])).toBe(1);
    },
  );

  liveTest("serves nothing older than was asked for", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store(CAPITAL, "Paris");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await cache.lookup(CAPITAL, { maxAgeMs: 20 })).toMatchObject({ hit: false });
    expect(await cache.lookup(REPHRASED, { maxAgeMs: 20 })).toMatchObject({ hit: false, nearest: { veto: "too_old" } });
    expect(await cache.lookup(CAPITAL, { maxAgeMs: 60_000 })).toMatchObject({ hit: true });
  });

  liveTest("forgets one answer at once", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store(CAPITAL, "Paris");
    expect(await cache.forget(CAPITAL)).toBe(true);
    expect((await cache.lookup(CAPITAL)).hit).toBe(false);
    expect((await cache.lookup(REPHRASED)).hit).toBe(false);
  });

  liveTest("stores no answer whose subject was forgotten after the question was looked up", async ({ tenant }) => {
    const cache = open(tenant);
    const question = { prompt: CAPITAL };
    await cache.lookup(question);
    await cache.forgetSubject("ada");
    expect(await cache.store(question, "Paris", { subject: "ada" })).toBe(false);
    expect((await cache.lookup(REPHRASED)).hit).toBe(false);
    await pause(5);
    const later = { prompt: CAPITAL };
    await cache.lookup(later);
    expect(await cache.store(later, "Paris", { subject: "ada" })).toBe(true);
    expect((await cache.lookup(REPHRASED)).hit).toBe(true);
  });

  liveTest("never mixes the vectors of two embedders", async ({ tenant }) => {
    const other: Embedder = { ...staticEmbedder(), fingerprint: "another-model" };
    await open(tenant).store(CAPITAL, "Paris");
    expect(await open(tenant, { embedder: other }).lookup(REPHRASED)).toEqual({ hit: false, nearest: undefined });
  });

  liveTest("does not store what is too large, and says so", async ({ tenant }) => {
    const cache = open(tenant, { entryBytesMax: 1_000 });
    expect(await cache.store(CAPITAL, "x".repeat(2_000))).toBe(false);
    expect((await cache.lookup(CAPITAL)).hit).toBe(false);
  });

  liveTest("finds every one of a thousand stored questions exactly", async ({ tenant }) => {
    const cache = open(tenant);
    const prompts = Array.from({ length: 1_000 }, (_, at) => `question number ${at} about nearly the same thing`);
    await Promise.all(prompts.map((prompt, at) => cache.store(prompt, String(at))));
    const found = await Promise.all(prompts.map((prompt) => cache.lookup(prompt)));
    expect(found.every((one, at) => one.hit && one.match === "exact" && one.value === String(at))).toBe(true);
  });
});

describe("asking through a cache", () => {
  liveTest("asks once for many callers of one moment, then not at all", async ({ tenant }) => {
    const cache = open(tenant);
    const ask = vi.fn(async () => "Paris");
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.through(CAPITAL, ask)));
    expect(ask).toHaveBeenCalledTimes(1);
    expect(new Set(answers.map(({ value }) => value))).toEqual(new Set(["Paris"]));
    expect(await cache.through(REPHRASED, ask)).toMatchObject({ source: "similar", value: "Paris" });
    expect(ask).toHaveBeenCalledTimes(1);
  });

  liveTest(
    "asks once for two questions of one meaning, when the first one's flight ends before the second one follows it",
    async ({ tenant }) => {
      const first = open(tenant);
      const answered = Promise.withResolvers<string>();
      const asked = vi.fn(() => answered.promise);
      const leading = first.through(CAPITAL, asked);
      await expect.poll(() => asked.mock.calls.length).toBe(1);

      const ask = vi.fn(async () => "Lutetia");
      const ending = async () => {
        answered.resolve("Paris");
        await leading;
      };
      const second = open(beforeFollowing(tenant, ending));
      const callers = Array.from({ length: 5 }, () => second.through(REPHRASED, ask));
      expect(await Promise.all(callers)).toEqual(callers.map(() => ({ source: "shared", value: "Paris" })));
      expect(ask).not.toHaveBeenCalled();
    },
  );

  liveTest("streams the answer of a flight that ended before it was followed", async ({ tenant }) => {
    const first = open(tenant);
    const answered = Promise.withResolvers<string>();
    const asked = vi.fn(() => answered.promise);
    const leading = first.through(CAPITAL, asked);
    await expect.poll(() => asked.mock.calls.length).toBe(1);
    const ending = async () => {
      answered.resolve("Paris");
      await leading;
    };
    const parts = { toValue: (all: readonly string[]) => all.join(""), toParts: (value: string) => [value] };
    const refusing = () => Promise.reject(new Error("asked twice"));
    const streamed = await open(beforeFollowing(tenant, ending)).stream(REPHRASED, refusing, parts);
    const read: string[] = [];
    for await (const part of streamed.parts) read.push(part);
    expect(read).toEqual(["Paris"]);
  });

  liveTest("makes no other question wait for a second lookup", async ({ counted, proxy }) => {
    const cache = open(counted.scope("acme"));
    await cache.through("warm the scripts up", async () => "x");
    await cache.through("What is the capital of Spain?", async () => "Madrid");
    proxy.reset();
    await cache.through("How tall is the Eiffel tower?", async () => "330 m");
    // The exact lookup, the one by meaning, the join, the store, the end.
    expect(proxy.roundTrips()).toBe(5);
  });

  liveTest("gives an asker's failure to all who wait, and keeps nothing", async ({ tenant }) => {
    const cache = open(tenant);
    const failing = () => Promise.reject(new Error("model away"));
    const waits = [cache.through(CAPITAL, failing), cache.through(CAPITAL, failing)];
    for (const wait of waits) await expect(wait).rejects.toThrow("model away");
    expect(await cache.through(CAPITAL, async () => "Paris")).toMatchObject({ source: "miss" });
  });

  liveTest("keeps only what it is told to keep", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.through(CAPITAL, async () => "I cannot say", { keep: (value) => !value.startsWith("I cannot") });
    expect((await cache.lookup(CAPITAL)).hit).toBe(false);
  });

  liveTest.for(["before", "after"] as const)("answers whatever command is lost (%s)", async (when, { tenant }) => {
    for (let nth = 1; nth <= 4; nth += 1) {
      const cache = open(losing(tenant, nth, when), { name: `lost-${when}-${nth}` });
      expect((await cache.through(CAPITAL, async () => "Paris")).value).toBe("Paris");
      expect((await cache.through(CAPITAL, async () => "Paris")).value).toBe("Paris");
    }
  });

  liveTest("answers when the embedder fails", async ({ tenant }) => {
    const broken: Embedder = { ...staticEmbedder(), embed: async () => [new Float32Array([Number.NaN])] };
    const cache = open(tenant, { embedder: broken });
    expect(await cache.through(CAPITAL, async () => "Paris")).toEqual({ source: "bypass", value: "Paris" });
  });
});

describe("caches of different tenants", () => {
  liveTest("never share an answer, whatever their names hold", async ({ redis }) => {
    const name = fc.oneof(
      fc.constantFrom(":", ",", "{}", "*", "Acme", "acme", "acme:", "a}b{", "é", "e\u0301"),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed()),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(name, name, name, name, async (scopeA, nameA, scopeB, nameB) => {
        run += 1;
        const open2 = (scope: string, cache: string) =>
          createCache<string>(redis.scope(scope), { name: `${cache}${run}`, embedder: staticEmbedder() });
        await open2(scopeA, nameA).store(CAPITAL, "mine");
        const same = scopeA === scopeB && nameA === nameB;
        for (const prompt of [CAPITAL, REPHRASED]) expect((await open2(scopeB, nameB).lookup(prompt)).hit).toBe(same);
        expect(await open2(scopeB, nameB).forget(CAPITAL)).toBe(same);
      }),
      { numRuns: 60 },
    );
  });

  liveTest("cannot be made without a scope", async ({ redis }) => {
    expect(() => createCache(redis as unknown as ScopedRedis, { name: "c" })).toThrow(
      expect.objectContaining({ code: "invalid_option" }),
    );
  });
});

describe("a store of embeddings", () => {
  liveTest("gives vectors back as they were, by fingerprint", async ({ tenant }) => {
    const store = createEmbeddingStore(tenant, { name: "e" });
    const vector = new Float32Array([0.5, -0.25, 3]);
    await store.set("f1", [{ text: "a", vector }]);
    expect(await store.get("f1", ["a", "b"])).toEqual([vector, undefined]);
    expect(await store.get("f2", ["a"])).toEqual([undefined]);
  });
});

describe("a cache's cost", () => {
  liveTest("is one round trip for an exact hit, two for a similar one, one for a store", async ({ counted, proxy }) => {
    const cache = open(counted.scope("acme"));
    await cache.store("warm the scripts up", "x");
    // The engine of the installation is asked for once, a copy of the questions is made at the first lookup.
    await cache.lookup("warm up the scripts please");
    const trips = async (act: () => Promise<unknown>) => {
      proxy.reset();
      await act();
      return proxy.roundTrips();
    };
    expect(await trips(() => cache.store(CAPITAL, "Paris"))).toBe(1);
    expect(await trips(() => cache.lookup(CAPITAL))).toBe(1);
    expect(await trips(() => cache.lookup(REPHRASED))).toBe(2);
    expect(await trips(() => cache.forget(CAPITAL))).toBe(1);
  });
});
