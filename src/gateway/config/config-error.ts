import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { nearestName } from "../../internal/nearest-name.ts";

/**
 * Builds the error of an invalid configuration: the field, the problem, and the nearest known name for an unknown one. Values are not
 * repeated, because they may be secrets.
 */
export function toConfigError(schema: z.ZodType, error: z.ZodError, input: unknown): MarrowError {
  const issue = deepest(error.issues[0]);
  const path = issue?.path.join(".") ?? "";
  if (issue?.code === "unrecognized_keys") {
    const unknown = issue.keys[0] ?? "";
    const nearest = nearestName(unknown, namesAt(schema, issue.path));
    const field = path === "" ? unknown : `${path}.${unknown}`;
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return new MarrowError("invalid_option", `the configuration has no field ${field}${hint}`, {
      details: { path: field },
    });
  }
  const what = issue === undefined ? "is wrong" : issue.message.toLowerCase();
  return new MarrowError("invalid_option", `configuration field ${path === "" ? "(all)" : path}: ${what}`, {
    details: { path },
    cause: input === undefined ? undefined : error,
  });
}

/** Of the ways that a value could have been meant, the one that it comes nearest to: whose first fault lies deepest. */
function deepest(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== "invalid_union") return issue;
  const within = issue.errors.flatMap(([first]) => (first === undefined ? [] : [first]));
  const nearest = within
    .toSorted((one, other) => other.path.length - one.path.length)
    .find(({ path, code }) => path.length > 0 || code === "unrecognized_keys");
  if (nearest === undefined) return issue;
  return deepest({ ...nearest, path: [...issue.path, ...nearest.path] });
}

/** Names of the fields that may stand at a place of the configuration. */
function namesAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: readonly JsonSchema[] = [z.toJSONSchema(schema, { io: "output", unrepresentable: "any" })];
  for (const part of path)
    at = at
      .flatMap(branchesOf)
      .flatMap(({ properties, additionalProperties, items }) => [
        properties?.[String(part)],
        additionalProperties,
        items as JsonSchema | undefined,
      ])
      .filter((one): one is JsonSchema => typeof one === "object");
  return at.flatMap(branchesOf).flatMap(({ properties }) => Object.keys(properties ?? {}));
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])] as JsonSchema[];
  return [schema, ...others.flatMap(branchesOf)];
}
