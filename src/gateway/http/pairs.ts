import { z } from "zod";
import { isObject } from "../../internal/fields.ts";

/** The most pairs, and what the error says of more. */
export interface PairsBound {
  readonly max: number;
  readonly message: string;
}

/** Schema of an object with any names, such as metadata. Pairs are counted before they are looked at: zod describes each wrong one. */
export function pairsOf<V extends z.ZodType>(
  key: z.ZodType<string>,
  value: V,
  { max, message }: PairsBound,
): z.ZodType<Readonly<Record<string, z.output<V>>>> {
  const counted = (given: unknown, context: z.core.$RefinementCtx) => {
    if (isObject(given) && Object.keys(given).length > max) context.addIssue({ code: "custom", message });
    return given;
  };
  return z.preprocess(counted, z.record(key as z.ZodString, value));
}
