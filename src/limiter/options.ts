import { checkInteger, checkOneOf, checkText, refuse } from "../internal/check.ts";

/** What a rule counts. */
export type Unit = "requests" | "tokens";

/** One limit: at most `limit` units in any `windowMs` for each value of its subject. */
export interface Rule {
  /** Name of the rule, told back when it refuses. */
  readonly id: string;
  /** Which subject it counts for: a name that every `take` gives, such as `user`, or `app` for all together. */
  readonly by: string;
  /** @default "requests" */
  readonly unit?: Unit | undefined;
  /** Units in a window. Integer, 0 (refuses all) to 2^40. */
  readonly limit: number;
  /** Length of the window in milliseconds, 1,000 to 31 days. */
  readonly windowMs: number;
}

/** Options of `createLimiter`. */
export interface LimiterOptions {
  /** Name of this limiter within its scope. */
  readonly name: string;
  /** 1 to 16 rules; all are decided together. */
  readonly rules: readonly Rule[];
  /**
   * What a decision is when Redis is away: `allow` (nothing is counted) or `refuse`. There is no default: it is the
   * choice between an outage of the limit and an outage of the service.
   */
  readonly onUnavailable: "allow" | "refuse";
  /** Longest wait for a decision, in milliseconds. @default 250 */
  readonly timeoutMs?: number | undefined;
}

/** Rules with nothing left open. */
export interface ResolvedRule {
  readonly id: string;
  readonly by: string;
  readonly unit: Unit;
  readonly limit: number;
  readonly windowMs: number;
}

export interface ResolvedLimiterOptions {
  readonly name: string;
  readonly rules: readonly ResolvedRule[];
  readonly onUnavailable: "allow" | "refuse";
  readonly timeoutMs: number;
}

/** The subject that all callers of one scope share; `take` need not name it. */
export const APP_SUBJECT = "app";

/** Longest window: 31 days. */
export const WINDOW_MS_MAX: number = 31 * 86_400_000;
const LIMIT_MAX = 2 ** 40;
const RULES_MAX = 16;
const TIMEOUT_MS_DEFAULT = 250;

/** Fills defaults and refuses what makes no sense. @throws MarrowError `invalid_option` */
export function resolveOptions(options: LimiterOptions): ResolvedLimiterOptions {
  const { rules } = options;
  if (!Array.isArray(rules) || rules.length < 1 || rules.length > RULES_MAX) {
    refuse("rules", `a list of 1 to ${RULES_MAX} rules`, rules);
  }
  const resolved = rules.map((rule, at) => resolveRule(rule, `rules[${at}]`));
  const ids = new Set(resolved.map(({ id }) => id));
  if (ids.size !== resolved.length) refuse("rules", "a list of rules with different ids", rules);
  return {
    name: checkText("name", options.name, 128),
    rules: resolved,
    onUnavailable: checkOneOf("onUnavailable", options.onUnavailable, ["allow", "refuse"]),
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? TIMEOUT_MS_DEFAULT, { min: 1, max: 60_000 }),
  };
}

function resolveRule(rule: Rule, path: string): ResolvedRule {
  return {
    id: checkText(`${path}.id`, rule.id, 128),
    by: checkText(`${path}.by`, rule.by, 128),
    unit: checkOneOf(`${path}.unit`, rule.unit ?? "requests", ["requests", "tokens"]),
    limit: checkInteger(`${path}.limit`, rule.limit, { min: 0, max: LIMIT_MAX }),
    windowMs: checkInteger(`${path}.windowMs`, rule.windowMs, { min: 1_000, max: WINDOW_MS_MAX }),
  };
}
