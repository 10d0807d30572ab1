import { readFileSync, writeFileSync } from "node:fs";
import {
  evaluate,
  fitVerifier,
  operateAt,
  PRESETS,
  scorePairs,
  SHIPPED_WEIGHTS,
  type LabelledPair,
  type Logistic,
  type Preset,
} from "../cache/index.ts";
import { minilmEmbedder, staticEmbedder, type Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { ownField } from "../internal/fields.ts";
import type { Given } from "./command.ts";
import { usageError } from "./read-command.ts";

/** Part of the pairs that a fit or a threshold does not see, to be judged by: one of so many. */
const HELD_OUT = 5;

/**
 * Runs `marrow cache evaluate | tune | fit`: evaluates the cache on labelled pairs, offline. One pair per line: `{"a", "b", "label"}`,
 * label 1 if one answer may serve both.
 */
export async function runPairs({ act, text }: Given): Promise<number> {
  const minilm = text("minilm");
  const embedder = minilm === undefined ? staticEmbedder() : minilmEmbedder({ directory: minilm });
  const pairs = readPairs(text("pairs") ?? "");
  if (act === "fit") return fitTo(pairs, embedder, text("out"));
  const verifier = text("score") === "cosine" ? undefined : readWeights(text("weights"), embedder);
  if (act === "evaluate") {
    // A preset serves everything that it proves, that is, any score above 0.
    const figures = new Map<Preset, unknown>();
    for (const preset of PRESETS) {
      const proven = await scorePairs(pairs, embedder, verifier, preset);
      figures.set(preset, { ...operateAt(proven, Number.MIN_VALUE), threshold: 0, byScore: evaluate(proven) });
    }
    print({ pairs: pairs.length, ...Object.fromEntries(figures) });
  } else {
    const judged = await scorePairs(pairs, embedder, verifier, text("preset") as Preset);
    const target = Number(text("target"));
    if (!(target > 0.5 && target < 1))
      throw usageError(
        `--target must be a number between 0.5 and 1, got ${JSON.stringify(text("target")?.slice(0, 60))}`,
        "target",
      );
    // The threshold is chosen on one half and evaluated on the other: on its own pairs any threshold looks good.
    const [chosenOn, judgedOn] = [judged.filter((_, at) => at % 2 === 0), judged.filter((_, at) => at % 2 === 1)];
    const thresholds = [...new Set(chosenOn.map(({ score }) => score))].filter((score) => score > 0);
    const good = thresholds
      .map((threshold) => operateAt(chosenOn, threshold))
      .filter(({ precision }) => precision >= target)
      .toSorted((a, b) => b.hitRate - a.hitRate)[0];
    print({
      target,
      minScore: good?.threshold ?? null,
      chosenOn: good ?? null,
      heldOut: good?.threshold === undefined ? null : operateAt(judgedOn, good.threshold),
    });
  }
  return 0;
}

async function fitTo(pairs: readonly LabelledPair[], embedder: Embedder, out: string | undefined): Promise<number> {
  const held = pairs.filter((_, at) => at % HELD_OUT === 0);
  const seen = pairs.filter((_, at) => at % HELD_OUT !== 0);
  const trial = await fitVerifier(seen, embedder);
  const [fitted, shipped] = [trial, ownField(SHIPPED_WEIGHTS, embedder.id)];
  const weights = await fitVerifier(pairs, embedder);
  print({
    pairs: pairs.length,
    heldOut: evaluate(await scorePairs(held, embedder, fitted)),
    shippedOnHeldOut: shipped === undefined ? null : evaluate(await scorePairs(held, embedder, shipped)),
    ...(out === undefined && { weights }),
  });
  if (out !== undefined) writeFileSync(out, `${JSON.stringify({ embedder: embedder.fingerprint, ...weights })}\n`);
  return 0;
}

function readPairs(file: string): LabelledPair[] {
  const lines = readText("pairs", file).split("\n");
  return lines.flatMap((line, at): LabelledPair[] => {
    if (line.trim() === "") return [];
    const pair = parse(line) as Partial<LabelledPair> | undefined;
    if (typeof pair?.a !== "string" || typeof pair.b !== "string" || (pair.label !== 0 && pair.label !== 1))
      throw new MarrowError("invalid_input", `line ${at + 1} must be {"a": text, "b": text, "label": 0 or 1}`, {
        details: { line: at + 1 },
      });
    return [{ a: pair.a, b: pair.b, label: pair.label }];
  });
}

function readWeights(file: string | undefined, embedder: Embedder): Logistic {
  if (file === undefined) {
    const shipped = ownField(SHIPPED_WEIGHTS, embedder.id);
    if (shipped === undefined)
      throw usageError("no weights are included for this embedder: pass --weights FILE, or --score cosine", "weights");
    return shipped;
  }
  const { embedder: fingerprint, ...weights } = (parse(readText("weights", file)) ?? {}) as Logistic & {
    embedder?: string;
  };
  if (fingerprint !== embedder.fingerprint)
    throw new MarrowError("conflict", "the weights were fitted for another embedder", {
      details: { stored: fingerprint },
    });
  return weights;
}

function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    throw new MarrowError("invalid_option", `--${flag} must be a file that can be read (${code})`, {
      cause,
      details: { path: flag },
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function print(value: unknown): void {
  console.log(
    JSON.stringify(value, (_, one: unknown) => (typeof one === "number" ? Number(one.toPrecision(4)) : one), 2),
  );
}
