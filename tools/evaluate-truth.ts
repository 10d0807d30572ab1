/**
 * Says how often the similar hits of the cache are right, on labelled questions: each set runs through `createCache` on a real Redis, at
 * each preset, beside the plain cosine of the same embedder.
 *
 *   npm run evaluate:truth -- DIRECTORY [--seed 7] [--only geography,paws] [--minilm DIRECTORY]
 *
 * `stream_*.jsonl`: `{ "text", "key" }` a line, equal keys have equal answers; shuffled by the seed, one half is stored, the other asked.
 * `pairs_*.jsonl`: `{ "a", "b", "label" }` a line, label 1 when one answer serves both; each pair has a partition of its own.
 * Without a directory the sets beside the project are used; where there are none, it says so and ends.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createCache, wilsonLower, type Preset } from "../src/cache/index.ts";
import { cosine, minilmEmbedder, staticEmbedder } from "../src/embedders/index.ts";
import { connect } from "../src/index.ts";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";

const PRESETS: readonly Preset[] = ["strict", "balanced", "aggressive"];
const COSINES = [0.95, 0.9, 0.85];
const IN_FLIGHT = 16;
/** z of an interval at 95 %. */
const Z = 1.96;

interface Asked {
  readonly text: string;
  /** What the stored question must be labelled for a hit to be right. */
  readonly key: string;
  /** Which stored questions it may meet. */
  readonly within: number;
}

interface Questions {
  readonly name: string;
  readonly stored: readonly Asked[];
  readonly asked: readonly Asked[];
  /** Asked questions that a stored one would serve. */
  readonly servable: number;
}

interface Outcome {
  right: number;
  wrong: number;
  exact: number;
  readonly refused: Map<string, number>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "7" }, only: { type: "string" }, minilm: { type: "string" } },
});
const directory = positionals[0] ?? "../shared/data/truth";
if (!existsSync(directory)) {
  console.log(`skipped: ${directory} is not there; name a directory with stream_*.jsonl and pairs_*.jsonl`);
  process.exit(0);
}
const embedder = values.minilm === undefined ? staticEmbedder() : minilmEmbedder({ directory: values.minilm });
const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
if (binary === undefined) throw new Error(HOW_TO_GET_A_SERVER);
const scratch = mkdtempSync(join(tmpdir(), "marrow-truth-"));
const server = await startServer({ binary: binary.path, directory: scratch });
const redis = await connect(server.url, { app: "truth" });
const wanted = values.only?.split(",");
try {
  console.log(
    `embedder ${embedder.id}, seed ${values.seed}; right/wrong similar hits, precision [95 %], served, recall`,
  );
  for (const file of readdirSync(directory).toSorted()) {
    const name = file.replace(/\.jsonl$/, "");
    if (!/^(?:stream|pairs)_.*\.jsonl$/.test(file)) continue;
    if (wanted !== undefined && !wanted.includes(name.replace(/^(?:stream|pairs)_/, ""))) continue;
    await evaluateSet(readSet(name, join(directory, file)));
  }
} finally {
  await redis.close();
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function evaluateSet(set: Questions): Promise<void> {
  console.log(
    `\n${set.name}: ${set.stored.length} stored, ${set.asked.length} asked, ${set.servable} of them servable`,
  );
  for (const preset of PRESETS) {
    const outcome = await askAll(set, preset);
    const refused = [...outcome.refused].toSorted((a, b) => b[1] - a[1]).slice(0, 6);
    print(preset, outcome, set, refused.map(([reason, count]) => `${reason} ${count}`).join(", "));
  }
  const near = await nearestOf(set);
  for (const least of COSINES) {
    const hits = near.filter(({ similarity }) => similarity >= least);
    const right = hits.filter((hit) => hit.right).length;
    print(`cosine ${least}`, { right, wrong: hits.length - right, exact: 0 }, set, "");
  }
}

/** Stores one part and asks the other. A hit is right when both have one key. */
async function askAll(set: Questions, preset: Preset): Promise<Outcome> {
  const cache = createCache<string>(redis.scope(`${set.name}-${preset}`), {
    name: "truth",
    embedder,
    preset,
    timeoutMs: 10_000,
  });
  const outcome: Outcome = { right: 0, wrong: 0, exact: 0, refused: new Map() };
  await eachOf(set.stored, async ({ text, key, within }) => {
    await cache.store({ prompt: text, within }, key);
  });
  await eachOf(set.asked, async ({ text, key, within }) => {
    const found = await cache.lookup({ prompt: text, within });
    if (!found.hit) {
      const reason = found.nearest?.veto ?? "nothing near";
      outcome.refused.set(reason, (outcome.refused.get(reason) ?? 0) + 1);
    } else {
      if (found.match === "exact") outcome.exact += 1;
      if (found.value === key) outcome.right += 1;
      else outcome.wrong += 1;
    }
  });
  await cache.clear();
  return outcome;
}

/** The nearest stored question of each that is asked, by the cosine alone. */
async function nearestOf(set: Questions): Promise<readonly { readonly similarity: number; readonly right: boolean }[]> {
  const embed = async (list: readonly Asked[]) => {
    const vectors: Float32Array[] = [];
    for (let at = 0; at < list.length; at += 256)
      vectors.push(...(await embedder.embed(list.slice(at, at + 256).map(({ text }) => text))));
    return vectors;
  };
  const [stored, asked] = [await embed(set.stored), await embed(set.asked)];
  const isPairs = set.stored.some(({ within }) => within > 0);
  return set.asked.map(({ key }, at) => {
    let [similarity, right] = [-1, false];
    const candidates = isPairs ? [at] : set.stored.keys();
    for (const index of candidates) {
      const near = cosine(asked[at] as Float32Array, stored[index] as Float32Array);
      if (near > similarity) [similarity, right] = [near, set.stored[index]?.key === key];
    }
    return { similarity, right };
  });
}

function print(name: string, { right, wrong, exact }: Omit<Outcome, "refused">, set: Questions, refused: string): void {
  const hits = right + wrong;
  const share = (part: number, whole: number) => (whole === 0 ? "  - " : (part / whole).toFixed(3));
  const interval = `[${wilsonLower(right, hits, Z).toFixed(2)}, ${(1 - wilsonLower(wrong, hits, Z)).toFixed(2)}]`;
  console.log(
    `  ${name.padEnd(11)} ${String(right).padStart(5)}/${String(wrong).padEnd(4)} P ${share(right, hits)} ${hits === 0 ? "" : interval}  ` +
      `served ${share(hits, set.asked.length)}  recall ${share(right, set.servable)}  exact ${exact}${refused === "" ? "" : `  refused: ${refused}`}`,
  );
}

function readSet(name: string, file: string): Questions {
  const rows = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { text?: string; key?: string; a?: string; b?: string; label?: number });
  if (name.startsWith("pairs_")) {
    const pairs = rows.filter((row) => typeof row.a === "string" && typeof row.b === "string");
    return {
      name,
      stored: pairs.map(({ a = "" }, at) => ({ text: a, key: String(at), within: at })),
      asked: pairs.map(({ b = "", label }, at) => ({ text: b, key: label === 1 ? String(at) : "another", within: at })),
      servable: pairs.filter(({ label }) => label === 1).length,
    };
  }
  const texts = shuffled(
    rows.filter((row) => typeof row.text === "string" && typeof row.key === "string"),
    Number(values.seed),
  ).map(({ text = "", key = "" }) => ({ text, key, within: 0 }));
  const [stored, asked] = [texts.slice(0, texts.length >> 1), texts.slice(texts.length >> 1)];
  const keys = new Set(stored.map(({ key }) => key));
  return { name, stored, asked, servable: asked.filter(({ key }) => keys.has(key)).length };
}

/** In an order that the seed decides: Fisher and Yates by a linear congruential generator. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  const result = [...list];
  let state = seed;
  for (let at = result.length - 1; at > 0; at -= 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const other = state % (at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

async function eachOf<T>(list: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < list.length) {
        const at = next;
        next += 1;
        await act(list[at] as T);
      }
    }),
  );
}
