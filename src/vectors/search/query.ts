import type { Filter } from "../filter.ts";
import { encodeNumber, isWord } from "../words.ts";
import { rangeTags, type NumberRange } from "./number-tags.ts";
import { FIELDS, givenTag, wordTag, type Packing } from "./packing.ts";

/**
 * Compiles a filter within one partition to an FT.SEARCH query, using only syntax that all dialects share: tags, numeric ranges, `|`, `-`,
 * brackets. It contains only digests, numbers and encoded words, so nothing needs escaping. Every query begins with the partition's tag.
 */
export function toQuery(partition: string, packing: Packing, filter: Filter | undefined): string {
  const within = `@${FIELDS.partition}:{${partition}}`;
  return filter === undefined ? `(${within})` : `(${within} ${toCondition(packing, filter)})`;
}

function toCondition(packing: Packing, filter: Filter): string {
  switch (filter.op) {
    case "and":
    case "or":
      // An empty list: all of nothing holds, any of nothing does not.
      if (filter.parts.length === 0) return anyOf([filter.op === "and" ? "all" : "none"]);
      return `(${filter.parts.map((part) => toCondition(packing, part)).join(filter.op === "and" ? " " : " | ")})`;
    case "not":
      // Never a negation alone: query dialects differ in its meaning.
      return `(${anyOf(["all"])} -${toCondition(packing, filter.part)})`;
    case "exists":
      return anyOf([givenTag(packing, filter.name)]);
    default: {
      const { name, op, value } = filter;
      if (isWord(value)) return anyOf([wordTag(packing, name, value)]);
      const field = packing.numberField(name);
      if (field !== undefined) return `(@${field}:${RANGES[op](encodeNumber(value))})`;
      const tags = rangeTags(packing.code(name), ENDS[op](value));
      return anyOf(tags.length === 0 ? ["none"] : tags);
    }
  }
}

/** Builds a query for any of the words in the texts of a partition's documents. */
export function toWordQuery(query: string, words: readonly string[]): string {
  return `${query} @${FIELDS.text}:(${words.join("|")})`;
}

const anyOf = (tags: readonly string[]) => `(@${FIELDS.tags}:{${tags.join("|")}})`;

const RANGES = {
  eq: (value: string) => `[${value} ${value}]`,
  gt: (value: string) => `[(${value} +inf]`,
  gte: (value: string) => `[${value} +inf]`,
  lt: (value: string) => `[-inf (${value}]`,
  lte: (value: string) => `[-inf ${value}]`,
} as const;

const ENDS: Readonly<Record<keyof typeof RANGES, (value: number) => NumberRange>> = {
  eq: (value) => ({ above: { value, included: true }, below: { value, included: true } }),
  gt: (value) => ({ above: { value, included: false } }),
  gte: (value) => ({ above: { value, included: true } }),
  lt: (value) => ({ below: { value, included: false } }),
  lte: (value) => ({ below: { value, included: true } }),
};
