import { malformed } from "./failures.ts";

/** Most omitted types reported per answer, and most characters of each. */
const [TYPES_MAX, TYPE_CHARS_MAX] = [32, 64];

/** Parts of one answer without a place in chat completions. */
export interface Omissions {
  /** Records a part by its type. */
  add(type: unknown): void;
  /**
   * Returns `omitted` with each type once for a message; empty if nothing was omitted.
   * @throws MarrowError `model_failed` if the answer has no other content
   */
  told(saysMore: boolean): { readonly omitted?: readonly string[] };
}

/** Records the parts that are omitted from an answer. `part`: the API's name for its parts. */
export function createOmissions(part: "block" | "item"): Omissions {
  const types = new Set<string>();
  return {
    add(type) {
      if (types.size < TYPES_MAX) types.add(String(type).slice(0, TYPE_CHARS_MAX));
    },
    told(saysMore) {
      if (types.size === 0) return {};
      if (!saysMore) throw malformed(`its answer holds only a ${part} of type ${[...types].join(", ")}`);
      return { omitted: [...types] };
    },
  };
}
