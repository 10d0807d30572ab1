import { MarrowError } from "../errors.ts";
import { verdictOf } from "../redis/index.ts";

/**
 * Whether an error means that the cache cannot help, rather than that its caller was wrong: whatever Redis answered, now or for good, an
 * answer without the cache is better than none.
 */
export function isAway(error: unknown): boolean {
  return verdictOf(error) !== undefined || MarrowError.is(error, "embedder_failed");
}

/** What some work comes to, or `undefined` after telling of it when Redis or the embedder is away; other errors pass. */
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
