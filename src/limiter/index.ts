export type { Costs, Decision, RuleState } from "./decision.ts";
export { COST_MAX, createLimiter, type Limiter, type Subjects } from "./limiter.ts";
export { APP_SUBJECT, WINDOW_MS_MAX, type LimiterOptions, type Rule, type Unit } from "./options.ts";
