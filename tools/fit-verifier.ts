/**
 * Fits the weights that the cache's verifier ships with, on `tools/data/meanings.txt`, and tells what they are worth on
 * `test/data/pairs.tsv`, which they have not seen.
 *
 *   npm run fit:verifier [-- --minilm DIRECTORY]      writes src/cache/verifier/weights.gen.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { evaluate, fitVerifier, scorePairs, type Logistic } from "../src/cache/index.ts";
import { WEIGHTS } from "../src/cache/verifier/weights.gen.ts";
import { minilmEmbedder, staticEmbedder, type Embedder } from "../src/embedders/index.ts";
import { readMeanings, readPairs } from "./pairs.ts";

const { values } = parseArgs({ options: { minilm: { type: "string" } } });
const embedders: Embedder[] = [staticEmbedder()];
if (values.minilm !== undefined) embedders.push(minilmEmbedder({ directory: values.minilm }));
const training = readMeanings(readFileSync("tools/data/meanings.txt", "utf8"));
const held = readPairs(readFileSync("test/data/pairs.tsv", "utf8"));
const weights: Record<string, Logistic> = { ...WEIGHTS };
for (const embedder of embedders) {
  const fitted = await fitVerifier(training, embedder);
  weights[embedder.id] = fitted;
  console.log(embedder.id, JSON.stringify(evaluate(await scorePairs(held, embedder, fitted))));
}
writeFileSync(
  "src/cache/verifier/weights.gen.ts",
  [
    "// Written by `npm run fit:verifier`. Do not edit.",
    'import type { Logistic } from "./logistic.ts";',
    "",
    "/** Weights by the embedder that they were fitted for. */",
    `export const WEIGHTS: Readonly<Record<string, Logistic>> = ${JSON.stringify(weights)};`,
    "",
  ].join("\n"),
);
