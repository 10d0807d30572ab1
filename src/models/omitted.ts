import { malformed } from "./failures.ts";

/** Types that are told of one answer, and characters of each. */
const [TYPES_MAX, TYPE_CHARS_MAX] = [32, 64];

/** The parts of one answer that chat completions have no place for. */
export interface Omissions {
  /** Notes one by its type. */
  add(type: unknown): void;
  /**
   * What a message says of them: `omitted` with each type once, nothing where there are none.
   * @throws MarrowError `model_failed` where the answer said nothing else
   */
  told(saysMore: boolean): { readonly omitted?: readonly string[] };
}

/** Begins to note what an answer is told without. `part`: what its maker calls its parts. */
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
