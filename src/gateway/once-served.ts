import { cannotServe } from "../redis/index.ts";

/** Interval of retries while Redis is unavailable, in milliseconds. */
const AGAIN_MS = 1_000;

/**
 * Runs work now, and repeats it until Redis serves it. Resolves after the first try. Other failures than an unavailable Redis reject at the
 * first try, and go to `onError` later.
 */
export async function onceServed(
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): Promise<{ stop(): void }> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const later = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      work().catch((error: unknown) => {
        if (cannotServe(error)) later();
        else onError(error);
      });
    }, AGAIN_MS);
    timer.unref();
  };
  try {
    await work();
  } catch (error) {
    if (!cannotServe(error)) throw error;
    later();
  }
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
