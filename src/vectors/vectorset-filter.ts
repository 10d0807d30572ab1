import type { AttributeValue, Filter } from "./filter.ts";
import type { AttributeSchema } from "./options.ts";

/**
 * Attributes as a vector set keeps them: every attribute of the schema is there, with a mark whether it was given, because an
 * expression over an absent field fails as a whole. Words are percent-encoded, so that no quote is ever needed or meant.
 */
export function toStoredAttributes(
  schema: AttributeSchema,
  attributes: Readonly<Record<string, AttributeValue>>,
): string {
  const stored: Record<string, string | number> = {};
  for (const [name, kind] of Object.entries(schema)) {
    const value = attributes[name];
    stored[`h_${name}`] = value === undefined ? 0 : 1;
    stored[`v_${name}`] = value === undefined ? (kind === "tag" ? "" : 0) : toStored(value);
  }
  return JSON.stringify(stored);
}

/** A filter as the FILTER expression of VSIM. Only names of the schema, numbers and encoded words are ever in it. */
export function toExpression(filter: Filter): string {
  switch (filter.op) {
    case "and":
    case "or":
      // An empty list: all of nothing holds, any of nothing does not.
      if (filter.parts.length === 0) return filter.op === "and" ? "1 == 1" : "1 == 0";
      return `(${filter.parts.map(toExpression).join(` ${filter.op} `)})`;
    case "not":
      return `not (${toExpression(filter.part)})`;
    case "exists":
      return `.h_${filter.name} == 1`;
    default: {
      const value = toStored(filter.value);
      const literal = typeof value === "number" ? toNumber(value) : `"${value}"`;
      return `(.h_${filter.name} == 1 and .v_${filter.name} ${OPERATORS[filter.op]} ${literal})`;
    }
  }
}

const OPERATORS = { eq: "==", gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

function toStored(value: AttributeValue): string | number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") return value;
  // A leading letter keeps an empty word apart from an absent one.
  return `w${encodeURIComponent(value).replaceAll(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)}`;
}

/** The expression language knows no exponents: large and small numbers are written out in full. */
function toNumber(value: number): string {
  const text = String(value);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (whole === "") return text;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}
