import { z } from "zod";
import {
  COST_MAX,
  WINDOW_MS_MAX,
  type Algorithm,
  type LimiterOptions,
  type Rule,
  type Unit,
} from "../../limiter/index.ts";

/** One rule of a limit; the library's fields are in camel case. */
export interface RuleDefinition {
  readonly id: string;
  readonly by: string;
  readonly unit?: Unit | undefined;
  readonly algorithm?: Algorithm | undefined;
  readonly limit: number;
  readonly window_ms?: number | undefined;
  readonly burst?: number | undefined;
  readonly calendar?: "hour" | "day" | "week" | "month" | undefined;
  readonly time_zone?: string | undefined;
}

/** A declared limit. */
export interface LimitDefinition {
  readonly rules: readonly RuleDefinition[];
  /** Lease of unsettled slots and reservations. */
  readonly lease_ms?: number | undefined;
  readonly on_unavailable?: "allow" | "refuse" | undefined;
}

const name = z.string().min(1).max(128);
const units = z.number().min(0).max(COST_MAX);

const rule = z
  .strictObject({
    id: name,
    by: name,
    unit: z.enum(["requests", "tokens", "cost", "concurrency"]).optional(),
    algorithm: z.enum(["slidingWindow", "slidingLog", "tokenBucket", "fixedWindow"]).optional(),
    limit: units,
    window_ms: z.int().min(10).max(WINDOW_MS_MAX).optional(),
    burst: units.optional(),
    calendar: z.enum(["hour", "day", "week", "month"]).optional(),
    time_zone: z.string().min(1).max(64).optional(),
  })
  .superRefine((given, context) => {
    for (const [field, message] of faultsOf(given)) context.addIssue({ code: "custom", path: [field], message });
  });

/** Schema of a limit's declaration. */
export const limitSchema: z.ZodType<LimitDefinition, LimitDefinition> = z.strictObject({
  rules: z.array(rule).min(1).max(16),
  lease_ms: z.int().min(500).max(3_600_000).optional(),
  on_unavailable: z.enum(["allow", "refuse"]).optional(),
});

/** Default lease of a reservation: a minute, because nothing renews it. */
const LEASE_MS_DEFAULT = 60_000;

/** Converts a definition to options of the library's limiter. */
export function toLimiterOptions(
  limit: string,
  { rules, lease_ms: leaseMs = LEASE_MS_DEFAULT, on_unavailable: onUnavailable = "allow" }: LimitDefinition,
): LimiterOptions {
  return { name: limit, rules: rules.map(toRule), leaseMs, onUnavailable };
}

function toRule({ window_ms: windowMs, time_zone: timeZone, ...given }: RuleDefinition): Rule {
  const own = { windowMs, timeZone, ...given };
  // The schema only accepts valid combinations of fields.
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as unknown as Rule;
}

/** Returns fields that a rule lacks or must not have, with the reason: fields without effect are refused. */
function faultsOf(given: RuleDefinition): (readonly [field: string, message: string])[] {
  const { unit, algorithm, calendar } = given;
  const has = (field: keyof RuleDefinition) => given[field] !== undefined;
  const absent = (fields: readonly (keyof RuleDefinition)[], where: string) =>
    fields.filter(has).map((field) => [field, `must be absent in ${where}`] as const);
  if (unit === "concurrency")
    return absent(["algorithm", "window_ms", "burst", "calendar", "time_zone"], "a rule of slots (unit concurrency)");
  if (calendar !== undefined) {
    const fixed =
      algorithm === "fixedWindow" ? [] : [["algorithm", "must be fixedWindow in a rule by the calendar"] as const];
    return [...fixed, ...absent(["window_ms", "burst"], "a rule by the calendar")];
  }
  return [
    ...(has("window_ms") ? [] : [["window_ms", "must be a number of milliseconds, 10 to 31 days"] as const]),
    ...absent(["time_zone"], "a rule without a calendar"),
    ...(algorithm === "tokenBucket" ? [] : absent(["burst"], "a rule other than a tokenBucket")),
  ];
}
