import type { ChatRequest } from "../models/index.ts";

/** Characters of English text in one token, about. */
const CHARS_PER_TOKEN = 4;
/** Tokens of an answer when the request sets no bound. */
const ANSWER_TOKENS_GUESS = 256;

/** Tokens that an answer may have: the request's bound, or a guess. */
export function boundOf({ max_completion_tokens: most, max_tokens: mostOld }: ChatRequest): number {
  const bound = [most, mostOld].find((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0);
  return bound ?? ANSWER_TOKENS_GUESS;
}

/** Tokens of everything written in a value, about. */
export function estimateText(value: unknown): number {
  return Math.ceil(charsOf(value) / CHARS_PER_TOKEN);
}

function charsOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, part) => sum + charsOf(part), 0);
}
