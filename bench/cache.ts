/**
 * The cache beside two peers' call sequences, on one server: the commands and round trips that their documents and sources show for a
 * hit, a miss and a store, with VSIM where they say FT.SEARCH, which this server has not. With no delay on the way, and with 1 ms each
 * way in between. Then what an entry takes: 10,000 of 1,536 numbers with an English answer of 2 KB, by the growth of the server's memory.
 *
 *   npm run bench:cache
 *   npm run bench:cache -- --engine local      a similar hit over another engine beside vector sets
 */
import { readFileSync } from "node:fs";
import { connect as dial, createServer, type AddressInfo, type Socket } from "node:net";
import { Redis as Ioredis } from "ioredis";
import { connect, type Redis } from "marrow";
import { createCache } from "marrow/cache";
import { staticEmbedder, type Embedder } from "marrow/embedders";
import { compareEngines } from "./support/cache-engines.ts";
import { startBenchRedis } from "./support/redis.ts";
import { isRephrased, rephrasedQuestion, storedQuestion } from "./support/rephrasing.ts";
import { median, round } from "./support/statistics.ts";

const DIMENSIONS = 256;
const ENTRIES = 2_000;
/** Rounds that count, after those that only warm up. */
const [WARM, ROUNDS] = [300, 300];
const WIDE = 1_536;
const WIDE_ENTRIES = 10_000;
const TTL_S = "86400";

const server = await startBenchRedis();
const socket = server.url.slice("unix://".length);
/** Plain sentences, and Markdown with tables and code, which is a fifth larger when compressed. */
const english = readFileSync("LICENSE", "utf8");
const markdown = [
  ...new Set(
    ["README.md", "docs/roles/cache.md", "docs/roles/vectors.md", "docs/roles/gateway.md", "docs/operations.md"].map(
      (file) => readFileSync(file, "utf8"),
    ),
  ),
].join("\n");

/** Vectors by the text's number, so that a question and its rephrasing are near and all others are not. */
function embedderOf(dimensions: number): Embedder {
  return {
    id: "bench",
    dimensions,
    maxTokens: 512,
    fingerprint: `bench-${dimensions}`,
    embed: async (texts) =>
      texts.map((text) => vectorOf(Number(/\d+/.exec(text)?.[0] ?? 0), dimensions, isRephrased(text))),
  };
}

const figures: Record<string, number> = {};
const wanted = process.argv[process.argv.indexOf("--engine") + 1];
if (process.argv.includes("--engine")) {
  if (wanted !== "local" && wanted !== "search") throw new Error("--engine must be local or search");
  const compared = await compareEngines({
    engine: wanted,
    setsUrl: server.url,
    searchUrl: process.env["MARROW_SEARCH_URL"],
    embedder: embedderOf(DIMENSIONS),
    vectorOf: (at, near) => vectorOf(at, DIMENSIONS, near),
  });
  console.log(JSON.stringify({ bench: "cache", engine: wanted, dimensions: DIMENSIONS, ...compared }));
  await server.stop();
  process.exit(0);
}
for (const delayMs of [0, 1]) {
  const proxy = await startDelay(socket, delayMs);
  const redis = await connect(proxy.url, { app: `bench${delayMs}`, commandTimeoutMs: 60_000 });
  const raw = new Ioredis(proxy.url);
  await compare(redis, raw, delayMs);
  raw.disconnect();
  await redis.close();
  await proxy.close();
}
figures["bytesPerEntry"] = await weigh(WIDE, "full", english);
figures["bytesPerEntryCompact"] = await weigh(WIDE, "compact", english);
figures["bytesPerEntryMarkdown"] = await weigh(WIDE, "full", markdown);
figures["bytesPerEntryAt256"] = await weigh(DIMENSIONS, "full", english);
Object.assign(figures, await compareProfiles());
console.log(JSON.stringify({ bench: "cache", dimensions: WIDE, answerBytes: 2_048, ...figures }));
await server.stop();
process.exit(0);

async function compare(redis: Redis, raw: Ioredis, delayMs: number): Promise<void> {
  const cache = createCache<string>(redis.scope("bench"), {
    name: "c",
    embedder: embedderOf(DIMENSIONS),
    minSimilarity: 0.9,
    timeoutMs: 60_000,
  });
  const bytes = (at: number, near = false) => {
    const vector = vectorOf(at, DIMENSIONS, near);
    return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  };
  for (let at = 0; at < ENTRIES; at += 1) {
    await cache.store(storedQuestion(at), `answer ${at}`);
    await raw.call("VADD", `peer${delayMs}:index`, "FP32", bytes(at), `e${at}`, "Q8", "EF", "64", "M", "8");
    await raw.hset(`peer${delayMs}:e${at}`, "prompt", storedQuestion(at), "response", `answer ${at}`);
  }
  const search = (at: number, near: boolean) =>
    raw.call("VSIM", `peer${delayMs}:index`, "FP32", bytes(at, near), "WITHSCORES", "COUNT", "1", "EF", "50");
  const acts: Record<string, Record<string, (at: number) => Promise<unknown>>> = {
    similarHit: {
      marrow: (at) => expectHit(cache.lookup(rephrasedQuestion(at))),
      // FT.SEARCH, the hash, EXPIRE of the hit.
      async redisvl(at) {
        await search(at, true);
        await raw.hgetall(`peer${delayMs}:e${at}`);
        await raw.expire(`peer${delayMs}:e${at}`, TTL_S);
      },
      // The embedding's key, FT.SEARCH with the hash, a window of similarities, statistics, EXPIRE, HINCRBY: one after another.
      async betterdb(at) {
        await raw.get(`peer${delayMs}:embed:${at}`);
        await search(at, true);
        await raw.hgetall(`peer${delayMs}:e${at}`);
        await raw
          .pipeline()
          .zadd(`peer${delayMs}:window`, at, `w${at}`)
          .zremrangebyrank(`peer${delayMs}:window`, 0, -10_001)
          .exec();
        await raw
          .pipeline()
          .hincrby(`peer${delayMs}:stats`, "hits", 1)
          .hincrby(`peer${delayMs}:stats`, "total", 1)
          .exec();
        await raw.expire(`peer${delayMs}:e${at}`, TTL_S);
        await raw.hincrby(`peer${delayMs}:e${at}`, "hits", 1);
      },
    },
    exactHit: {
      marrow: (at) => expectHit(cache.lookup(storedQuestion(at))),
      async redisvl(at) {
        await search(at, false);
        await raw.hgetall(`peer${delayMs}:e${at}`);
        await raw.expire(`peer${delayMs}:e${at}`, TTL_S);
      },
    },
    store: {
      marrow: (at) => cache.store(`another question ${ENTRIES + at} of the bench`, `answer ${at}`),
      // HSET, then EXPIRE; the index follows, which here is a VADD.
      async redisvl(at) {
        await raw
          .pipeline()
          .hset(`peer${delayMs}:n${at}`, "prompt", `another question ${at}`, "response", `answer ${at}`)
          .expire(`peer${delayMs}:n${at}`, TTL_S)
          .call("VADD", `peer${delayMs}:index`, "FP32", bytes(ENTRIES + at), `n${at}`, "Q8", "EF", "64", "M", "8")
          .exec();
      },
      async betterdb(at) {
        await raw.set(`peer${delayMs}:embed:n${at}`, bytes(ENTRIES + at), "EX", TTL_S);
        await raw.hset(`peer${delayMs}:b${at}`, "prompt", `another question ${at}`, "response", `answer ${at}`);
        await raw.call(
          "VADD",
          `peer${delayMs}:index`,
          "FP32",
          bytes(ENTRIES + at),
          `b${at}`,
          "Q8",
          "EF",
          "64",
          "M",
          "8",
        );
        await raw.expire(`peer${delayMs}:b${at}`, TTL_S);
      },
    },
  };
  for (const [act, who] of Object.entries(acts)) {
    const times = new Map<string, number[]>();
    for (let at = -WARM; at < ROUNDS; at += 1) {
      const names = at % 2 === 0 ? Object.keys(who) : Object.keys(who).toReversed();
      for (const name of names) {
        const beganMs = performance.now();
        await who[name]?.(((at + ENTRIES) * 7) % ENTRIES);
        if (at >= 0) times.set(name, [...(times.get(name) ?? []), performance.now() - beganMs]);
      }
    }
    const p50 = (name: string) => median(times.get(name) ?? []);
    console.log(
      `${act}, ${delayMs} ms: ${[...times.keys()].map((name) => `${name} ${p50(name).toFixed(2)} ms`).join(", ")}`,
    );
    for (const name of Object.keys(who).filter((one) => one !== "marrow"))
      figures[`${act}Vs${name === "redisvl" ? "Redisvl" : "Betterdb"}${delayMs === 0 ? "" : "At1ms"}`] = round(
        p50("marrow") / p50(name),
      );
  }
}

/** A lane of hits measures nothing else. */
async function expectHit(lookup: Promise<{ readonly hit: boolean }>): Promise<void> {
  if (!(await lookup).hit) throw new Error("a question of the bench was no hit");
}

/** Bytes an entry by the growth of the server's memory, allocator's rounding included. */
async function weigh(dimensions: number, profile: "full" | "compact", prose: string): Promise<number> {
  const redis = await connect(server.url, {
    app: `weigh-${dimensions}-${profile}-${prose.length}`,
    commandTimeoutMs: 60_000,
  });
  const cache = createCache<object>(redis.scope("bench"), {
    name: "c",
    embedder: embedderOf(dimensions),
    minSimilarity: 0.9,
    profile,
    timeoutMs: 60_000,
  });
  const used = async () => Number(/used_memory:(\d+)/.exec(String(await redis.send(["INFO", "memory"])))?.[1]);
  const before = await used();
  for (let at = 0; at < WIDE_ENTRIES; at += 1) {
    const start = (at * 997) % (prose.length - 2_048);
    const value = {
      model: "m",
      message: { role: "assistant", content: prose.slice(start, start + 2_048) },
      usage: { prompt_tokens: 12, completion_tokens: 480 },
    };
    await cache.store(
      { prompt: `question number ${at} of the bench, asked as people ask`, tags: [`doc:${at % 100}`] },
      value,
    );
  }
  const bytes = Math.round(((await used()) - before) / WIDE_ENTRIES);
  console.log(
    `${dimensions} numbers, ${profile}, ${prose === english ? "English" : "Markdown"}: ${bytes} bytes an entry`,
  );
  await redis.close();
  return bytes;
}

/** What the compact profile costs in answers: the project's own pairs through a cache of each kind, static embedder, balanced. */
async function compareProfiles(): Promise<Record<string, number>> {
  const redis = await connect(server.url, { app: "profiles" });
  const pairs = readFileSync("test/data/pairs.tsv", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("\t") as [string, string, string, string]);
  const found: Record<string, number> = {};
  for (const profile of ["full", "compact"] as const) {
    const options = { embedder: staticEmbedder(), preset: "balanced" as const, profile, timeoutMs: 60_000 };
    let [right, wrong, positives] = [0, 0, 0];
    for (const [at, [, label, stored, asked]] of pairs.entries()) {
      const cache = createCache<number>(redis.scope("bench"), { ...options, name: profile });
      // One partition for all: each question is looked for among all that were stored before.
      await cache.store({ prompt: stored, context: "pairs" }, at);
      const { hit } = await cache.lookup({ prompt: asked, context: "pairs" }, { tiers: "similar" });
      if (label === "1") positives += 1;
      if (hit && label === "1") right += 1;
      if (hit && label === "0") wrong += 1;
    }
    console.log(`${profile}: ${right} of ${positives} paraphrases served, ${wrong} others`);
    found[`${profile}Recall`] = round(right / positives);
    found[`${profile}Precision`] = round(right / (right + wrong));
  }
  await redis.close();
  return found;
}

function vectorOf(n: number, dimensions: number, near: boolean): Float32Array {
  let state = (n * 2_654_435_761 + 12_345) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const vector = Float32Array.from({ length: dimensions }, next);
  if (near) for (let at = 0; at < dimensions; at += 7) vector[at] = (vector[at] as number) * 0.9;
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Stands between a client and the server, and holds each answer back. */
async function startDelay(path: string, delayMs: number): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = dial(path);
    for (const one of [client, upstream]) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => {});
      one.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => upstream.write(data));
    upstream.on("data", (data) => (delayMs === 0 ? client.write(data) : setTimeout(() => client.write(data), delayMs)));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        for (const one of sockets) one.destroy();
        proxy.close(() => resolve());
      }),
  };
}
