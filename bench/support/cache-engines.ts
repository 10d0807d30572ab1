import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { connect } from "marrow";
import { createCache } from "marrow/cache";
import type { Embedder } from "marrow/embedders";
import { createVectors } from "marrow/vectors";
import { rephrasedQuestion, storedQuestion } from "./rephrasing.ts";
import { median, round } from "./statistics.ts";

const DIMENSIONS = 256;
const ENTRIES = 10_000;
const MANY = 100_000;
/** Hits before those that count, and those that count, of each engine. */
const [WARM, ROUNDS] = [1_000, 400];
const AT_ONCE = 64;

/** What the bench of one engine needs. */
export interface EngineBench {
  readonly engine: "local" | "search";
  /** A Redis 8 for vector sets and the local engine; for search commands a server of the caller's. */
  readonly setsUrl: string;
  readonly searchUrl: string | undefined;
  readonly embedder: Embedder;
  readonly vectorOf: (at: number, near: boolean) => Float32Array;
}

/**
 * A similar hit of the cache over one engine beside vector sets, 10,000 questions each; for `local` also a search among 100,000 items,
 * and what a row takes in the process.
 */
export async function compareEngines(bench: EngineBench): Promise<Record<string, number>> {
  const { engine, setsUrl, searchUrl, embedder, vectorOf } = bench;
  if (engine === "search" && searchUrl === undefined)
    throw new Error("bench:cache -- --engine search needs a server with FT.*: set MARROW_SEARCH_URL");
  const figures: Record<string, number> = {};
  const hits: (() => Promise<void>)[] = [];
  const closers: (() => Promise<void>)[] = [];
  const engines = ["vectorset", engine] as const;
  const times: Record<string, number[]> = {};
  for (const one of engines) {
    const url = one === "search" ? (searchUrl ?? "") : setsUrl;
    const redis = await connect(url, { app: `bench-${one}`, commandTimeoutMs: 60_000 });
    closers.push(() => redis.close());
    const cache = createCache<string>(redis.scope("bench"), {
      name: "c",
      embedder,
      engine: one,
      minSimilarity: 0.9,
      timeoutMs: 60_000,
    });
    const before = await usedMemory(redis);
    await inParts(ENTRIES, (at) => cache.store(storedQuestion(at), `answer ${at}`));
    figures[`${one}BytesInRedis`] = Math.round(((await usedMemory(redis)) - before) / ENTRIES);
    const mine: number[] = (times[one] = []);
    let at = 0;
    hits.push(async () => {
      at = (at + 7) % ENTRIES;
      const beganMs = performance.now();
      const { hit } = await cache.lookup(rephrasedQuestion(at));
      // Vector sets are approximate, and random vectors are the hardest for them: some are not found.
      if (hit) mine.push(performance.now() - beganMs);
    });
  }
  // In turns, so that what else the machine does meets both; the first ones compile and fill the copy.
  for (let turn = 0; turn < WARM + ROUNDS; turn += 1) for (const hit of hits) await hit();
  for (const one of engines) {
    const mine = times[one] ?? [];
    if (mine.length < 0.8 * (WARM + ROUNDS))
      throw new Error(`${one}: only ${mine.length} rephrased questions were hits`);
    figures[`${one}SimilarHitMs`] = round(median(mine.slice(-ROUNDS)));
  }
  for (const close of closers) await close();
  if (engine === "local") Object.assign(figures, await searchMany(setsUrl, vectorOf));
  return figures;
}

async function searchMany(url: string, vectorOf: EngineBench["vectorOf"]): Promise<Record<string, number>> {
  const open = async () => {
    const redis = await connect(url, { app: "bench-many", commandTimeoutMs: 60_000 });
    const docs = createVectors(redis.scope("bench"), {
      name: "d",
      dimensions: DIMENSIONS,
      metric: "cosine",
      index: "flat",
      engine: "local",
      mirrorMax: MANY,
      timeoutMs: 60_000,
    });
    return { redis, docs };
  };
  const writer = await open();
  await inParts(MANY / 16, (part) =>
    writer.docs.upsert(
      Array.from({ length: 16 }, (_, at) => ({ id: `i${part * 16 + at}`, vector: vectorOf(part * 16 + at, false) })),
    ),
  );
  await writer.redis.close();
  // The searching process is another one, as far as memory goes: its connection begins without a copy.
  const { redis, docs } = await open();
  const before = await usedByProcess();
  await docs.search({ vector: vectorOf(1, true), limit: 1 });
  const after = await usedByProcess();
  const p50 = await timed((at) => docs.search({ vector: vectorOf(at, true), limit: 1 }));
  await redis.close();
  return { localSearchMsAt100k: round(p50), localBytesInProcess: Math.round((after - before) / MANY) };
}

/** What the process holds after full collections, in bytes: V8's heap, and what lies beside it (buffers, memories of WebAssembly). */
async function usedByProcess(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let turn = 0; turn < 3; turn += 1) {
    collect();
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function timed(act: (at: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let at = -20; at < ROUNDS; at += 1) {
    const beganMs = performance.now();
    await act(Math.abs(at * 7));
    if (at >= 0) times.push(performance.now() - beganMs);
  }
  return median(times);
}

async function inParts(count: number, act: (at: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => act(from + at)));
}

async function usedMemory(redis: { send(command: readonly string[]): Promise<unknown> }): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.send(["INFO", "memory"])))?.[1]);
}
