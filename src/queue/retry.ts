import { knownErrorOf } from "../internal/failure.ts";

/** Decision about a job whose handler failed. */
export interface Verdict {
  /** `again`: retried without using an attempt; `retry`: retried, using one; `dead`: not retried. */
  readonly outcome: "again" | "retry" | "dead";
  /** The error's code, or `failed` for a foreign error. */
  readonly reason: string;
  /** In whole milliseconds. */
  readonly delayMs: number;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;
/** The longest wait that an error may say. */
const SAID_MS_MAX = 604_800_000;
/** Time since its push during which a job waits for a limit without using attempts. */
const PATIENCE_MS = 3_600_000;

/**
 * Decides about a failed attempt. A limit's refusal (`rate_limited`, or a model's 429) sets the delay and uses no attempt for an hour. An
 * error with `retryable` false makes the job dead at once. Any other is retried after its `retryAfterMs`, at most a week, or after 1, 2, 4
 * … seconds, at most 300, of which up to half is random (`random`, 0..1).
 */
export function judge(
  error: unknown,
  { failures, ageMs }: { readonly failures: number; readonly ageMs: number },
  random: number,
): Verdict {
  const known = knownErrorOf(error);
  const reason = known?.code ?? "failed";
  const said: unknown = known?.details?.["retryAfterMs"];
  const limited = reason === "rate_limited" || known?.details?.["status"] === 429;
  const status = Number(known?.details?.["status"] ?? 0);
  // A model that refuses the request will refuse it again.
  const refused = reason === "model_failed" && status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status);
  if (known !== undefined && (!known.retryable || refused)) return { outcome: "dead", reason, delayMs: 0 };
  const delayMs =
    typeof said === "number" && said >= 0 ? Math.ceil(Math.min(said, SAID_MS_MAX)) : retryDelayMs(failures, random);
  return { outcome: limited && ageMs < PATIENCE_MS ? "again" : "retry", reason, delayMs };
}

/** Returns the delay after a number of failures, in milliseconds: 1, 2, 4 … 300 s, of which up to half is random (`random`, 0..1). */
export function retryDelayMs(failures: number, random: number): number {
  const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(30, failures));
  return Math.round(grown * (1 - random / 2));
}
