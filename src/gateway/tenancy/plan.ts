import { z } from "zod";
import type { Price } from "../../models/index.ts";

const integer = (min: number, max: number) => z.int().min(min).max(max);

/** Limits of a key or a user. Absent fields are not limited by the plan. */
export interface Plan {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  /** In the currency of the prices, with up to six decimals. */
  readonly budgetPerMonth?: number | undefined;
  /** Most concurrent streams. */
  readonly concurrentStreams?: number | undefined;
  /** Group that shares answers, if narrower than `cache.per`. */
  readonly cachePer?: "scope" | "user" | "key" | undefined;
}

/** Schema of an amount in the currency of the prices. */
export const money: z.ZodNumber = z.number().min(0).max(1_000_000);
const limited = integer(0, 2 ** 40).optional();

/** Schema of prices per million tokens. */
export const priceSchema: z.ZodType<Price, Price> = z.strictObject({
  input: money,
  output: money,
  cachedInput: money.optional(),
  cacheWrite: money.optional(),
  reasoning: money.optional(),
});

/** Schema of the group that shares answers. */
export const sharedPer: z.ZodEnum<{ scope: "scope"; user: "user"; key: "key" }> = z.enum(["scope", "user", "key"]);

/** Schema of a plan in the configuration and the admin API. */
export const planSchema: z.ZodType<Plan, Plan> = z.strictObject({
  requestsPerMinute: limited,
  tokensPerMinute: limited,
  tokensPerDay: limited,
  budgetPerMonth: money.optional(),
  concurrentStreams: integer(0, 1_000_000).optional(),
  cachePer: sharedPer.optional(),
});
