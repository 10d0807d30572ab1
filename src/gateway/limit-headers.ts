import type { Decision, RuleState } from "../limiter/index.ts";

/**
 * A decision as headers: OpenAI's `x-ratelimit-*` for the tightest rule of each unit, and the IETF fields for all of them.
 * @source draft-ietf-httpapi-ratelimit-headers-10; OpenAI, "Rate limits in headers"
 */
export function toLimitHeaders(decision: Decision | undefined): Record<string, string> {
  if (decision === undefined) return {};
  if (decision.degraded) return { "x-ratelimit-degraded": "1" };
  const headers: Record<string, string> = {
    "ratelimit-policy": decision.rules
      .map(({ id, limit, windowMs }) => `"${id}";q=${limit};w=${Math.ceil(windowMs / 1000)}`)
      .join(", "),
    ratelimit: decision.rules
      .map(({ id, remaining, resetMs }) => `"${id}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`)
      .join(", "),
  };
  for (const unit of ["requests", "tokens"] as const) {
    const tightest = tightestOf(decision.rules, unit);
    if (tightest === undefined) continue;
    headers[`x-ratelimit-limit-${unit}`] = String(tightest.limit);
    headers[`x-ratelimit-remaining-${unit}`] = String(tightest.remaining);
    headers[`x-ratelimit-reset-${unit}`] = toDuration(tightest.resetMs);
  }
  return headers;
}

function tightestOf(rules: readonly RuleState[], unit: string): RuleState | undefined {
  let tightest: RuleState | undefined;
  for (const rule of rules) {
    if (rule.unit === unit && (tightest === undefined || rule.remaining < tightest.remaining)) tightest = rule;
  }
  return tightest;
}

/** Milliseconds in OpenAI's words: `17ms`, `12s`, `6m0s`. */
export function toDuration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m${seconds % 60}s`;
}
