import { z } from "zod";
import { MASK, maskUrl } from "../../internal/mask.ts";
import { configSchema, type GatewayConfig } from "./config.ts";

/**
 * Masks a configuration for display. A text is shown only if the schema declares that it is no secret: one of a few words, a URL (shown
 * without credentials and query), or marked with `shown`. All other texts are masked, so a new field is hidden by default.
 */
export function toShownConfig(config: GatewayConfig): unknown {
  return show(config, z.toJSONSchema(configSchema, { io: "output", unrepresentable: "any" }));
}

type Schema = z.core.JSONSchema.BaseSchema;

function show(value: unknown, schema: Schema | undefined): unknown {
  if (typeof value === "string") return showText(value, schema);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one: unknown) => show(one, childOf(schema, "items")));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, show(one, propertyOf(schema, name))]));
}

function showText(text: string, schema: Schema | undefined): string {
  const ways = branchesOf(schema);
  const isWord = ways.some(
    ({ const: only, enum: words }) => only === text || (Array.isArray(words) && words.includes(text)),
  );
  if (isWord || ways.some((way) => way["shown"] === true)) return text;
  return ways.some(({ format }) => format === "uri") ? maskUrl(text) : MASK;
}

/** Returns a schema and its alternatives. */
function branchesOf(schema: Schema | undefined): readonly Schema[] {
  if (schema === undefined) return [];
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])] as Schema[];
  return [schema, ...others.flatMap((other) => branchesOf(other))];
}

function propertyOf(schema: Schema | undefined, name: string): Schema | undefined {
  const found = branchesOf(schema).flatMap(({ properties, additionalProperties }) => {
    const own = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    return typeof own === "object" ? [own] : [];
  });
  return found.length > 1 ? { anyOf: found } : found[0];
}

function childOf(schema: Schema | undefined, name: "items"): Schema | undefined {
  const found = branchesOf(schema).flatMap((way) => (typeof way[name] === "object" ? [way[name] as Schema] : []));
  return found.length > 1 ? { anyOf: found } : found[0];
}
