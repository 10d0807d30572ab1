/** Decision about a delivery after an attempt. */
export type Verdict =
  | { readonly outcome: "delivered" }
  /** Retry after this many milliseconds. */
  | { readonly outcome: "retry"; readonly delayMs: number }
  /** No further attempt: all are used up. */
  | { readonly outcome: "failed" }
  /** The receiver wants no more events (410): its endpoint is disabled. */
  | { readonly outcome: "gone" };

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Waits before the second attempt, the third and so on. Source: Standard Webhooks 1.0. */
const WAITS_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
const LONGEST_MS = 24 * HOUR;

/** Attempts of one delivery, over about three days. */
export const ATTEMPTS_MAX: number = WAITS_MS.length + 1;

/**
 * Decides about the `attempt`th attempt (from 1). 2xx is delivered, 410 is gone. Anything else, including 3xx, which is never followed, is
 * retried by the schedule, with up to a tenth of random delay (`random`, 0..1), and not before its `Retry-After`.
 */
export function judgeDelivery(
  { status, retryAfterMs = 0 }: { readonly status: number; readonly retryAfterMs?: number | undefined },
  attempt: number,
  random: number,
): Verdict {
  if (status >= 200 && status < 300) return { outcome: "delivered" };
  if (status === 410) return { outcome: "gone" };
  const wait = WAITS_MS[attempt - 1];
  if (wait === undefined) return { outcome: "failed" };
  const jittered = Math.round(wait * (1 + random / 10));
  return { outcome: "retry", delayMs: Math.max(jittered, Math.min(retryAfterMs, LONGEST_MS)) };
}
