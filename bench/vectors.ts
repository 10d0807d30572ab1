/**
 * The vector store beside the same commands sent by hand (VSIM, then the payloads: two round trips, as the documents of vector
 * sets show it) on one server, and beside usearch in this process: no network, no server, no payloads, so the floor of what a
 * graph search costs here. Clustered vectors of 256 numbers in 8 bits; recall is against an exact search of the same set.
 * With MARROW_SEARCH_URL: also the FT.* engine beside the commands that a client's documents show for it.
 *
 *   npm run bench:vectors [-- --items 1000000]
 */
import { parseArgs } from "node:util";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createVectors, type Vectors } from "marrow/vectors";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";
import { loadUsearch } from "./support/usearch.ts";

const { values } = parseArgs({ options: { items: { type: "string", default: "50000" } } });
const ITEMS = Number(values.items);
const DIMENSIONS = 256;
const QUERIES = 100;
const ROUNDS = 3;
const BATCH = 1_024;
const CENTRES = Math.max(1, Math.floor(ITEMS / 50));

const attributes = { bucket: "number" } as const;
const options = { dimensions: DIMENSIONS, metric: "cosine", index: "hnsw", attributes, timeoutMs: 60_000 } as const;

const server = await startBenchRedis();
const redis = await connect(server.url, { app: "bench", commandTimeoutMs: 60_000 });
const raw = new Ioredis({ path: server.url.slice("unix://".length) });
const docs = createVectors(redis.scope("bench"), { name: "docs", ...options });

const centres = Array.from({ length: CENTRES }, () => gaussians());
const near = (n: number) => {
  const centre = centres[n % CENTRES] as Float32Array;
  return gaussians().map((value, at) => 0.5 * value + (centre[at] as number));
};

const usearch = await loadUsearch({ dimensions: DIMENSIONS });
const searchUrl = process.env["MARROW_SEARCH_URL"];
const searched =
  searchUrl === undefined
    ? undefined
    : await connect(searchUrl, { app: `bench-${Date.now()}`, commandTimeoutMs: 60_000 });
const ft = searched && createVectors(searched.scope("bench"), { name: "docs", engine: "search", ...options });

let loadMs = 0;
for (let start = 0; start < ITEMS; start += BATCH) {
  const batch = Array.from({ length: Math.min(BATCH, ITEMS - start) }, (_, at) => ({
    id: `item-${start + at}`,
    vector: near(start + at),
    attributes: { bucket: (start + at) % 100 },
    payload: { text: `payload of item ${start + at}` },
  }));
  const beganMs = performance.now();
  await docs.upsert(batch);
  loadMs += performance.now() - beganMs;
  await ft?.upsert(batch);
  usearch?.add(
    start,
    batch.map(({ vector }) => vector),
  );
  if ((start / BATCH) % 50 === 49)
    console.log(`${start + BATCH} items, ${Math.round(((start + BATCH) / loadMs) * 1000)}/s`);
}
const loadPerSecond = ITEMS / (loadMs / 1000);
const info = await docs.info();

const key = "{bench:bench:default}:vectors:docs:";
const idsOf = async (vectors: Vectors<typeof attributes>, vector: Float32Array, more: object = {}) =>
  (await vectors.search({ vector, limit: 10, ...more })).map(({ id }) => id);
const searches: Record<string, (vector: Float32Array) => Promise<string[]>> = {
  marrow: (vector) => idsOf(docs, vector),
  async byHand(vector) {
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    const found = (await raw.call("VSIM", `${key}set`, "FP32", bytes, "WITHSCORES", "COUNT", "10")) as string[];
    const ids = found.filter((_, at) => at % 2 === 0);
    await raw.hmgetBuffer(`${key}items`, ...ids);
    return ids;
  },
  filtered: (vector) => idsOf(docs, vector, { where: { bucket: { lt: 10 } } }),
};
if (usearch !== undefined) searches["usearch"] = async (vector) => usearch.search(vector).map((at) => `item-${at}`);
if (ft !== undefined && searchUrl !== undefined) {
  const client = new Ioredis(searchUrl);
  const index = `${(searched as { app: string }).app}:vectors:float32.${DIMENSIONS}.cosine.hnsw`;
  searches["marrowFt"] = (vector) => idsOf(ft, vector);
  // As the documents of the clients show it: one FT.SEARCH, sorted by the server, payloads returned.
  searches["ftByHand"] = async (vector) => {
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    const query = [
      "*=>[KNN 10 @v $q AS score]",
      "PARAMS",
      "2",
      "q",
      bytes,
      "SORTBY",
      "score",
      "RETURN",
      "2",
      "score",
      "r",
    ];
    const found = (await client.callBuffer(
      "FT.SEARCH",
      index,
      ...query,
      "LIMIT",
      "0",
      "10",
      "DIALECT",
      "2",
    )) as unknown[];
    return idsIn(found);
  };
}

/** Ids of the items in a reply of FT.SEARCH: a list of keys and fields (RESP2), or a map whose `results` have an `id` each (RESP3). */
function idsIn(reply: readonly unknown[]): string[] {
  const at = reply.findIndex((part) => String(part) === "results");
  const keys =
    at === -1
      ? reply.filter((_, nth) => nth % 2 === 1)
      : (reply[at + 1] as readonly unknown[][]).map(([, name]) => name);
  return keys.map((name) => String(name).replace(/^.*:item:/, ""));
}

const times = new Map<string, number[]>();
const recalls = new Map<string, number[]>();
const exactMs: number[] = [];
for (let query = 0; query < QUERIES; query += 1) {
  const vector = near(query * 7);
  const beganMs = performance.now();
  const truth = new Set(await idsOf(docs, vector, { exact: true }));
  exactMs.push(performance.now() - beganMs);
  for (let at = 0; at <= ROUNDS; at += 1) {
    for (const name of (query + at) % 2 === 0 ? Object.keys(searches) : Object.keys(searches).toReversed()) {
      const startMs = performance.now();
      const ids = (await searches[name]?.(vector)) ?? [];
      if (at > 0) times.set(name, [...(times.get(name) ?? []), performance.now() - startMs]);
      if (at === 0 && name !== "filtered")
        recalls.set(name, [...(recalls.get(name) ?? []), ids.filter((id) => truth.has(id)).length / truth.size]);
    }
  }
}

const mean = (list: readonly number[] = []) => list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);
const p50 = (name: string) => median(times.get(name) ?? []);
console.log(
  `${ITEMS} items of ${DIMENSIONS} numbers, loaded at ${loadPerSecond.toFixed(0)}/s, ${info.bytesPerVector} bytes each in the index`,
);
for (const [name, list] of times) {
  const recall = recalls.has(name) ? `, recall@10 ${mean(recalls.get(name)).toFixed(3)}` : "";
  console.log(
    `${name.padEnd(9)} p50 ${median(list).toFixed(2)} ms, p99 ${quantile(list, 0.99).toFixed(2)} ms${recall}`,
  );
}
console.log(`exact     p50 ${median(exactMs).toFixed(2)} ms`);
if (usearch === undefined) console.log("usearch could not be installed here; run without it");
if (searchUrl === undefined) console.log("MARROW_SEARCH_URL is not set; run without FT.*");
const usearchLines =
  usearch === undefined
    ? {}
    : {
        usearchP50Ms: round(p50("usearch")),
        usearchRecallAt10: round(mean(recalls.get("usearch"))),
        searchP50VsUsearch: round(p50("marrow") / p50("usearch")),
      };
console.log(
  JSON.stringify({
    bench: "vectors",
    items: ITEMS,
    bytesPerVector: info.bytesPerVector,
    loadPerSecond: Math.round(loadPerSecond),
    recallAt10: round(mean(recalls.get("marrow"))),
    searchP50Ms: round(p50("marrow")),
    searchP99Ms: round(quantile(times.get("marrow") ?? [], 0.99)),
    searchP50VsByHand: round(p50("marrow") / p50("byHand")),
    exactP50Ms: round(median(exactMs)),
    filteredP50Ms: round(p50("filtered")),
    ...usearchLines,
    ...(ft && { ftSearchP50Ms: round(p50("marrowFt")), ftSearchP50VsByHand: round(p50("marrowFt") / p50("ftByHand")) }),
  }),
);
await ft?.drop();
await server.stop();
process.exit(0);

function gaussians(): Float32Array {
  return Float32Array.from(
    { length: DIMENSIONS },
    () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  );
}
