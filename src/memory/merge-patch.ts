import type { Json } from "./json.ts";

/**
 * Applies a JSON merge patch to a value: fields of objects are merged, `null` removes a field, any other value replaces.
 * @source RFC 7396
 */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // This treats a field named __proto__ like any other.
  return Object.fromEntries(merged);
}

function isObject(value: Json | undefined): value is { readonly [field: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
