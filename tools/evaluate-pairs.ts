/**
 * Runs labelled pairs through a real gateway, preset by preset: the first question of a pair is asked, then the second one,
 * and a hit of the second is right when the pair's label says so. Each pair has a partition of its own.
 *
 *   npm run evaluate:pairs -- FILE.jsonl        ({"a": …, "b": …, "label": 0 | 1} a line)
 *
 * Without a file it looks for the development set beside the project, and says so and ends when that is absent.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../src/index.ts";
import { staticEmbedder } from "../src/embedders/index.ts";
import { createApiKeys, createGateway } from "../src/gateway/index.ts";
import { demoModel } from "../src/models/index.ts";
import { findServer, HOW_TO_GET_A_SERVER, startServer } from "../src/redis/managed/index.ts";

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly label: 0 | 1;
}

const IN_FLIGHT = 8;
const file = process.argv[2] ?? "../shared/data/pairs_langcache_chatgpt.jsonl";
if (!existsSync(file)) {
  console.log(`skipped: ${file} is not there; name a file of pairs`);
  process.exit(0);
}
const pairs = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Pair);
const positives = pairs.filter(({ label }) => label === 1).length;
const binary = await findServer({ path: process.env["PATH"] ?? "", cacheDirectory: ".cache" });
if (binary === undefined) throw new Error(HOW_TO_GET_A_SERVER);
const directory = mkdtempSync(join(tmpdir(), "marrow-pairs-"));
const server = await startServer({ binary: binary.path, directory });

console.log(`${pairs.length} pairs, ${positives} of them rephrasings`);
const figures: Record<string, { hitRate: number; precision: number; recall: number }> = {};
for (const preset of ["strict", "balanced", "aggressive"] as const) {
  const redis = await connect(server.url, { app: preset });
  const app = createGateway({
    redis,
    models: [demoModel({ firstTokenMs: 0, tokenMs: 0 })],
    embedder: staticEmbedder(),
    config: { logLevel: "silent", cache: { preset }, limits: { enabled: false } },
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const key = await createApiKeys(redis).create({ scope: "pairs", user: "pairs", name: "pairs" });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1/chat/completions`;

  const ask = async (content: string, seed: number): Promise<string | null> => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "demo", seed, messages: [{ role: "user", content }] }),
    });
    await answer.arrayBuffer();
    return answer.headers.get("x-marrow-cache");
  };

  let [hits, right, next] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < pairs.length) {
        const at = next;
        next += 1;
        const { a, b, label } = pairs[at] as Pair;
        await ask(a, at);
        const cache = await ask(b, at);
        if (cache !== "exact" && cache !== "similar") continue;
        hits += 1;
        right += label;
      }
    }),
  );
  figures[preset] = { hitRate: hits / pairs.length, precision: right / hits, recall: right / positives };
  console.log(
    `${preset.padEnd(10)} hit rate ${(hits / pairs.length).toFixed(3)}, precision ${(right / hits).toFixed(3)}, recall ${(right / positives).toFixed(3)}`,
  );
  await app.close();
  await redis.close();
}
await server.stop();
rmSync(directory, { recursive: true, force: true });
console.log(JSON.stringify({ evaluate: "pairs", pairs: pairs.length, ...figures }));
