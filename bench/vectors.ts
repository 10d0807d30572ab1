/**
 * The vector store beside the same commands sent by hand (VSIM, then the payloads: two round trips, as the documents of vector
 * sets show it), on one server. Clustered vectors of 256 numbers; recall is against an exact search of the same set.
 *
 *   npm run bench:vectors [-- --items 50000]
 */
import { parseArgs } from "node:util";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createVectors } from "marrow/vectors";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const { values } = parseArgs({ options: { items: { type: "string", default: "50000" } } });
const ITEMS = Number(values.items);
const DIMENSIONS = 256;
const QUERIES = 300;
const ROUNDS = 3;
const CENTRES = Math.max(1, Math.floor(ITEMS / 50));

const server = await startBenchRedis();
const redis = await connect(server.url, { app: "bench", commandTimeoutMs: 60_000 });
const raw = new Ioredis({ path: server.url.slice("unix://".length) });
const options = {
  dimensions: DIMENSIONS,
  metric: "cosine",
  attributes: { bucket: "number" },
  timeoutMs: 60_000,
} as const;
const docs = createVectors(redis.scope("bench"), { name: "docs", index: "hnsw", ...options });

const centres = Array.from({ length: CENTRES }, () => gaussians());
const near = (n: number) => {
  const centre = centres[n % CENTRES] as Float32Array;
  return gaussians().map((value, at) => 0.5 * value + (centre[at] as number));
};

const startMs = performance.now();
for (let start = 0; start < ITEMS; start += 512) {
  const batch = Array.from({ length: Math.min(512, ITEMS - start) }, (_, at) => ({
    id: `item-${start + at}`,
    vector: near(start + at),
    attributes: { bucket: (start + at) % 100 },
    payload: { text: `payload of item ${start + at}` },
  }));
  await docs.upsert(batch);
}
const loadPerSecond = ITEMS / ((performance.now() - startMs) / 1000);
const info = await docs.info();

const key = "{bench:bench:default}:vectors:docs:";
const searches: Readonly<Record<string, (vector: Float32Array) => Promise<string[]>>> = {
  marrow: async (vector) => (await docs.search({ vector, limit: 10 })).map(({ id }) => id),
  byHand: async (vector) => {
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    const found = (await raw.call("VSIM", `${key}set`, "FP32", bytes, "WITHSCORES", "COUNT", "10")) as string[];
    const ids = found.filter((_, at) => at % 2 === 0);
    await raw.hmgetBuffer(`${key}items`, ...ids);
    return ids;
  },
  exact: async (vector) => (await docs.search({ vector, limit: 10, exact: true })).map(({ id }) => id),
  filtered: async (vector) =>
    (await docs.search({ vector, limit: 10, where: { bucket: { lt: 10 } } })).map(({ id }) => id),
};

const times = new Map<string, number[]>();
let [found, wanted] = [0, 0];
for (let at = -1; at < ROUNDS; at += 1) {
  for (let query = 0; query < QUERIES; query += 1) {
    const vector = near(query);
    const answers = new Map<string, string[]>();
    for (const name of query % 2 === 0 ? Object.keys(searches) : Object.keys(searches).toReversed()) {
      const beganMs = performance.now();
      answers.set(name, (await searches[name]?.(vector)) ?? []);
      if (at >= 0) times.set(name, [...(times.get(name) ?? []), performance.now() - beganMs]);
    }
    const truth = new Set(answers.get("exact"));
    found += (answers.get("marrow") ?? []).filter((id) => truth.has(id)).length;
    wanted += truth.size;
  }
}

console.log(
  `${ITEMS} items of ${DIMENSIONS} numbers, loaded at ${loadPerSecond.toFixed(0)}/s, ${info.bytesPerVector} bytes each in the index`,
);
for (const [name, list] of times) {
  console.log(`${name.padEnd(9)} p50 ${median(list).toFixed(2)} ms, p99 ${quantile(list, 0.99).toFixed(2)} ms`);
}
const p50 = (name: string) => median(times.get(name) ?? []);
console.log(
  JSON.stringify({
    bench: "vectors",
    items: ITEMS,
    bytesPerVector: info.bytesPerVector,
    loadPerSecond: Math.round(loadPerSecond),
    recallAt10: round(found / wanted),
    searchP50Ms: round(p50("marrow")),
    searchP50VsByHand: round(p50("marrow") / p50("byHand")),
    exactP50Ms: round(p50("exact")),
    filteredP50Ms: round(p50("filtered")),
  }),
);
await server.stop();
process.exit(0);

function gaussians(): Float32Array {
  return Float32Array.from(
    { length: DIMENSIONS },
    () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  );
}
