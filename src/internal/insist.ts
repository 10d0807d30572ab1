const AGAIN_MS = { first: 50, last: 2_000 } as const;

/**
 * Repeats an act until it succeeds, 50 ms to 2 s apart, and reports each failure to `onError`. Returns `undefined` once `isOver` is true.
 * Throws an error that `mayPass` declares permanent.
 */
export async function insist<T>(
  act: () => Promise<T>,
  isOver: () => boolean,
  onError: (error: unknown) => void,
  mayPass: (error: unknown) => boolean,
): Promise<T | undefined> {
  for (let waitMs: number = AGAIN_MS.first; !isOver(); waitMs = Math.min(AGAIN_MS.last, waitMs * 2)) {
    try {
      return await act();
    } catch (error) {
      if (!mayPass(error)) throw error;
      onError(error);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return undefined;
}
