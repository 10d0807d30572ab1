import { MarrowError } from "../errors.ts";

/** Values that are looked at before the search ends without an answer. */
const LOOK_MAX = 100_000;

/**
 * Finds the path of a value that JSON cannot express: a BigInt, a cycle, or a throwing `toJSON` or getter. `undefined` if none is found.
 * Reads at most 100,000 values.
 */
export function unwritablePath(value: unknown, root = "result"): string | undefined {
  let looked = 0;
  const above = new Set<object>();

  function search(one: unknown, path: string, name: string): string | undefined {
    if (typeof one === "bigint") return path;
    if (one === null || typeof one !== "object" || ++looked > LOOK_MAX) return undefined;
    if (above.has(one)) return path;
    try {
      const written: unknown = "toJSON" in one && typeof one.toJSON === "function" ? one.toJSON(name) : one;
      if (written !== one) return search(written, path, name);
      above.add(one);
      for (const key of Object.keys(one)) {
        const found = search(
          (one as Record<string, unknown>)[key],
          Array.isArray(one) ? `${path}[${key}]` : `${path}.${key}`,
          key,
        );
        if (found !== undefined) return found;
      }
      return undefined;
    } catch {
      return path;
    } finally {
      above.delete(one);
    }
  }

  return search(value, root, "");
}

/**
 * Encodes a caller's value as JSON; `name` is its name for the caller.
 * @throws MarrowError `invalid_input` with the path of a value that JSON cannot express: a BigInt, a cycle, a function. Where `encode` returns
 *   a promise, it rejects with that.
 */
export function encodeWritable<Encoded>(name: string, value: unknown, encode: (value: unknown) => Encoded): Encoded {
  function fail(cause: unknown): never {
    const path = unwritablePath(value, name) ?? name;
    throw new MarrowError("invalid_input", `${path} cannot be written as JSON`, { cause, details: { path } });
  }
  let encoded: Encoded;
  try {
    encoded = encode(value);
  } catch (cause) {
    return fail(cause);
  }
  return encoded instanceof Promise ? (encoded.catch(fail) as Encoded) : encoded;
}
