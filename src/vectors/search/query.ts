import type { Filter } from "../filter.ts";
import { encodeNumber, encodeWord, isWord } from "../words.ts";

/** The field that lists what an item has: `all`, and each attribute that was given. */
export const HAS = "has";

/** The field of an attribute. A prefix keeps them apart from our own fields and from an engine's words. */
export function fieldOf(name: string): string {
  return `a_${name}`;
}

/**
 * A filter as a query of FT.SEARCH, in what all dialects share: tags, numeric ranges, `|`, `-`, brackets. Only names of the schema,
 * numbers and encoded words are ever in it, so nothing is escaped and nothing needs to be.
 */
export function toQuery(filter: Filter | undefined): string {
  if (filter === undefined) return `(@${HAS}:{all})`;
  switch (filter.op) {
    case "and":
    case "or":
      // An empty list: all of nothing holds, any of nothing does not.
      if (filter.parts.length === 0) return `(@${HAS}:{${filter.op === "and" ? "all" : "none"}})`;
      return `(${filter.parts.map(toQuery).join(filter.op === "and" ? " " : " | ")})`;
    case "not":
      // Never a negation alone: dialects disagree on what it starts from.
      return `(@${HAS}:{all} -${toQuery(filter.part)})`;
    case "exists":
      return `(@${HAS}:{${fieldOf(filter.name)}})`;
    default: {
      const { name, op, value } = filter;
      if (isWord(value)) return `(@${fieldOf(name)}:{${encodeWord(value)}})`;
      return `(@${fieldOf(name)}:${RANGES[op](encodeNumber(value))})`;
    }
  }
}

/** A query for any of the words in any of the attributes. */
export function toWordQuery(words: readonly string[], attributes: readonly string[]): string {
  const any = words.join("|");
  return `(${attributes.map((name) => `@${fieldOf(name)}:(${any})`).join(" | ")})`;
}

const RANGES = {
  eq: (value: string) => `[${value} ${value}]`,
  gt: (value: string) => `[(${value} +inf]`,
  gte: (value: string) => `[${value} +inf]`,
  lt: (value: string) => `[-inf (${value}]`,
  lte: (value: string) => `[-inf ${value}]`,
} as const;
