import { MarrowError } from "../../errors.ts";
import { isPlaceless, noPlace } from "../places.ts";

/** One of the concurrent calls of a request. */
export interface Runner<T> {
  /** Resolves with the outcome; never rejects. */
  readonly outcome: Promise<Outcome<T>>;
  /** Aborts the call. */
  readonly signal: AbortSignal;
  /** Cancels the call. */
  cancel(): void;
  /** Ends the call like its timeout. */
  expire(): void;
}

/** Outcome of a call. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/**
 * Runs a call with a timeout. Its signal aborts with the caller's, at the timeout, and on cancellation; the timeout ends with the outcome,
 * so that a stream continues after it began.
 */
export function run<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Runner<T> {
  const own = new AbortController();
  let late = false;
  const abort = () => own.abort();
  if (signal?.aborted === true) abort();
  else signal?.addEventListener("abort", abort, { once: true });
  const expire = () => {
    late = true;
    abort();
  };
  const timer = setTimeout(expire, timeoutMs);

  async function toOutcome(): Promise<Outcome<T>> {
    try {
      return { ok: true, value: await call(own.signal) };
    } catch (error) {
      signal?.removeEventListener("abort", abort);
      // A call that got no slot in time says nothing about the endpoint.
      const isLate = late && signal?.aborted !== true;
      if (isLate && isPlaceless(error)) return { ok: false, error: noPlace() };
      return { ok: false, error: isLate ? new MarrowError("timeout", TOO_LATE, { cause: error }) : error };
    } finally {
      clearTimeout(timer);
    }
  }

  return { outcome: toOutcome(), signal: own.signal, cancel: abort, expire };
}

const TOO_LATE = "the model's endpoint did not answer in time";
