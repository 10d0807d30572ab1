import type { ChatRequest } from "../models/index.ts";

/** Tokens of an answer when the request sets no bound. */
const ANSWER_TOKENS_GUESS = 256;

/** Tokens that an answer may have: the request's bound, or a guess. */
export function boundOf({ max_completion_tokens: most, max_tokens: mostOld }: ChatRequest): number {
  const bound = [most, mostOld].find((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0);
  return bound ?? ANSWER_TOKENS_GUESS;
}

/** Characters of a value as JSON, about: what reading and writing it costs. Linear. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return CHARS_PER_VALUE;
  let chars = CHARS_PER_VALUE;
  for (const [name, part] of Object.entries(value)) chars += name.length + sizeOf(part);
  return chars;
}

/** A number or a truth value with what stands around it. */
const CHARS_PER_VALUE = 8;
