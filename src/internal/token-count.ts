/** Largest plausible token count of one answer: far beyond any model's, and its cost at the highest price can still be added exactly. */
const TOKENS_MAX = 1_000_000_000;

/** Returns true for a valid token count: an integer of at most {@link TOKENS_MAX}. */
export function isTokenCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= TOKENS_MAX;
}
