import { MarrowError } from "../../errors.ts";
import { isPlaceless, noPlace } from "../places.ts";

/** One call among those that may be on their way for a request. */
export interface Runner<T> {
  /** Resolves with the outcome; never rejects. */
  readonly outcome: Promise<Outcome<T>>;
  /** The signal that ends the call. */
  readonly signal: AbortSignal;
  /** Gives the call up. */
  cancel(): void;
  /** Ends the call as its bound would. */
  expire(): void;
}

/** Outcome of a call. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/**
 * Runs a call within a bound. The signal that it is given ends with the caller's, with the bound, and when it is cancelled; the bound ends with the
 * outcome, so that a stream goes on after its beginning came.
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
