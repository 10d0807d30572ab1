/**
 * The most tokens of one answer that an endpoint is believed: far beyond any model's, and what they cost at the highest price can still be added
 * up exactly.
 */
const TOKENS_MAX = 1_000_000_000;

/** Whether what an endpoint tells is a count of tokens: a whole number, no more than {@link TOKENS_MAX}. */
export function isTokenCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= TOKENS_MAX;
}
