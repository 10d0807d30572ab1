import type { MetadataFilter, MetadataFilters } from "@llamaindex/core/vector-store";
import { MarrowError } from "../errors.ts";
import type { AttributeSchema, Where } from "../vectors/index.ts";

type Node = Readonly<Record<string, unknown>>;

/** LlamaIndex's operators by the condition that means the same; a `not` turns it round. */
const OPERATORS: ReadonlyMap<string, { readonly condition: string; readonly not?: true }> = new Map([
  ["==", { condition: "eq" }],
  ["!=", { condition: "eq", not: true }],
  [">", { condition: "gt" }],
  [">=", { condition: "gte" }],
  ["<", { condition: "lt" }],
  ["<=", { condition: "lte" }],
  ["in", { condition: "in" }],
  ["nin", { condition: "in", not: true }],
]);

/**
 * Translates LlamaIndex's metadata filters into a `where` of `marrow/vectors`. Keys are attributes that the collection declares.
 * @throws MarrowError `invalid_input` for an operator that Marrow does not have, such as `contains`
 */
export function toWhere<S extends AttributeSchema>(given: MetadataFilters | undefined): Where<S> | undefined {
  if (given === undefined || given.filters.length === 0) return undefined;
  const parts = given.filters.map(toPart);
  return { [given.condition === "or" ? "or" : "and"]: parts } as unknown as Where<S>;
}

function toPart({ key, value, operator }: MetadataFilter, at: number): Node {
  if (operator === "is_empty") return { [key]: { exists: false } };
  const known = OPERATORS.get(operator);
  if (known === undefined) {
    const path = `filters[${at}].operator`;
    const operators = [...OPERATORS.keys(), "is_empty"].join(", ");
    throw new MarrowError("invalid_input", `${path} is ${operator.slice(0, 32)}; it may be ${operators}`, {
      details: { path },
    });
  }
  const part = { [key]: { [known.condition]: value } };
  return known.not === true ? { not: part } : part;
}
