/** The quality gate: what the built-in embedder, the guard and the shipped verifier make of labelled pairs that they were not fitted on. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readPairs } from "../../tools/pairs.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { evaluate, operateAt } from "./evaluate.ts";
import { findVeto } from "./guard.ts";
import { isFollowUp } from "./follow-up.ts";
import { scorePairs, type LabelledPair } from "./verifier/fit.ts";
import { WEIGHTS } from "./verifier/weights.gen.ts";

const own = readPairs(readFileSync("test/data/pairs.tsv", "utf8"));
const DEVELOPMENT = "../shared/data/pairs_langcache_chatgpt.jsonl";
const judge = (pairs: readonly LabelledPair[]) => scorePairs(pairs, staticEmbedder(), WEIGHTS["static-256"]);

describe("the project's own pairs", () => {
  it("are many, and of every kind", () => {
    expect(own.length).toBeGreaterThanOrEqual(400);
    const kinds = new Set(own.map(({ kind }) => kind));
    for (const kind of ["paraphrase", "polarity", "number", "entity", "direction", "time", "unrelated", "multi-turn"])
      expect(kinds).toContain(kind);
  });

  it("are served as well as promised, preset by preset", async () => {
    const judged = await judge(own);
    const { at } = evaluate(judged);
    expect(at["0.97"].recall).toBeGreaterThanOrEqual(0.75);
    expect(operateAt(judged, 0.85)).toMatchObject({ precision: 1 });
    expect(operateAt(judged, 0.65).precision).toBeGreaterThanOrEqual(0.99);
    expect(operateAt(judged, 0.5).precision).toBeGreaterThanOrEqual(0.97);
  });

  it("lose few of the right ones to a veto", () => {
    const right = own.filter(({ label }) => label === 1);
    const vetoed = right.filter(({ a, b }) => isFollowUp(a) || isFollowUp(b) || findVeto(a, b) !== undefined);
    expect(vetoed.length / right.length).toBeLessThanOrEqual(0.05);
  });
});

describe.skipIf(!existsSync(DEVELOPMENT))("the development set of 716 pairs", () => {
  it("is served with a recall of .50 at a precision of .97, and .65 at .95", async () => {
    const pairs = readFileSync(DEVELOPMENT, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as LabelledPair);
    const { at } = evaluate(await judge(pairs));
    expect(at["0.97"].recall).toBeGreaterThanOrEqual(0.5);
    expect(at["0.95"].recall).toBeGreaterThanOrEqual(0.65);
  });
});
