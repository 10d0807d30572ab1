import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { checkScope, encodeKeyPart, runScript, type ScopedRedis } from "../redis/index.ts";
import { toCounts, type Costs, type Counts, type Decision } from "./decision.ts";
import { counterKeys } from "./keys.ts";
import { APP_SUBJECT, resolveOptions, type LimiterOptions, type ResolvedRule, type Unit } from "./options.ts";
import { takeWindows } from "./scripts.gen.ts";
import { createSettlements } from "./settlements.ts";

/** Who asks: a value for every `by` of the rules, such as `{ user: "42" }`. */
export type Subjects = Readonly<Record<string, string>>;

/** Decides whether a call may go on. */
export interface Limiter {
  /**
   * Takes the costs from every rule, or from none when one refuses: one script, one round trip, server time only.
   * Redis being away is no error: `onUnavailable` decides, and the decision says `degraded`.
   * @throws MarrowError `invalid_input` for costs or subjects of the wrong kind
   */
  take(subjects: Subjects, costs?: Costs): Promise<Decision>;
}

/** Largest cost of one call in any unit. */
export const COST_MAX: number = 2 ** 40;

/**
 * Makes a limiter for one scope: weighted sliding windows (two counters a rule and subject, about 100 bytes), any number
 * of levels decided together.
 *
 * A sliding window of two counters assumes that the last window's units came evenly: against an exact log it can be off
 * by what was bunched at one end of it, never by more than one limit.
 *
 * @throws MarrowError `invalid_option`
 * @source https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
export function createLimiter(redis: ScopedRedis, options: LimiterOptions): Limiter {
  const scoped = checkScope(redis);
  const { name, rules, onUnavailable, timeoutMs } = resolveOptions(options);
  const keysOf = counterKeys(scoped, name, rules);
  const settlements = createSettlements(scoped, timeoutMs);

  return {
    async take(subjects, costs = {}) {
      const subjectOf = checkSubjects(rules, subjects);
      const asked = checkCosts(costs);
      const counters = keysOf(subjectOf);
      const operands = rules.flatMap(({ limit, windowMs, unit }) => [limit, windowMs, asked[unit]]);
      let counts: Counts;
      try {
        const reply = await runScript(scoped, takeWindows, { counters }, { rules: operands }, { timeoutMs });
        counts = toCounts(reply, rules);
      } catch (error) {
        if (!MarrowError.is(error, "unavailable") && !MarrowError.is(error, "timeout")) throw error;
        return onUnavailable === "allow"
          ? { allowed: true, degraded: true, rules: [], settle: async () => {} }
          : { allowed: false, degraded: true, rules: [], refusedBy: "unavailable", retryAfterMs: RETRY_WHEN_AWAY_MS };
      }
      const { nowMs, refused, waitMs, rules: states } = counts;
      const refusing = rules[refused];
      if (refusing !== undefined) {
        return { allowed: false, degraded: false, rules: states, refusedBy: refusing.id, retryAfterMs: waitMs };
      }
      return {
        allowed: true,
        degraded: false,
        rules: states,
        async settle(actual) {
          const real = checkCosts({ ...asked, ...actual });
          const corrections = rules.flatMap(({ windowMs, unit }, at) => {
            const delta = real[unit] - asked[unit];
            return delta === 0 ? [] : [{ counter: counters[at] as string, windowMs, takenAtMs: nowMs, delta }];
          });
          if (corrections.length > 0) await settlements(corrections);
        },
      };
    },
  };
}

/** When to come back while Redis is away. */
const RETRY_WHEN_AWAY_MS = 1_000;

function checkCosts(costs: Costs): Record<Unit, number> {
  const check = (unit: Unit, value: number) =>
    checkInteger(`costs.${unit}`, value, { min: 0, max: COST_MAX }, "invalid_input");
  return { requests: check("requests", costs.requests ?? 1), tokens: check("tokens", costs.tokens ?? 0) };
}

function checkSubjects(rules: readonly ResolvedRule[], subjects: Subjects): (by: string) => string {
  if (typeof subjects !== "object" || subjects === null) refuse("subjects", "an object", subjects, "invalid_input");
  for (const { by } of rules) if (by !== APP_SUBJECT) encodeKeyPart(`subjects.${by}`, subjects[by]);
  return (by) => (by === APP_SUBJECT ? APP_SUBJECT : (subjects[by] as string));
}
