import { MarrowError } from "../errors.ts";

const AWAY = new Set<string>([
  "unavailable",
  "timeout",
  "redis_full",
  "redis_denied",
  "redis_rejected",
  "unsupported",
  "embedder_failed",
]);

/** Whether an error means that the cache cannot help now, rather than that it was called wrongly. */
export function isAway(error: unknown): boolean {
  return MarrowError.is(error) && AWAY.has(error.code);
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
