import type { Decision, RuleState } from "../decision.ts";

/**
 * Converts a decision to headers: OpenAI's `x-ratelimit-*` for the tightest rule of each unit, and the IETF fields for all rules.
 * @source draft-ietf-httpapi-ratelimit-headers-10; OpenAI, "Rate limits in headers"
 */
export function toLimitHeaders(decision: Pick<Decision, "degraded" | "rules"> | undefined): Record<string, string> {
  if (decision === undefined) return {};
  const degraded: Record<string, string> = decision.degraded ? { "x-ratelimit-degraded": "1" } : {};
  if (decision.rules.length === 0) return degraded;
  const headers: Record<string, string> = {
    ...degraded,
    "ratelimit-policy": decision.rules
      .map(({ id, unit, limit, windowMs }) =>
        unit === "concurrency"
          ? `${toItem(id)};q=${Math.floor(limit)};qu="concurrent-requests"`
          : `${toItem(id)};q=${Math.floor(limit)}${unit === "requests" ? "" : `;qu="${unit}"`};w=${Math.ceil(windowMs / 1000)}`,
      )
      .join(", "),
    ratelimit: decision.rules
      .map(({ id, remaining, resetMs }) => `${toItem(id)};r=${Math.floor(remaining)};t=${Math.ceil(resetMs / 1000)}`)
      .join(", "),
  };
  for (const unit of ["requests", "tokens"] as const) {
    const tightest = tightestOf(decision.rules, unit);
    if (tightest === undefined) continue;
    headers[`x-ratelimit-limit-${unit}`] = String(Math.floor(tightest.limit));
    headers[`x-ratelimit-remaining-${unit}`] = String(Math.floor(tightest.remaining));
    headers[`x-ratelimit-reset-${unit}`] = toDuration(tightest.resetMs);
  }
  return headers;
}

/** Longest `Retry-After` that clients should wait out by themselves, in milliseconds. Clients retry a few times while a person waits. */
const RETRY_WITHIN_MS = 60_000;

/**
 * Builds the retry headers of a refusal, in the forms that clients read. For waits of more than a minute (a spent budget of a day or a
 * month) they include the time and advise clients not to retry automatically.
 */
export function toRetryHeaders(retryAfterMs: number | undefined): Record<string, string> {
  if (retryAfterMs === undefined) return { "x-should-retry": "false" };
  return {
    "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))),
    "retry-after-ms": String(Math.ceil(retryAfterMs)),
    "x-should-retry": String(retryAfterMs <= RETRY_WITHIN_MS),
  };
}

/** Encoded rule names. There are few, and every response includes them. */
const items = new Map<string, string>();
const ITEMS_MAX = 1_000;

/** A name as a string of structured fields (RFC 9651): ASCII, quotes and backslashes escaped, the rest as a question mark. */
function toItem(name: string): string {
  let item = items.get(name);
  if (item !== undefined) return item;
  item = `"${name.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  if (items.size < ITEMS_MAX) items.set(name, item);
  return item;
}

function tightestOf(rules: readonly RuleState[], unit: string): RuleState | undefined {
  let tightest: RuleState | undefined;
  for (const rule of rules) {
    if (rule.unit === unit && (tightest === undefined || rule.remaining < tightest.remaining)) tightest = rule;
  }
  return tightest;
}

/** Formats milliseconds as OpenAI does: `17ms`, `12s`, `6m0s`. */
export function toDuration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m${seconds % 60}s`;
}
