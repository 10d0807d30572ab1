import { MarrowError } from "../errors.ts";
import { verdictOf } from "../redis/index.ts";

/**
 * Returns true for an error that means the cache is unavailable rather than the caller wrong. An answer without the cache is then better
 * than none.
 */
export function isAway(error: unknown): boolean {
  return verdictOf(error) !== undefined || MarrowError.is(error, "embedder_failed");
}

/** Awaits work. If Redis or the embedder is unavailable, reports that and returns `undefined`; other errors are thrown. */
export async function unlessAway<T>(
  work: Promise<T> | undefined,
  onAway: (error: unknown) => void = () => {},
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!isAway(error)) throw error;
    onAway(error);
    return undefined;
  }
}
