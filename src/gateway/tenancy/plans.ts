import { APP_SUBJECT, type Rule } from "../../limiter/index.ts";
import type { GatewayConfig, Plan } from "../config/config.ts";

const MINUTE_MS = 60_000;
const MICROS = 1_000_000;

/**
 * Builds the limits of one call: those of the configuration for user and scope, overridden by the user's plan, and those of the key's plan.
 * Ids name subject and unit: `user-tokens-day`, `key-budget`, `app-requests`.
 */
export function toRules(
  { limits }: Pick<GatewayConfig, "limits">,
  userPlan: Plan | undefined,
  keyPlan: Plan | undefined,
): Rule[] {
  const user: Rule[] = [
    { id: "user-requests", by: "user", ...limits.userRequests },
    { id: "user-tokens", by: "user", unit: "tokens", ...limits.userTokens },
  ];
  const planned = userPlan === undefined ? [] : planRules("user", userPlan, limits.timeZone);
  const ids = new Set(planned.map(({ id }) => id));
  return [
    ...user.filter(({ id }) => !ids.has(id)),
    ...planned,
    ...(keyPlan === undefined ? [] : planRules("key", keyPlan, limits.timeZone)),
    { id: "app-requests", by: APP_SUBJECT, ...limits.appRequests },
  ];
}

function planRules(by: "user" | "key", plan: Plan, timeZone: string): Rule[] {
  const { requestsPerMinute, tokensPerMinute, tokensPerDay, budgetPerMonth, concurrentStreams } = plan;
  const fixedWindow = "fixedWindow" as const;
  const rules: (Rule | undefined)[] = [
    limited(requestsPerMinute, (limit) => ({ id: `${by}-requests`, by, limit, windowMs: MINUTE_MS })),
    limited(tokensPerMinute, (limit) => ({ id: `${by}-tokens`, by, unit: "tokens", limit, windowMs: MINUTE_MS })),
    limited(tokensPerDay, (limit) => {
      return { id: `${by}-tokens-day`, by, unit: "tokens", algorithm: fixedWindow, limit, calendar: "day", timeZone };
    }),
    limited(budgetPerMonth, (budget) => {
      const limit = Math.round(budget * MICROS);
      return { id: `${by}-budget`, by, unit: "cost", algorithm: fixedWindow, limit, calendar: "month", timeZone };
    }),
    limited(concurrentStreams, (limit) => ({ id: `${by}-streams`, by, unit: "concurrency", limit })),
  ];
  return rules.filter((rule) => rule !== undefined);
}

function limited(limit: number | undefined, make: (limit: number) => Rule): Rule | undefined {
  return limit === undefined ? undefined : make(limit);
}
