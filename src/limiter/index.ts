export type { Calendar } from "./calendar.ts";
export { combineLimiters } from "./combine.ts";
export type { Limiter, ResumeOptions, Standing, Subjects, TakeOptions } from "./contract.ts";
export type { Costs, Decision, Permit, Refusal, RuleState } from "./decision.ts";
export type { Exception, Exceptions, For, Subject } from "./exceptions.ts";
export { createLanes, LOOK_MS, type Lane, type LaneDecision, type Lanes, type LanesOptions } from "./lanes.ts";
export { createLimiter } from "./limiter.ts";
export {
  APP_SUBJECT,
  COST_MAX,
  WINDOW_MS_MAX,
  type Algorithm,
  type BucketRule,
  type CalendarRule,
  type ConcurrencyRule,
  type LimiterOptions,
  type Rule,
  type Unit,
  type WindowRule,
} from "./options.ts";
export { createQuota, type Quota, type QuotaOptions } from "./quota.ts";
