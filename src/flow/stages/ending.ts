import { MarrowError } from "../../errors.ts";
import type { Exchange } from "./exchange.ts";

/** What ends a request that waits for another one's answer. */
export interface Ending {
  /** Fires at the request's deadline, and with its signal. */
  readonly signal: AbortSignal | undefined;
  /** The error of a request that was ended. @throws MarrowError `timeout`, `aborted` */
  fail(this: void): never;
}

/** Watches the end of a follower's request; that of a leader is watched where its model is called. */
export function watchEnding({ signal, deadline }: Pick<Exchange, "signal" | "deadline">): Ending {
  const late =
    deadline?.whole === true
      ? AbortSignal.timeout(Math.max(0, Math.ceil(deadline.atMs - performance.now())))
      : undefined;
  const given = [signal, late].filter((one) => one !== undefined);
  return {
    signal: given.length === 0 ? undefined : AbortSignal.any(given),
    fail() {
      if (late?.aborted === true && signal?.aborted !== true)
        throw new MarrowError("timeout", "the deadline of the request passed before its answer came");
      throw new MarrowError("aborted", "the caller ended the request before its answer came");
    },
  };
}

/** Yields chunks until the request ends; the rest is not waited for. */
export async function* untilEnded<T>(chunks: AsyncGenerator<T>, { signal, fail }: Ending): AsyncGenerator<T> {
  if (signal === undefined) {
    yield* chunks;
    return;
  }
  // Of the chunk that is waited for: a promise for all of them would keep them all.
  let waiting: ((reason: unknown) => void) | undefined;
  const end = () => waiting?.(signal.reason);
  const nextOrEnd = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      waiting = reject;
      chunks.next().then(resolve, reject);
    });
  signal.addEventListener("abort", end, { once: true });
  try {
    for (;;) {
      if (signal.aborted) fail();
      const { done, value } = await nextOrEnd().catch((error: unknown) =>
        signal.aborted ? fail() : Promise.reject(error),
      );
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", end);
    chunks.return(undefined).catch(() => {});
  }
}
