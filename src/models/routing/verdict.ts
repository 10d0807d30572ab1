import { MarrowError } from "../../errors.ts";

/**
 * Kind of a failed call.
 *
 * - `client`: the request is wrong for every upstream. `aborted`: the caller gave up. `context`: this model's context window is full.
 * - `limited`: a limit of the upstream. `refused`: the upstream does not accept this gateway or does not have its model.
 * - `failed`: it is down, silent, overloaded, or its answer is invalid. `uncarried`: its API lacks a field of the request.
 */
export type FailureKind = "client" | "aborted" | "context" | "limited" | "refused" | "failed" | "uncarried";

/** Classification of a failed call. */
export interface Verdict {
  readonly kind: FailureKind;
  /** Whether another upstream may be called instead. */
  readonly elsewhere: boolean;
  /** Whether the same upstream may answer the same request a moment later. */
  readonly again: boolean;
  /** Whether it counts against the upstream's health. */
  readonly counts: boolean;
  /** Whether nothing was sent to the upstream: it is skipped, which does not count as an attempt. */
  readonly isUnsent?: boolean | undefined;
  /** Time until the upstream may be called again, as it said. */
  readonly afterMs?: number | undefined;
}

const STOP = { elsewhere: false, again: false, counts: false } as const;
/** Phrases and codes by which providers report a full context window, which a client can fix by sending less. */
const CONTEXT =
  /context[_ -]?(?:length|window|size|limit)|maximum context|max(?:imum)? (?:allowed )?(?:input )?(?:prompt|tokens?) (?:length|limit)|max(?:imum)? (?:allowed )?(?:input )?tokens? |range of input length|(?:prompt|input|request|messages?)[^.]{0,40} (?:is|are|was) too (?:long|large)|too many (?:input )?tokens|(?:token|input)[^.]{0,40}exceed|exceed[^.]{0,60}(?:token|context)|max_new_tokens|reduce the length/i;
/** The gateway's key is invalid, reported as an error of the request. */
const KEY =
  /\bapi[ _-]?key (?:not valid|not found|expired|(?:is|was) (?:invalid|not valid|expired))|\binvalid api[ _-]?key\b/i;
/** Statuses after which the same request may succeed a moment later. */
const LATER = new Set([408, 409, 423, 425, 429, 499]);
/** Statuses that are the fault of the gateway or its operator: keys, payment, a model that is not deployed, a wrong path. */
const OPERATOR = new Set([401, 402, 403, 404, 405, 407, 410]);

/** Classifies a failed call of a model. */
export function judgeFailure(error: unknown): Verdict {
  if (!MarrowError.is(error)) return { kind: "client", ...STOP };
  const { code, details } = error;
  if (code === "aborted") return { kind: "aborted", ...STOP };
  const after = details?.["retryAfterMs"];
  const afterMs = typeof after === "number" ? after : undefined;
  // A closed lane, or no free place.
  if (code === "rate_limited")
    return { kind: "limited", elsewhere: true, again: true, counts: false, isUnsent: true, afterMs };
  // The translation to the upstream's API ended it: another kind of upstream may take the request.
  if (code === "invalid_input")
    return { kind: "uncarried", elsewhere: true, again: false, counts: false, isUnsent: true };
  if (code === "timeout") return { kind: "failed", elsewhere: true, again: true, counts: true };
  if (code !== "model_failed") return { kind: "client", ...STOP };
  // A lane that is closed because the upstream is overloaded.
  if (details?.["isUnsent"] === true)
    return { kind: "failed", elsewhere: true, again: true, counts: false, isUnsent: true, afterMs };
  const status = Number(details?.["status"] ?? 502);
  if (LATER.has(status))
    return { kind: status === 429 ? "limited" : "failed", elsewhere: true, again: true, counts: true, afterMs };
  if (OPERATOR.has(status)) return { kind: "refused", elsewhere: true, again: false, counts: true };
  // A redirection is followed by nobody: the request carries the upstream's key.
  if (status < 400) return { kind: "failed", elsewhere: true, again: false, counts: true };
  if (status >= 500) return { kind: "failed", elsewhere: true, again: status !== 501, counts: true, afterMs };
  // Google's endpoints say so by a 400.
  if (status === 400 && KEY.test(wordsOf(details?.["error"])))
    return { kind: "refused", elsewhere: true, again: false, counts: true };
  if (status === 413 || ((status === 400 || status === 422) && CONTEXT.test(wordsOf(details?.["error"]))))
    return { kind: "context", elsewhere: true, again: false, counts: false };
  return { kind: "client", ...STOP };
}

/** Whether an upstream's refusal says that the model's context window is full. */
export function isContextFull(status: number, error: unknown): boolean {
  return [400, 413, 422].includes(status) && CONTEXT.test(wordsOf(error));
}

/** Selects the failure to report to the client: the one that it can act on first, and of two limits the one that ends first. */
export function tellingOf(failures: readonly unknown[]): unknown {
  const order: readonly FailureKind[] = ["client", "aborted", "context", "limited", "failed", "refused", "uncarried"];
  const ranked = failures.map((error) => ({ error, verdict: judgeFailure(error) }));
  const rankOf = ({ kind }: Verdict) => order.indexOf(kind);
  // Bounded, so that two without a time are equal.
  const afterOf = ({ afterMs = Number.MAX_SAFE_INTEGER }: Verdict) => afterMs;
  return ranked.toSorted(
    ({ verdict: one }, { verdict: other }) => rankOf(one) - rankOf(other) || afterOf(one) - afterOf(other),
  )[0]?.error;
}

function wordsOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { readonly message?: unknown; readonly code?: unknown };
  return [code, message].filter((one) => typeof one === "string").join(" ");
}
