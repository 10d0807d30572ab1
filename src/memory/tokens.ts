import { isLarge, jsonPieces, sizeOf } from "../internal/json-pieces.ts";
import { isWords, type LongText } from "../internal/long-text.ts";
import { isAbsentPackage } from "../internal/optional-package.ts";
import { estimateText, mediaTokens } from "../internal/token-estimate.ts";
import type { Turn } from "./turn.ts";

/** Returns the tokens of a turn in a request. */
export type CountTokens = (turn: Turn) => number;

/** Tokens that each turn takes beside its words: its role and its ends, in OpenAI's chat format. */
const TOKENS_A_TURN = 3;

/** Characters of a turn that are counted; a longer one is taken to go on as it began. */
const COUNTED_CHARS_MAX = 16_384;
/** A run of so many characters without a break is cut: the encoding's merges take quadratic time in the length of a run. */
const LONG_RUN = /\S{64}|\s{64}/gu;

let loading: Promise<CountTokens> | undefined;

/**
 * Counts turns in OpenAI's encoding o200k_base: the role, all text of the content, names, tool calls as JSON, and three tokens per turn.
 * Images, audio and documents have a fixed count by kind, whatever their size.
 *
 * Exact for turns of up to 16,384 characters without a run of 64 letters or blanks. Longer ones are estimated from their beginning, and
 * long runs are counted in pieces. The table is loaded once per process at the first call (about 0.2 s), from the optional package
 * `gpt-tokenizer`. Without that package all texts are estimated by their script.
 */
export function loadCountTokens(): Promise<CountTokens> {
  return (loading ??= loadTable().then(
    (count) => (turn) => TOKENS_A_TURN + mediaOf(turn.content) + estimate(textOf(turn), count),
  ));
}

async function loadTable(): Promise<(text: string) => number> {
  try {
    const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
    return (text) => countTokens(text, { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() });
  } catch (error) {
    if (isAbsentPackage(error, "gpt-tokenizer")) return estimateText;
    throw error;
  }
}

function estimate({ begin, chars }: Sample, count: (text: string) => number): number {
  const counted = begin.length < chars ? begin.toWellFormed() : begin;
  let tokens = 0;
  let start = 0;
  for (const run of counted.matchAll(LONG_RUN)) {
    const end = run.index + run[0].length;
    tokens += count(counted.slice(start, end));
    start = end;
  }
  tokens += count(counted.slice(start));
  return Math.ceil(tokens * (chars / Math.max(1, counted.length)));
}

/** The begin of a text, up to {@link COUNTED_CHARS_MAX} characters, and how many all of it has: no copy of a long text is made. */
interface Sample {
  readonly begin: string;
  readonly chars: number;
}

/** Returns the text of a turn that a model reads; the `item` field repeats it and is skipped. */
function textOf({ role, content, item: _, ...rest }: Turn): Sample {
  let [begin, chars] = ["", 0];
  const add = (text: string | LongText) => {
    const left = COUNTED_CHARS_MAX - begin.length;
    if (left > 0) begin += String(text.slice(0, left));
    chars += text.length;
  };
  /** Adds the JSON of a value: of a large one, as much as is counted, and its size, about. */
  const addJson = (value: unknown) => {
    if (!isLarge(value)) return add(JSON.stringify(value) ?? "");
    const [before, size] = [chars, sizeOf(value)];
    for (const piece of jsonPieces(value)) {
      add(piece);
      if (begin.length === COUNTED_CHARS_MAX) break;
    }
    chars = before + size;
  };

  add(`${role}\n`);
  if (isWords(content)) add(content);
  else if (Array.isArray(content))
    for (const [at, part] of (content as readonly ({ readonly text?: unknown } | string | null)[]).entries()) {
      if (at > 0) add("\n");
      if (typeof part === "string") add(part);
      else if (isWords(part?.text)) add(part.text);
      else if (!isMedia(part)) addJson(part);
    }
  else if (content !== undefined && content !== null) addJson(content);
  if (Object.keys(rest).length > 0) addJson(rest);
  return { begin, chars };
}

function isMedia(part: unknown): boolean {
  return (
    typeof part === "object" && part !== null && mediaTokens(part as Readonly<Record<string, unknown>>) !== undefined
  );
}

/** Flat tokens of everything in a content that is no text. */
function mediaOf(content: unknown): number {
  if (!Array.isArray(content)) return 0;
  return content.filter(isMedia).reduce<number>((sum, part) => sum + (mediaTokens(part as object as never) ?? 0), 0);
}
