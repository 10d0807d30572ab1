import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import type { AttributeSchema, Where } from "../vectors/index.ts";

/** Attributes of a file: up to 16, of any names. */
export type FileAttributes = Readonly<Record<string, string | number | boolean>>;

/** A condition on attributes, as in OpenAI's API. */
export type FileFilter =
  | {
      readonly type: "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin";
      readonly key: string;
      readonly value: string | number | boolean | readonly (string | number | boolean)[];
    }
  | { readonly type: "and" | "or"; readonly filters: readonly FileFilter[] };

/** Maps a store's attributes to the collection's: `string lang` -> `t0`. */
export type Slots = Readonly<Record<string, string>>;

const ATTRIBUTES_MAX = 16;
const WORD_SLOTS = 16;
const NUMBER_SLOTS = 12;

/**
 * Attributes of chunks. Users name a store's attributes freely, but an index needs fixed ones. So there are 16 places for words or booleans
 * and 12 for numbers, and each store records their use.
 */
export const CHUNK_ATTRIBUTES: AttributeSchema = {
  file: "tag",
  body: "text",
  ...Object.fromEntries(Array.from({ length: WORD_SLOTS }, (_, at) => [`t${at}`, "tag"] as const)),
  ...Object.fromEntries(Array.from({ length: NUMBER_SLOTS }, (_, at) => [`n${at}`, "number"] as const)),
};

/** Checks a file's attributes. @throws MarrowError `invalid_input` */
export function checkFileAttributes(attributes: FileAttributes | null | undefined): FileAttributes {
  if (attributes === null || attributes === undefined) return {};
  if (typeof attributes !== "object" || Array.isArray(attributes) || Object.keys(attributes).length > ATTRIBUTES_MAX)
    refuse("attributes", `an object of at most ${ATTRIBUTES_MAX} attributes`, attributes, "invalid_input");
  for (const [key, value] of Object.entries(attributes)) {
    checkText("attributes", key, 64, "invalid_input");
    const path = `attributes.${key}`;
    if (typeof value === "string") {
      if (value.length > 512 || !value.isWellFormed())
        refuse(path, "a well-formed string of at most 512 characters", value, "invalid_input");
    } else if (typeof value !== "boolean" && !Number.isFinite(value))
      refuse(path, "a string, a finite number or a boolean", value, "invalid_input");
  }
  return attributes;
}

/** Assigns a slot to each attribute. @throws MarrowError `too_large` if a store uses more names than there are slots */
export function allot(slots: Slots, attributes: FileAttributes): Slots {
  const alloted: Record<string, string> = { ...slots };
  for (const [key, value] of Object.entries(attributes)) {
    const name = nameOf(key, value);
    if (alloted[name] !== undefined) continue;
    const number = typeof value === "number";
    const [letter, places] = number ? ["n", NUMBER_SLOTS] : ["t", WORD_SLOTS];
    const taken = new Set(Object.values(alloted));
    const free = Array.from({ length: places }, (_, at) => `${letter}${at}`).find((slot) => !taken.has(slot));
    if (free === undefined)
      throw new MarrowError(
        "too_large",
        `the files of a store have at most ${WORD_SLOTS} attributes that are strings or booleans, and ${NUMBER_SLOTS} that are numbers`,
        { details: { path: `attributes.${key}` } },
      );
    alloted[name] = free;
  }
  return alloted;
}

/** Maps a file's attributes to their slots; every other slot is emptied. */
export function toChunkAttributes(
  slots: Slots,
  attributes: FileAttributes,
): Record<string, string | number | undefined> {
  const placed: Record<string, string | number | undefined> = Object.create(null);
  for (const slot of Object.values(slots)) placed[slot] = undefined;
  for (const [key, value] of Object.entries(attributes))
    placed[slots[nameOf(key, value)] as string] = typeof value === "number" ? value : wordOf(value);
  return placed;
}

/** Converts a filter of OpenAI's API to the collection's. @throws MarrowError `invalid_input` */
export function toWhere(slots: Slots, filter: FileFilter, path = "filters", depth = 0): Where<AttributeSchema> {
  if (depth > 4) throw wrong(path, "at most 4 levels deep");
  if (typeof filter !== "object" || filter === null) refuse(path, "a filter", filter, "invalid_input");
  if ("filters" in filter) {
    if (filter.type !== "and" && filter.type !== "or") throw wrong(`${path}.type`, "and, or");
    if (!Array.isArray(filter.filters)) refuse(`${path}.filters`, "a list of filters", filter.filters, "invalid_input");
    const parts = filter.filters.map((part, at) => toWhere(slots, part, `${path}.filters.${at}`, depth + 1));
    return (filter.type === "and" ? { and: parts } : { or: parts }) as Where<AttributeSchema>;
  }
  checkText(`${path}.key`, filter.key, 64, "invalid_input");
  switch (filter.type) {
    case "eq":
      return equals(slots, filter.key, one(filter.value, path));
    case "ne":
      return { not: equals(slots, filter.key, one(filter.value, path)) } as Where<AttributeSchema>;
    case "in":
    case "nin": {
      if (!Array.isArray(filter.value)) refuse(`${path}.value`, "a list", filter.value, "invalid_input");
      const any = {
        or: filter.value.map((value) => equals(slots, filter.key, one(value, path))),
      } as Where<AttributeSchema>;
      return filter.type === "in" ? any : ({ not: any } as Where<AttributeSchema>);
    }
    case "gt":
    case "gte":
    case "lt":
    case "lte": {
      if (typeof filter.value !== "number" || !Number.isFinite(filter.value))
        refuse(`${path}.value`, "a finite number", filter.value, "invalid_input");
      const slot = slots[nameOf(filter.key, filter.value)];
      return slot === undefined ? NOTHING : { [slot]: { [filter.type]: filter.value } };
    }
    default:
      throw wrong(`${path}.type`, "one of eq, ne, gt, gte, lt, lte, in, nin, and, or");
  }
}

const NOTHING = { or: [] } as Where<AttributeSchema>;

function equals(slots: Slots, key: string, value: string | number | boolean): Where<AttributeSchema> {
  const slot = slots[nameOf(key, value)];
  // No file of the store ever had it.
  if (slot === undefined) return NOTHING;
  return { [slot]: typeof value === "number" ? value : wordOf(value) };
}

function one(value: unknown, path: string): string | number | boolean {
  if (typeof value === "string" && value.length <= 512 && value.isWellFormed()) return value;
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return value;
  return refuse(
    `${path}.value`,
    "a string of at most 512 characters, a finite number or a boolean",
    value,
    "invalid_input",
  );
}

/** Numbers and words of one name are two attributes: they are compared in different ways. */
function nameOf(key: string, value: string | number | boolean): string {
  return `${typeof value === "number" ? "number" : "word"} ${key}`;
}

/** Truth values among words, apart from the words that look like them. */
function wordOf(value: string | boolean): string {
  return typeof value === "boolean" ? `b${value}` : `s${value}`;
}

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
