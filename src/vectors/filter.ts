import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { ownField } from "../internal/fields.ts";
import type { AttributeKind, Attributes, AttributeSchema, ValueOf } from "./options.ts";

/** Condition on one attribute. Several conditions in one object must all hold. A condition on an absent attribute is false. */
export type Condition<K extends AttributeKind> = K extends "text"
  ? { readonly exists: boolean }
  :
      | ValueOf<K>
      | ({
          readonly eq?: ValueOf<K> | undefined;
          /** One of up to 100 values. */
          readonly in?: readonly ValueOf<K>[] | undefined;
          /** True: the item has this attribute; false: it lacks it. */
          readonly exists?: boolean | undefined;
        } & (K extends "number"
          ? {
              readonly gt?: number | undefined;
              readonly gte?: number | undefined;
              readonly lt?: number | undefined;
              readonly lte?: number | undefined;
            }
          : unknown));

/**
 * A filter as data: conditions on attributes, `and`, `or`, `not`. All parts of one object must hold. There is no text form, so user input
 * cannot become part of a query.
 */
export type Where<S extends AttributeSchema> = {
  readonly [Name in keyof S]?: Condition<S[Name]> | undefined;
} & {
  readonly and?: readonly Where<S>[] | undefined;
  readonly or?: readonly Where<S>[] | undefined;
  readonly not?: Where<S> | undefined;
};

/** A checked filter: a tree that drivers compile and {@link matches} evaluates. */
export type Filter =
  | { readonly op: "and" | "or"; readonly parts: readonly Filter[] }
  | { readonly op: "not"; readonly part: Filter }
  | { readonly op: "eq" | "gt" | "gte" | "lt" | "lte"; readonly name: string; readonly value: AttributeValue }
  | { readonly op: "exists"; readonly name: string };

/** A value of any attribute. */
export type AttributeValue = string | number | boolean;

const PARTS_MAX = 100;
const DEPTH_MAX = 8;
const TAG_CHARS_MAX = 1_024;
const TEXT_CHARS_MAX = 100_000;
const COMPARISONS = ["eq", "gt", "gte", "lt", "lte"] as const;

/**
 * Checks a filter against the schema and converts it to a normal form. `undefined` for no filter or one without conditions.
 * @throws MarrowError `invalid_input` for an unknown attribute, operator or a value of another kind
 */
export function toFilter<S extends AttributeSchema>(schema: S, where: Where<S> | undefined): Filter | undefined {
  if (where === undefined) return undefined;
  const filter = readWhere(schema, where, "where", 0);
  return filter.op === "and" && filter.parts.length === 0 ? undefined : filter;
}

/** Returns true if an item's attributes satisfy a filter. Pure. This is the reference for all drivers. */
export function matches(filter: Filter, attributes: Readonly<Record<string, AttributeValue | undefined>>): boolean {
  switch (filter.op) {
    case "and":
      return filter.parts.every((part) => matches(part, attributes));
    case "or":
      return filter.parts.some((part) => matches(part, attributes));
    case "not":
      return !matches(filter.part, attributes);
    case "exists":
      return ownField(attributes, filter.name) !== undefined;
    default:
      return compare(filter.op, ownField(attributes, filter.name), filter.value);
  }
}

/** Checks an item's attributes against the schema. @throws MarrowError `invalid_input` */
export function checkAttributes<S extends AttributeSchema>(
  schema: S,
  attributes: Attributes<S>,
  path: string,
): Record<string, AttributeValue> {
  if (typeof attributes !== "object" || attributes === null) refuse(path, "an object", attributes, "invalid_input");
  const checked: Record<string, AttributeValue> = Object.create(null);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) checked[name] = checkValue(kindOf(schema, name, path), value, `${path}.${name}`);
  }
  return checked;
}

function compare(
  op: (typeof COMPARISONS)[number],
  actual: AttributeValue | undefined,
  wanted: AttributeValue,
): boolean {
  if (actual === undefined) return false;
  if (op === "eq") return actual === wanted;
  const [a, b] = [Number(actual), Number(wanted)];
  return op === "gt" ? a > b : op === "gte" ? a >= b : op === "lt" ? a < b : a <= b;
}

function readWhere(schema: AttributeSchema, where: unknown, path: string, depth: number): Filter {
  if (typeof where !== "object" || where === null || Array.isArray(where))
    refuse(path, "an object", where, "invalid_input");
  if (depth > DEPTH_MAX)
    throw new MarrowError("invalid_input", `${path} must be at most ${DEPTH_MAX} levels deep`, { details: { path } });
  const parts: Filter[] = [];
  for (const [name, condition] of Object.entries(where)) {
    const here = `${path}.${name}`;
    if (condition === undefined) continue;
    if (name === "and" || name === "or") {
      parts.push({
        op: name,
        parts: readList(condition, here).map((part, at) => readWhere(schema, part, `${here}[${at}]`, depth + 1)),
      });
    } else if (name === "not") parts.push({ op: "not", part: readWhere(schema, condition, here, depth + 1) });
    else parts.push(...readCondition(kindOf(schema, name, path), name, condition, here));
  }
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { op: "and", parts };
}

function readCondition(kind: AttributeKind, name: string, condition: unknown, path: string): Filter[] {
  if (typeof condition !== "object" || condition === null) {
    if (kind === "text") refuse(path, "{ exists }, which is all that a text may be asked", condition, "invalid_input");
    return [{ op: "eq", name, value: checkValue(kind, condition, path) }];
  }
  return Object.entries(condition).flatMap(([op, value]): Filter[] => {
    const here = `${path}.${op}`;
    if (value === undefined) return [];
    if (op === "exists") {
      if (typeof value !== "boolean") refuse(here, "true or false", value, "invalid_input");
      return [value ? { op, name } : { op: "not", part: { op, name } }];
    }
    if (op === "in" && kind !== "text") {
      return [
        {
          op: "or",
          parts: readList(value, here).map((one, at) => ({
            op: "eq",
            name,
            value: checkValue(kind, one, `${here}[${at}]`),
          })),
        },
      ];
    }
    const comparison = COMPARISONS.find((known) => known === op);
    if (comparison === undefined || kind === "text" || (comparison !== "eq" && kind !== "number")) {
      throw new MarrowError("invalid_input", `${here} is not a condition for an attribute of kind ${kind}`, {
        details: { path: here },
      });
    }
    return [{ op: comparison, name, value: checkValue(kind, value, here) }];
  });
}

function readList(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > PARTS_MAX)
    refuse(path, `a list of at most ${PARTS_MAX}`, value, "invalid_input");
  return value;
}

function kindOf(schema: AttributeSchema, name: string, path: string): AttributeKind {
  const kind = ownField(schema, name);
  if (kind === undefined) {
    const known = Object.keys(schema).join(", ");
    throw new MarrowError(
      "invalid_input",
      `${path} names an attribute that the collection does not declare; it declares: ${known === "" ? "none" : known}`,
      {
        details: { path },
      },
    );
  }
  return kind;
}

function checkValue(kind: AttributeKind, value: unknown, path: string): AttributeValue {
  if (kind === "number" && typeof value === "number" && Number.isFinite(value)) return value;
  if (kind === "boolean" && typeof value === "boolean") return value;
  const charsMax = kind === "tag" ? TAG_CHARS_MAX : kind === "text" ? TEXT_CHARS_MAX : 0;
  if (charsMax > 0 && typeof value === "string" && value.length <= charsMax && value.isWellFormed()) return value;
  return refuse(
    path,
    charsMax > 0
      ? `a well-formed string of at most ${charsMax} characters`
      : `a ${kind === "number" ? "finite number" : "boolean"}`,
    value,
    "invalid_input",
  );
}
