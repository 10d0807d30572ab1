/** The quality gate: what proofs make of labelled pairs that they were not fitted on. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readPairs } from "../../tools/pairs.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { operateAt } from "./evaluate.ts";
import { isFollowUp } from "./follow-up.ts";
import type { Level } from "./proof/index.ts";
import { scorePairs, type LabelledPair } from "./verifier/fit.ts";
import { WEIGHTS } from "./verifier/weights.gen.ts";

const own = readPairs(readFileSync("test/data/pairs.tsv", "utf8"));
const DEVELOPMENT = "../shared/data/pairs_langcache_chatgpt.jsonl";
const judge = (pairs: readonly LabelledPair[], level: Level) =>
  scorePairs(pairs, staticEmbedder(), WEIGHTS["static-256"], level);

describe("the project's own pairs", () => {
  it("are many, and of every kind", () => {
    expect(own.length).toBeGreaterThanOrEqual(400);
    const kinds = new Set(own.map(({ kind }) => kind));
    for (const kind of ["paraphrase", "polarity", "number", "entity", "direction", "time", "unrelated", "multi-turn"])
      expect(kinds).toContain(kind);
  });

  it("are served as well as promised, preset by preset", async () => {
    const served = async (level: Level) => operateAt(await judge(own, level), Number.MIN_VALUE);
    const [strict, balanced, aggressive] = [
      await served("strict"),
      await served("balanced"),
      await served("aggressive"),
    ];
    expect(strict).toMatchObject({ precision: 1 });
    expect(strict.recall).toBeGreaterThanOrEqual(0.33);
    expect(balanced.precision).toBeGreaterThanOrEqual(0.97);
    expect(balanced.recall).toBeGreaterThanOrEqual(strict.recall);
    expect(aggressive.precision).toBeGreaterThanOrEqual(0.9);
  });

  it("lose few whole questions to being taken for follow-ups", () => {
    const right = own.filter(({ label }) => label === 1);
    const lost = right.filter(({ a, b }) => isFollowUp(a) || isFollowUp(b));
    expect(lost.length / right.length).toBeLessThanOrEqual(0.02);
  });
});

describe.skipIf(!existsSync(DEVELOPMENT))("the development set of 716 pairs", () => {
  it("is served with a recall of .32 at a precision of .99, and .37 balanced", async () => {
    const pairs = readFileSync(DEVELOPMENT, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Partial<LabelledPair>)
      .filter((pair): pair is LabelledPair => pair.a !== undefined && pair.b !== undefined && pair.label !== undefined);
    for (const [level, recall] of [
      ["strict", 0.32],
      ["balanced", 0.37],
    ] as const) {
      const served = operateAt(await judge(pairs, level), Number.MIN_VALUE);
      expect(served.precision).toBeGreaterThanOrEqual(0.99);
      expect(served.recall).toBeGreaterThanOrEqual(recall);
    }
  });
});
