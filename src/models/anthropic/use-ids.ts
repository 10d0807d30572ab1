/** The ids of the calls of one request, as this API takes them. */
export interface UseIds {
  /** The id of a call: the caller's own where the API takes it and no call before has it. */
  ofCall(id: string): string;
  /** The id of the call that a result answers: the first one of this id that has no result yet. */
  ofResult(id: string): string;
}

/**
 * Begins a request. The API takes letters, digits, `_` and `-`, and each id once; other makers' ids have further characters, and some count their
 * calls anew in each step. The ids of calls do not depend on what follows, so that a conversation that grows begins alike for a cache of prompts.
 */
export function createUseIds(): UseIds {
  const used = new Set<string>();
  /** The number that an id which is taken is tried with next. */
  const next = new Map<string, number>();
  /** The calls of each id of the caller's, and how many of them have a result. */
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
