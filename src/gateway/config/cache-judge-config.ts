import { z } from "zod";
import { shown } from "./config-fields.ts";

/** Judge of the gateway's caches: options of `createCache`'s judge, with a model's id. Budgets are per tenant. */
export interface CacheJudgeConfig {
  readonly model: string;
  readonly mode: "background" | "serving";
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  readonly candidatesMax: number;
  readonly floor?: number | undefined;
  readonly perMinute: number;
  /** In the currency of the prices. */
  readonly perDay?: number | undefined;
  readonly aliasesMax: number;
}

/** Judge in a configuration file: a model's id, or an object with the id and other fields. */
export type CacheJudgeInput =
  | string
  | ({ readonly model: string } & { readonly [Name in keyof CacheJudgeConfig]?: CacheJudgeConfig[Name] | undefined });

const integer = (min: number, max: number) => z.int().min(min).max(max);

/** Schema of `cache.judge`, with every default. */
export const judgeSchema: z.ZodType<CacheJudgeConfig, CacheJudgeInput> = z.preprocess(
  (input) => (typeof input === "string" ? { model: input } : input),
  z.strictObject({
    model: shown(z.string().min(1).max(256)),
    mode: z.enum(["background", "serving"]).default("background"),
    deadlineMs: integer(1, 60_000).default(1_500),
    timeoutMs: integer(1, 600_000).default(15_000),
    candidatesMax: integer(1, 8).default(3),
    floor: z.number().min(0).max(1).optional(),
    perMinute: integer(0, 1_000_000).default(60),
    perDay: z.number().min(0).max(1_000_000).optional(),
    aliasesMax: integer(1, 1_000).default(32),
  }),
) as unknown as z.ZodType<CacheJudgeConfig, CacheJudgeInput>;
