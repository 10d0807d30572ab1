import type { AttributeValue, Filter } from "../filter.ts";
import { encodeWord, isWord } from "../words.ts";

/** Encodes attributes for the `attributes` column. Words are encoded, because jsonb cannot contain NUL; numbers are unchanged. */
export function toStoredAttributes(
  attributes: Readonly<Record<string, AttributeValue>>,
  texts: ReadonlySet<string>,
): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [
        name,
        texts.has(name) ? true : isWord(value) ? encodeWord(value) : value,
      ]),
    ),
  );
}

/** Compiles a filter to an SQL condition; its values go to `bind`, which returns their placeholders. */
export function toCondition(filter: Filter, bind: (value: unknown) => string): string {
  switch (filter.op) {
    case "and":
    case "or":
      if (filter.parts.length === 0) return filter.op === "and" ? "true" : "false";
      return `(${filter.parts.map((part) => toCondition(part, bind)).join(` ${filter.op} `)})`;
    case "not":
      return `(not ${toCondition(filter.part, bind)})`;
    case "exists":
      return `(attributes ? ${bind(filter.name)})`;
    default: {
      const value = `(attributes ->> ${bind(filter.name)})`;
      // An absent attribute is NULL, and so would be the comparison and its `not`.
      if (isWord(filter.value)) return `coalesce(${value} = ${bind(encodeWord(filter.value))}, false)`;
      return `coalesce(${value}::float8 ${OPERATORS[filter.op]} ${bind(filter.value)}::float8, false)`;
    }
  }
}

const OPERATORS = { eq: "=", gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;
