import { ownField } from "../../internal/fields.ts";
import type { AttributeValue, Filter } from "../filter.ts";
import type { AttributeSchema } from "../options.ts";
import { encodeNumber, encodeWord, isWord } from "../words.ts";

/**
 * Attributes as a vector set keeps them. An expression over an absent field fails as a whole, so every attribute of the schema is
 * there: an absent word as an empty text, which no encoded word is; a number beside a mark whether it was given.
 */
export function toStoredAttributes(
  schema: AttributeSchema,
  attributes: Readonly<Record<string, AttributeValue>>,
): string {
  const stored: Record<string, string | number> = Object.create(null);
  for (const [name, kind] of Object.entries(schema)) {
    const value = ownField(attributes, name);
    if (kind === "text") stored[name] = value === undefined ? "" : "t";
    else if (kind !== "number") stored[name] = value === undefined ? "" : encodeWord(value as string | boolean);
    else {
      stored[name] = (value as number | undefined) ?? 0;
      stored[markOf(name)] = value === undefined ? 0 : 1;
    }
  }
  return JSON.stringify(stored);
}

/** Compiles a filter to the FILTER expression of VSIM. It contains only the schema's names, numbers and encoded words. */
export function toExpression(schema: AttributeSchema, filter: Filter): string {
  switch (filter.op) {
    case "and":
    case "or":
      // An empty list: all of nothing holds, any of nothing does not.
      if (filter.parts.length === 0) return filter.op === "and" ? "1 == 1" : "1 == 0";
      return `(${filter.parts.map((part) => toExpression(schema, part)).join(` ${filter.op} `)})`;
    case "not":
      return `not (${toExpression(schema, filter.part)})`;
    case "exists":
      return schema[filter.name] === "number" ? `.${markOf(filter.name)} == 1` : `.${filter.name} != ""`;
    default: {
      const { name, op, value } = filter;
      if (isWord(value)) return `.${name} == "${encodeWord(value)}"`;
      return `(.${markOf(name)} == 1 and .${name} ${OPERATORS[op]} ${toNumber(value)})`;
    }
  }
}

/**
 * Formats a number for expressions of VSIM: at most 255 characters, an exponent without a sign. A very small number is written as a larger
 * one divided by a power of two, without rounding.
 */
export function toNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= LARGE) return String(value).replace("e+", "e");
  if (size === 0 || size >= SMALL) return encodeNumber(value);
  return `(${encodeNumber(value * DIVISOR)} / ${encodeNumber(DIVISOR)})`;
}

const [LARGE, SMALL, DIVISOR] = [1e21, 1e-100, 2 ** 600];

const OPERATORS = { eq: "==", gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

/** Names of attributes begin with a lower-case letter, so this is none of them. */
function markOf(name: string): string {
  return `H_${name}`;
}
