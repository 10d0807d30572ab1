import type { AttributeValue } from "../filter.ts";
import type { AttributeSchema } from "../options.ts";
import { encodeNumber, encodeWord, isWord } from "../words.ts";
import { numberTags } from "./number-tags.ts";

/**
 * The fields of every search index, whatever attributes a collection has, so that collections share one index and its fields are at
 * most ten: some engines allow no more.
 */
export const FIELDS = {
  vector: "v",
  /** Tag of the partition that a document is in. */
  partition: "p",
  /** Tags: attributes that are present, words, booleans, and numbers without their own field. */
  tags: "t",
  /** All texts together. */
  text: "x",
  /** The first numbers of a schema, by name. */
  numbers: ["n0", "n1", "n2", "n3", "n4", "n5"],
} as const;

/** Fields of a schema's attributes. */
export interface Packing {
  /** Number of the attribute in its schema; tags begin with it. */
  code(name: string): number;
  /** Field of a number; `undefined` if it is stored in tags. */
  numberField(name: string): string | undefined;
}

/** Assigns attributes to fields. The order of names decides, so all handles with the same contract agree. */
export function packingOf(schema: AttributeSchema): Packing {
  const names = Object.keys(schema).toSorted();
  const codes = new Map(names.map((name, at) => [name, at]));
  const numbers = names.filter((name) => schema[name] === "number");
  const fields = new Map(numbers.map((name, at) => [name, FIELDS.numbers[at]]));
  return { code: (name) => codes.get(name) ?? names.length, numberField: (name) => fields.get(name) };
}

/** Returns the tag of an attribute that has a value. */
export function givenTag(packing: Packing, name: string): string {
  return `h${packing.code(name)}`;
}

/** Returns the tag of a word or boolean. */
export function wordTag(packing: Packing, name: string, value: string | boolean): string {
  return `e${packing.code(name)}_${encodeWord(value)}`;
}

/** Converts attributes to a document's fields: field, value, … Fields without a value are left out. */
export function packAttributes(
  packing: Packing,
  schema: AttributeSchema,
  attributes: Readonly<Record<string, AttributeValue>>,
): string[] {
  const tags = ["all"];
  const fields: string[] = [];
  const texts: string[] = [];
  for (const [name, value] of Object.entries(attributes)) {
    tags.push(givenTag(packing, name));
    if (schema[name] === "text") texts.push(String(value));
    else if (isWord(value)) tags.push(wordTag(packing, name, value));
    else {
      const field = packing.numberField(name);
      if (field === undefined) tags.push(...numberTags(packing.code(name), value));
      else fields.push(field, encodeNumber(value));
    }
  }
  if (texts.length > 0) fields.push(FIELDS.text, texts.join("\n"));
  return [FIELDS.tags, tags.join(","), ...fields];
}
