import type { VectorFilter } from "@mastra/core/vector/filter";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import type { AttributeSchema, Where } from "../vectors/index.ts";

type Node = Readonly<Record<string, unknown>>;
type Reader = (value: unknown) => { readonly not?: boolean; readonly condition: Node };

/** Conditions of Mastra's that compare one field, by the part of a `where` that means the same. */
const OPERATORS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["$eq", (value) => equals(value)],
  ["$ne", (value) => ({ ...equals(value), not: true })],
  ["$gt", (value) => ({ condition: { gt: value } })],
  ["$gte", (value) => ({ condition: { gte: value } })],
  ["$lt", (value) => ({ condition: { lt: value } })],
  ["$lte", (value) => ({ condition: { lte: value } })],
  ["$in", (value) => ({ condition: { in: value } })],
  ["$nin", (value) => ({ condition: { in: value }, not: true })],
  ["$exists", (value) => ({ condition: { exists: value } })],
]);

/**
 * Translates a filter of Mastra's into a `where` of `marrow/vectors`. Fields are attributes that the index declares.
 * `undefined` for no filter.
 * @throws MarrowError `invalid_input` for an operator that Marrow does not have, such as `$regex`
 */
export function toWhere<S extends AttributeSchema>(filter: VectorFilter): Where<S> | undefined {
  if (filter === undefined || filter === null) return undefined;
  const { and } = readAll(filter, "filter");
  return and.length === 0 ? undefined : ({ and } as unknown as Where<S>);
}

function readAll(filter: unknown, path: string): { readonly and: readonly Node[] } {
  if (typeof filter !== "object" || filter === null || Array.isArray(filter))
    refuse(path, "an object", filter, "invalid_input");
  const and = Object.entries(filter).flatMap(([name, value]): readonly Node[] => {
    const here = `${path}.${name}`;
    if (value === undefined) return [];
    if (name === "$and") return readList(value, here);
    if (name === "$or") return [{ or: readList(value, here) }];
    if (name === "$nor") return [{ not: { or: readList(value, here) } }];
    if (name === "$not") return [{ not: readAll(value, here) }];
    if (name.startsWith("$")) unknownOperator(here, name);
    return readField(name, value, here);
  });
  return { and };
}

function readList(value: unknown, path: string): readonly Node[] {
  if (!Array.isArray(value)) refuse(path, "a list of filters", value, "invalid_input");
  return value.map((part, at) => readAll(part, `${path}[${at}]`));
}

function readField(field: string, value: unknown, path: string): readonly Node[] {
  if (Array.isArray(value)) return [toPart(field, { condition: { in: value } })];
  if (typeof value !== "object" || value === null || value instanceof Date) return [toPart(field, equals(value))];
  return Object.entries(value).flatMap(([operator, operand]): readonly Node[] => {
    const here = `${path}.${operator}`;
    if (operand === undefined) return [];
    if (operator === "$not") return [{ not: { and: readField(field, operand, here) } }];
    const read = OPERATORS.get(operator);
    return read === undefined ? unknownOperator(here, operator) : [toPart(field, read(operand))];
  });
}

function toPart(field: string, { not = false, condition }: { readonly not?: boolean; readonly condition: Node }): Node {
  const part = { [field]: condition };
  return not ? { not: part } : part;
}

/** `null` means absent, because attributes are never null. */
function equals(value: unknown): { readonly condition: Node } {
  return { condition: value === null ? { exists: false } : { eq: value } };
}

function unknownOperator(path: string, operator: string): never {
  throw new MarrowError(
    "invalid_input",
    `${path} uses ${operator.slice(0, 32)}; filters may use $and, $or, $nor, $not, ${[...OPERATORS.keys()].join(", ")}`,
    { details: { path } },
  );
}
