import type { Json } from "./json.ts";

/**
 * A value with a JSON merge patch applied: fields of objects are merged, `null` takes a field away, everything else replaces.
 * @source RFC 7396
 */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // Made this way a field named __proto__ is a field like any other.
  return Object.fromEntries(merged);
}

function isObject(value: Json | undefined): value is { readonly [field: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
