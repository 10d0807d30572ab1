import type { ChatRequest } from "../models/index.ts";

/** Estimated tokens of an answer if the request sets no bound. */
const ANSWER_TOKENS_GUESS = 256;

/** Returns the tokens that an answer may have: the request's bound, or an estimate. */
export function boundOf({ max_completion_tokens: most, max_tokens: mostOld }: ChatRequest): number {
  const bound = [most, mostOld].find((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0);
  return bound ?? ANSWER_TOKENS_GUESS;
}
