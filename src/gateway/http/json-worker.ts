import { MarrowError, type ErrorCode } from "../../errors.ts";
import { checkJsonBudget, type JsonBudget } from "../../internal/json-budget.ts";
import type { Unfilled } from "../../internal/exact-json.ts";
import { endOfCharacter } from "../../internal/whole-character.ts";
import { readUnfilled } from "./json.ts";

/** A body to parse. */
export interface JsonTask {
  readonly bytes: Uint8Array;
  readonly budget: JsonBudget;
}

/** The parsed body, or its refusal. */
export type JsonResult =
  | (Unfilled & { readonly texts: readonly CutText[] })
  | {
      readonly refused: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly details: Readonly<Record<string, unknown>> | undefined;
      };
    };

/** A long string of a body, and its field or place in a list. */
export interface CutText {
  readonly holder: Record<string, unknown>;
  readonly name: string;
  readonly pieces: readonly string[];
}

/** Longer strings are sent in pieces, in characters: the other thread would need fresh memory for one string, which takes long to touch. */
const PIECE_CHARS = 32_768;

/** Parses a body within its bounds. Runs in a worker thread. */
export function readInThread({ bytes, budget }: JsonTask): JsonResult {
  try {
    checkJsonBudget(bytes, budget);
    const read = readUnfilled(bytes);
    return { ...read, texts: cutTexts(read.value) };
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return { refused: { code: error.code, message: error.message, details: error.details } };
  }
}

/** Takes the long strings out of a value, and leaves empty ones in their places. */
function cutTexts(value: unknown): readonly CutText[] {
  const texts: CutText[] = [];
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    const holder = next as Record<string, unknown>;
    for (const name of Object.keys(holder)) {
      const part = holder[name];
      if (typeof part === "object") open.push(part);
      if (typeof part !== "string" || part.length <= PIECE_CHARS) continue;
      texts.push({ holder, name, pieces: cut(part) });
      holder[name] = "";
    }
  }
  return texts;
}

function cut(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const end = endOfCharacter(text, Math.min(text.length, from + PIECE_CHARS));
    pieces.push(text.slice(from, end));
    from = end;
  }
  return pieces;
}
