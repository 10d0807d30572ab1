import { MarrowError } from "../../errors.ts";
import type { Exchange } from "./exchange.ts";

/** What ends a request that waits for another one's answer. */
export interface Ending {
  /** Fires at the request's deadline, and with its signal. */
  readonly signal: AbortSignal | undefined;
  /** Returns the error of a request that was ended: `timeout`, `aborted`. */
  error(this: void): MarrowError;
}

/** Watches the end of a request. */
export function watchEnding({ signal, deadline }: Pick<Exchange, "signal" | "deadline">): Ending {
  const late =
    deadline?.whole === true
      ? AbortSignal.timeout(Math.max(0, Math.ceil(deadline.atMs - performance.now())))
      : undefined;
  const given = [signal, late].filter((one) => one !== undefined);
  return {
    signal: given.length < 2 ? given[0] : AbortSignal.any(given),
    error: () =>
      late?.aborted === true && signal?.aborted !== true
        ? new MarrowError("timeout", "the deadline of the request passed before its answer came")
        : new MarrowError("aborted", "the caller ended the request before its answer came"),
  };
}

/** Yields chunks until the request ends; the rest is not waited for. */
export async function* untilEnded<T>(chunks: AsyncGenerator<T>, { signal, error: toError }: Ending): AsyncGenerator<T> {
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
      if (signal.aborted) throw toError();
      const { done, value } = await nextOrEnd().catch((error: unknown) => {
        throw signal.aborted ? toError() : error;
      });
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", end);
    chunks.return(undefined).catch(() => {});
  }
}
