/** Ids of one request's tool calls, in the form that this API accepts. */
export interface UseIds {
  /** Returns the id of a call: the caller's own if the API accepts it and no earlier call has it. */
  ofCall(id: string): string;
  /** Returns the id of the call that a result answers: the first call with this id that has no result yet. */
  ofResult(id: string): string;
}

/**
 * Begins a request. The API accepts letters, digits, `_` and `-`, and each id once. Other makers' ids have more characters, and some
 * restart their numbering in each step. A call's id does not depend on later messages, so a growing conversation keeps its prefix for
 * prompt caching.
 */
export function createUseIds(): UseIds {
  const used = new Set<string>();
  /** Number to try next for an id that is taken. */
  const next = new Map<string, number>();
  /** Calls by the caller's id, with the number of them that have a result. */
  const calls = new Map<string, { readonly ids: string[]; answered: number }>();

  function free(id: string): string {
    if (!used.has(id)) return id;
    for (let number = next.get(id) ?? 2; ; number += 1) {
      const tried = `${id}_${number}`;
      if (used.has(tried)) continue;
      next.set(id, number + 1);
      return tried;
    }
  }

  return {
    ofCall(id) {
      const given = free(plain(id));
      used.add(given);
      const known = calls.get(id);
      if (known === undefined) calls.set(id, { ids: [given], answered: 0 });
      else known.ids.push(given);
      return given;
    },

    ofResult(id) {
      const known = calls.get(id);
      if (known === undefined) return plain(id);
      known.answered += 1;
      return known.ids[known.answered - 1] ?? known.ids.at(-1) ?? plain(id);
    },
  };
}

function plain(id: string): string {
  return id.replaceAll(/[^\w-]/g, "_");
}
