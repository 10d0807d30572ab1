import { describe, expect, vi } from "vitest";
import { inSearch, liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createCache, wrap, type CacheOptions, type Judge } from "./index.ts";

const ASKED = "What is the capital of France?";

const open = (tenant: ScopedRedis, options: Partial<CacheOptions<string>> = {}) =>
  createCache<string>(tenant, { name: "c", embedder: staticEmbedder(), timeoutMs: 5_000, ...options });

describe("a proof", () => {
  liveTest("serves plain paraphrases that a strict cosine never would", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store("How do I reset my password?", "Like this.");
    const found = await cache.lookup("What are the steps to reset the password?");
    expect(found).toMatchObject({ hit: true, match: "similar", value: "Like this." });
    expect(found.hit && found.similarity).toBeLessThan(0.95);
    expect((await cache.lookup("How do I reset my PIN?")).hit).toBe(false);
  });

  liveTest(
    "compares questions over one document by what they ask, and never over two documents",
    async ({ tenant }) => {
      const cache = open(tenant);
      const about = (city: string, question: string) =>
        `Use the context.\n\nContext:\n${`The order came to ${city} by rail. It was placed on Monday and paid in May. `.repeat(4)}\n\nQuestion: ${question}`;
      await cache.store(about("Basel", "When was the order placed?"), "On Monday.");
      expect(await cache.lookup(about("Basel", "when was the order placed"))).toMatchObject({ hit: true });
      expect((await cache.lookup(about("Basel", "When was the order paid?"))).hit).toBe(false);
      expect((await cache.lookup(about("Bern", "When was the order placed?"))).hit).toBe(false);
    },
  );

  liveTest("is never found for what the embedder cannot read, which costs no search", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store("中国的首都是哪里", "北京");
    expect(await cache.lookup("中国的首都是哪里")).toMatchObject({ hit: true, match: "exact" });
    expect(await cache.lookup("法国的首都是哪里")).toMatchObject({ hit: false, nearest: { veto: "unreadable" } });
  });

  liveTest(
    "is never found for a prompt that is too long to be read, which its exact key alone serves",
    async ({ tenant }) => {
      const cache = open(tenant);
      const ask = (question: string) => `${"A line of the document.\n".repeat(1_500)}\n${question}`;
      await cache.store(ask("Who wrote it?"), "Anna");
      expect(await cache.lookup(ask("Who wrote it?"))).toMatchObject({ hit: true, match: "exact" });
      expect(await cache.lookup(ask("who wrote it?"))).toMatchObject({ hit: false, nearest: { veto: "length" } });
    },
  );
});

describe("the verifier", () => {
  liveTest("may be the user's own, and must fit", async ({ tenant }) => {
    const weights = { intercept: -50, weights: Array.from({ length: 27 }, () => 0) };
    const cache = open(tenant, { verifier: weights, minScore: 0.5 });
    await cache.store(ASKED, "Paris");
    expect((await cache.lookup("What's the capital of France?")).hit).toBe(false);
    expect(() => open(tenant, { verifier: { intercept: 0, weights: [1] } })).toThrow(
      expect.objectContaining({ code: "invalid_option", details: { path: "verifier" } }),
    );
  });

  liveTest("explains each answer", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store("How do I enable dark mode?", "So.");
    const { explanation } = await cache.lookup("Please, how do I disable dark mode?", { explain: true });
    expect(explanation).toMatchObject({
      asked: "Please, how do I disable dark mode?",
      scoredBy: "cosine",
      followUp: false,
      candidates: [{ veto: "words" }],
    });
    expect((await cache.lookup("How do I enable dark mode?")).explanation).toBeUndefined();
  });
});

describe("a prompt that leans on something said before", () => {
  liveTest("is neither stored nor served, unless what was said is part of it", async ({ tenant }) => {
    const cache = open(tenant);
    expect(await cache.store("How old is he?", "42")).toBe(false);
    expect(await cache.lookup("How old is he?")).toEqual({ hit: false });
    const inContext = { prompt: "How old is he?", context: "digest of a talk about Ada's brother" };
    expect(await cache.store(inContext, "42")).toBe(true);
    expect(await cache.lookup(inContext)).toMatchObject({ hit: true, value: "42" });
    expect((await cache.lookup({ ...inContext, context: "another talk" })).hit).toBe(false);
    const asked = vi.fn(async () => "fresh");
    for (let at = 0; at < 2; at += 1)
      expect(await cache.through("and in Germany?", asked)).toMatchObject({ source: "miss", value: "fresh" });
    expect(asked).toHaveBeenCalledTimes(2);
  });

  liveTest("finds courtesy to be no part of a question", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store("Could you please explain recursion?", "See recursion.");
    for (const prompt of ["explain recursion?", "Explain  recursion, please!", "explain\u00a0recur\u200bsion?"])
      expect(await cache.lookup(prompt)).toMatchObject({ hit: true, match: "similar" });
  });
});

describe("invalidation", () => {
  liveTest("ends all answers of a tag at once, in both tiers, and no other", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store({ prompt: ASKED, tags: ["doc:1", "doc:2"] }, "Paris");
    await cache.store({ prompt: "How do I bake bread?", tags: ["doc:3"] }, "Slowly");
    await cache.store("How tall is Mont Blanc?", "4,806 m");
    await cache.invalidate(["doc:9"]);
    expect(await cache.lookup(ASKED)).toMatchObject({ hit: true });
    await cache.invalidate(["doc:2"]);
    for (const prompt of [ASKED, "What's the capital of France?"])
      expect(await cache.lookup(prompt)).toMatchObject({ hit: false, nearest: { veto: "invalidated" } });
    expect((await cache.lookup("How do I bake bread?")).hit).toBe(true);
    expect((await cache.lookup("How tall is Mont Blanc?")).hit).toBe(true);
    await cache.store({ prompt: ASKED, tags: ["doc:2"] }, "Paris again");
    expect(await cache.lookup(ASKED)).toMatchObject({ hit: true, value: "Paris again" });
    await cache.clear();
    for (const prompt of [ASKED, "How do I bake bread?", "How tall is Mont Blanc?"])
      expect((await cache.lookup(prompt)).hit).toBe(false);
    await cache.store(ASKED, "Paris");
    expect((await cache.lookup(ASKED)).hit).toBe(true);
    await expect(cache.invalidate([])).rejects.toMatchObject({ code: "invalid_input" });
  });

  liveTest("ends an answer that was being made while it came", async ({ tenant }) => {
    const cache = open(tenant);
    const question = { prompt: ASKED, tags: ["doc"] };
    await cache.through(question, async () => {
      await cache.invalidate(["doc"]);
      return "made from the old document";
    });
    expect((await cache.lookup(ASKED)).hit).toBe(false);
  });

  // A thousand searches at once are more than the stand-in for FT.* answers in time.
  liveTest.skipIf(inSearch)(
    "is over when it returns: under a thousand reads, none that begins after it serves what it ended",
    async ({ tenant }) => {
      const cache = open(tenant);
      await cache.store({ prompt: ASKED, tags: ["doc"] }, "old");
      let over = false;
      const served: boolean[] = [];
      const reads = Array.from({ length: 1_000 }, async (_, at) => {
        await new Promise((resolve) => setTimeout(resolve, at % 800));
        const begunAfter = over;
        const found = await cache.lookup(at % 2 === 0 ? ASKED : "What's the capital of France?");
        if (begunAfter) served.push(found.hit);
      });
      await new Promise((resolve) => setTimeout(resolve, 15));
      await cache.invalidate(["doc"]);
      over = true;
      await Promise.all(reads);
      expect(served.length).toBeGreaterThan(50);
      expect(served.includes(true)).toBe(false);
    },
  );
});

describe("asking for an answer", () => {
  liveTest("is done by any function, wrapped", async ({ tenant }) => {
    const ask = vi.fn(async (model: string, prompt: string) => `${model}: ${prompt.length}`);
    const asked = wrap(open(tenant), ask, (model, prompt) => ({ prompt, within: { model } }));
    expect([
      await asked("a", ASKED),
      await asked("a", "What's the capital of France?"),
      await asked("b", ASKED),
    ]).toEqual(["a: 30", "a: 30", "b: 30"]);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  liveTest("is over when the answer cannot be kept: who comes next asks at once", async ({ tenant }) => {
    const cache = createCache<unknown>(tenant, { name: "c", timeoutMs: 5_000 });
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const beganMs = performance.now();
    await expect(cache.through(ASKED, async () => circular)).rejects.toMatchObject({
      code: "invalid_input",
      details: { path: "value.self" },
    });
    const bad = () => Promise.reject(new Error("the model is away"));
    await expect(cache.through(ASKED, bad)).rejects.toThrow("the model is away");
    expect(await cache.through(ASKED, async () => "fine")).toMatchObject({ source: "miss", value: "fine" });
    expect(performance.now() - beganMs).toBeLessThan(1_500);
  });
});

describe("a sealed cache", () => {
  const sealKey = Buffer.alloc(32, 7);
  const entries = async (tenant: ScopedRedis, redis: { send(command: readonly string[]): Promise<unknown> }) =>
    (
      (await redis.send(["SCAN", "0", "MATCH", `{${tenant.app}:acme}:cache:c:entry:*`, "COUNT", "100000"])) as [
        string,
        string[],
      ]
    )[1];

  liveTest("keeps its key when the caller erases the bytes of it", async ({ tenant }) => {
    const own = Buffer.from(sealKey);
    const cache = open(tenant, { sealKey: own });
    own.fill(0);
    await cache.store(ASKED, "Paris");
    expect(await open(tenant, { sealKey }).lookup(ASKED)).toMatchObject({ hit: true, value: "Paris" });
  });

  liveTest("serves whoever has the key, and shows nobody else a word", async ({ tenant, redis }) => {
    const cache = open(tenant, { sealKey });
    await cache.store(ASKED, "Paris the secret");
    expect(await cache.lookup("What's the capital of France?")).toMatchObject({ hit: true, value: "Paris the secret" });
    const [key = ""] = await entries(tenant, redis);
    const stored = (await redis.send(["GET", key], { reply: "bytes" })) as Buffer;
    expect(stored.toString("latin1")).not.toMatch(/Paris|secret|capital|France/);
    const stranger = open(tenant, { sealKey: Buffer.alloc(32, 8) });
    expect(await stranger.lookup(ASKED)).toMatchObject({ hit: false, nearest: { veto: "unsealed" } });
  });

  liveTest(
    "serves nothing that was planted, changed or moved by whoever can write to Redis",
    async ({ tenant, redis }) => {
      const cache = open(tenant, { sealKey });
      await open(tenant).store(ASKED, "planted");
      expect((await cache.lookup(ASKED)).hit).toBe(false);
      expect((await cache.lookup("What's the capital of France?")).hit).toBe(false);
      await cache.store(ASKED, "Paris");
      await cache.store("How do I bake bread?", "Slowly");
      const [one = "", two = ""] = await entries(tenant, redis);
      const bodies = (await Promise.all(
        [one, two].map((key) => redis.send(["GET", key], { reply: "bytes" })),
      )) as Buffer[];
      await redis.send(["SET", one, bodies[1] as Buffer]);
      await redis.send(["SET", two, bodies[0] as Buffer]);
      for (const prompt of [ASKED, "How do I bake bread?"]) expect((await cache.lookup(prompt)).hit).toBe(false);
      expect(() => open(tenant, { sealKey: Buffer.alloc(31) })).toThrow(
        expect.objectContaining({ details: { path: "sealKey" } }),
      );
    },
  );
});

describe("an answer whose life is over", () => {
  liveTest("is served while one asks again, within its bounds, and when asking fails", async ({ tenant }) => {
    const cache = open(tenant, { ttlMs: 60, staleMs: 60_000 });
    await cache.store(ASKED, "old");
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await cache.lookup(ASKED)).hit).toBe(false);
    const failing = await cache.through(ASKED, () => Promise.reject(new Error("away")));
    expect(failing).toMatchObject({ source: "stale", value: "old" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await cache.through(ASKED, async () => "new", { ttlMs: 60_000 })).toMatchObject({
      source: "stale",
      value: "old",
    });
    await expect.poll(() => cache.lookup(ASKED)).toMatchObject({ hit: true, value: "new" });
  });

  liveTest("ends a little earlier at random, where that is wanted", async ({ tenant, redis }) => {
    const cache = open(tenant, { ttlMs: 100_000, ttlJitter: 0.5, embedder: undefined });
    for (let at = 0; at < 20; at += 1) await cache.store(`question number ${at}`, "x");
    const [, keys] = (await redis.send([
      "SCAN",
      "0",
      "MATCH",
      `{${tenant.app}:acme}:cache:c:entry:*`,
      "COUNT",
      "100000",
    ])) as [string, string[]];
    const lives = (await redis.pipeline(keys.map((key) => ["PTTL", key]))).map(Number);
    expect(Math.min(...lives)).toBeGreaterThan(49_000);
    expect(Math.max(...lives) - Math.min(...lives)).toBeGreaterThan(5_000);
  });
});

describe("a policy", () => {
  const judge: Judge<string> = ({ stored, fresh }) => stored === fresh;

  liveTest("in the shadow serves nothing by meaning, and counts what it would have", async ({ tenant }) => {
    const cache = open(tenant, { policy: { kind: "shadow", judge } });
    await cache.through(ASKED, async () => "Paris");
    expect(await cache.through(ASKED, async () => "no")).toMatchObject({ source: "exact" });
    expect(await cache.through("What's the capital of France?", async () => "Paris")).toMatchObject({ source: "miss" });
    expect(await cache.through("What’s the capital of France", async () => "Lyon")).toMatchObject({ source: "miss" });
    await expect.poll(() => cache.report()).toMatchObject({ withheld: 2, audited: 2, wrong: 1, threshold: undefined });
  });

  liveTest(
    "that is calibrated serves nothing until audits say that it may, and stops when they say otherwise",
    async ({ tenant }) => {
      const cache = open(tenant, { policy: { kind: "calibrated", judge, target: 0.8, auditRate: 1 } });
      await cache.store(ASKED, "Paris");
      const near = "What's the capital of France?";
      for (let at = 0; at < 35; at += 1) {
        await cache.through({ prompt: near, within: undefined }, async () => "Paris", { keep: () => false });
        await expect.poll(async () => (await cache.report()).audited, { interval: 5 }).toBeGreaterThan(at);
        if (at < 20) expect((await cache.lookup(near)).hit).toBe(false);
      }
      const found = await cache.lookup(near);
      expect(found).toMatchObject({ hit: true, match: "similar", value: "Paris" });
      for (let at = 0; at < 12 && found.hit; at += 1) await cache.feedback({ ...found, id: "0".repeat(32) }, false);
      expect(await cache.lookup(near)).toMatchObject({ hit: false, nearest: { veto: "unproven" } });
    },
  );

  liveTest("that is verified serves each entry once it has proven itself", async ({ tenant }) => {
    const cache = open(tenant, { policy: { kind: "verified", judge, errorMax: 0.2 }, preset: "aggressive" });
    await cache.store(ASKED, "Paris");
    await cache.store("How do I make bread?", "In the oven");
    const ask = async (question: string, fresh: string) => {
      const before = (await cache.report()).audited;
      const { source } = await cache.through(question, async () => fresh, { keep: () => false });
      if (source !== "similar") await expect.poll(async () => (await cache.report()).audited).toBe(before + 1);
      return source;
    };
    const sources: string[] = [];
    for (let at = 0; at < 45; at += 1) sources.push(await ask("What's the capital of France?", "Paris"));
    expect(sources.slice(0, 4)).toEqual(["miss", "miss", "miss", "miss"]);
    expect(sources.slice(20).filter((source) => source === "similar").length).toBeGreaterThan(3);
    const other: string[] = [];
    for (let at = 0; at < 20; at += 1) other.push(await ask("How can I make bread?", "By hand"));
    expect(other.filter((source) => source === "similar").length).toBeLessThan(12);
  });

  liveTest("that is verified stores only what the nearest entry answered wrongly", async ({ tenant }) => {
    const cache = open(tenant, { policy: { kind: "verified", judge }, preset: "aggressive" });
    await cache.store(ASKED, "Paris");
    const near = "What's the capital of France?";
    const audited = async (times: number) => {
      await expect.poll(async () => (await cache.report()).audited).toBe(times);
    };
    expect(await cache.through(near, async () => "Paris")).toMatchObject({ source: "miss" });
    await audited(1);
    expect((await cache.lookup(near, { tiers: "exact" })).hit).toBe(false);
    expect(await cache.through(near, async () => "Lyon")).toMatchObject({ source: "miss" });
    await audited(2);
    await expect.poll(() => cache.lookup(near, { tiers: "exact" })).toMatchObject({ hit: true, value: "Lyon" });
    expect(await cache.through("How do I bake bread?", async () => "Slowly")).toMatchObject({ source: "miss" });
    expect((await cache.lookup("How do I bake bread?")).hit).toBe(true);
    await cache.store("How do I plant a tree?", "Deep");
    await cache.through("How can I plant a tree?", async () => "Not kept", { keep: () => false });
    await audited(3);
    expect((await cache.lookup("How can I plant a tree?", { tiers: "exact" })).hit).toBe(false);
  });

  liveTest("whose judge fails has learned nothing, and serves nothing", async ({ tenant }) => {
    const cache = open(tenant, { policy: { kind: "calibrated", judge: () => Promise.reject(new Error("away")) } });
    await cache.store(ASKED, "Paris");
    for (let at = 0; at < 3; at += 1)
      expect(
        await cache.through("What's the capital of France?", async () => "Paris", { keep: () => false }),
      ).toMatchObject({ source: "miss" });
    expect(await cache.report()).toMatchObject({ audited: 0, withheld: 3 });
  });

  liveTest("learns from users: a wrong answer is forgotten", async ({ tenant }) => {
    const cache = open(tenant);
    await cache.store(ASKED, "Lyon");
    const found = await cache.lookup("What's the capital of France?");
    if (!found.hit) throw new Error("the test needs a hit");
    await cache.feedback(found, false);
    expect((await cache.lookup(ASKED)).hit).toBe(false);
    await expect.poll(() => cache.report()).toMatchObject({ disliked: 1, wrong: 1 });
  });
});
