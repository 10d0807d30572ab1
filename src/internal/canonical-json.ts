/**
 * JSON with sorted keys and nothing optional in it, so that equal values have one text. `undefined` fields vanish and `toJSON` is asked as in
 * `JSON.stringify`: two dates differ. The value must be JSON; a cycle throws a `RangeError`.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalJson(value.toJSON());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as Readonly<Record<string, unknown>>;
  const fields = Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name])}`);
  return `{${fields.join(",")}}`;
}
