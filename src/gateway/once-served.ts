import { cannotServe } from "../redis/index.ts";

/** How often work that needs Redis is tried while Redis is away, in milliseconds. */
const AGAIN_MS = 1_000;

/**
 * Does some work now, or again and again until Redis serves it. Resolves after the first try; what fails for another reason than Redis being
 * away rejects at the first try, and is told to `onError` later.
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
