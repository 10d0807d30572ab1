import { toRetryAfterMs, type AnswerHeaders } from "../internal/retry-after.ts";

/** Remaining quota of one of a provider's limits. */
export interface ProviderLimit {
  readonly limit: number | undefined;
  readonly remaining: number;
  /** Milliseconds until the limit is full again. */
  readonly resetMs: number;
}

/** Limits that a provider's response reports. */
export interface ProviderLimits {
  readonly requests?: ProviderLimit | undefined;
  readonly tokens?: ProviderLimit | undefined;
  /** Milliseconds during which the provider must not be called. */
  readonly closedMs?: number | undefined;
}

/** Statuses that ask a client to wait: too many requests, overloaded. */
const CLOSING = new Set([429, 503, 529]);
/** Duration of a closed lane if the provider gives none. */
const CLOSED_MS_DEFAULT = 1_000;
/**
 * Longest duration of a closed lane; then one call tries again. A `Retry-After` of a day may concern one key or one model, or be a mistake,
 * and only a call can show that the lane is open.
 */
const CLOSED_MS_MAX = 60_000;

/**
 * Reads a provider's limits: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (resets as `6m0s`, `17ms` or seconds) and
 * `anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}` (resets as dates). Unreadable values are left out.
 */
export function readLimits(status: number, headers: AnswerHeaders, nowMs: number = Date.now()): ProviderLimits {
  const limit = (unit: "requests" | "tokens"): ProviderLimit | undefined => {
    const read = (name: string) => {
      const value = headers[`x-ratelimit-${name}-${unit}`] ?? headers[`anthropic-ratelimit-${unit}-${name}`];
      return typeof value === "string" ? value : undefined;
    };
    const count = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined);
    const [remaining, resetMs] = [count(read("remaining")), toResetMs(read("reset"), nowMs)];
    if (remaining === undefined || resetMs === undefined) return undefined;
    return { limit: count(read("limit")), remaining, resetMs: Math.min(CLOSED_MS_MAX, resetMs) };
  };
  const requests = limit("requests");
  const tokens = limit("tokens");
  if (!CLOSING.has(status)) return { requests, tokens };
  const spent = [requests, tokens].flatMap((one) => (one?.remaining === 0 ? [one.resetMs] : []));
  const said = toRetryAfterMs(headers, nowMs) ?? (spent.length > 0 ? Math.max(...spent) : CLOSED_MS_DEFAULT);
  return { requests, tokens, closedMs: Math.min(CLOSED_MS_MAX, Math.max(1, Math.ceil(said))) };
}

/** A refused request, and the provider's message. */
export interface RefusedRequest {
  /** Approximate tokens of the request. */
  readonly tokens: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

const TOO_LARGE =
  /\b(?:request|prompt|input|message)s? (?:is |was |are )?too (?:large|long|big)|request_too_large|context[_ ]length|maximum context|reduce (?:the|your) (?:length|prompt|input|message)/i;
const LIMIT_AND_REQUESTED = /\blimit:? (\d+)\b.{0,200}?\brequested:? (\d+)\b/is;

/**
 * Returns true if a refusal concerns only its own request, such as one larger than the whole limit: waiting does not help, and other
 * requests are not affected.
 */
export function concernsItself(headers: AnswerHeaders, { tokens, code = "", message = "" }: RefusedRequest): boolean {
  const words = `${code} ${message}`.slice(0, 2_000);
  if (TOO_LARGE.test(words)) return true;
  const [, limit, requested] = LIMIT_AND_REQUESTED.exec(words) ?? [];
  if (limit !== undefined && Number(requested) > Number(limit)) return true;
  const most = headers["x-ratelimit-limit-tokens"] ?? headers["anthropic-ratelimit-tokens-limit"];
  return typeof most === "string" && /^\d+$/.test(most) && tokens > Number(most);
}

/** Parses `6m0s`, `1h2m3.5s`, `17ms`, plain seconds or a date to milliseconds; `undefined` for anything else. */
export function toResetMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/.exec(text);
  if (text !== "" && parts !== null) {
    const [days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0] = parts.slice(1).map((part) => Number(part ?? 0));
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + ms;
  }
  const date = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
