/** Rights to search commands, for the stand-in of FT.*: the Redis behind it knows no such commands, so it can neither grant nor check them. */

/** Which user of a stand-in may run which search commands. */
export interface SearchRights {
  /** Follows who one client is. */
  session(): {
    /** Takes the rules about search commands out of an ACL SETUSER, and keeps them here. */
    withoutSearch(words: readonly Buffer[]): Buffer[];
    /** Reads AUTH and HELLO. */
    enter(words: readonly Buffer[]): void;
    may(verb: string): boolean;
  };
}

/** Makes them; the user `default` may run all. */
export function createSearchRights(): SearchRights {
  const granted = new Map<string, Set<string>>();
  return {
    session() {
      let user = "default";
      return {
        withoutSearch(words) {
          const name = String(words[2]);
          if (!/^setuser$/i.test(String(words[1]))) return [...words];
          const rules = words.filter((word) => /^\+ft\./i.test(word.toString("latin1")));
          const known = granted.get(name) ?? new Set<string>();
          granted.set(name, known);
          for (const rule of rules) known.add(rule.toString("latin1", 1).toUpperCase());
          return words.filter((word) => !rules.includes(word));
        },
        enter(words) {
          const [verb, ...rest] = words.slice(0, 6).map(String);
          const at = rest.findIndex((word) => /^auth$/i.test(word));
          if (/^auth$/i.test(verb ?? "")) user = rest.length > 1 ? (rest[0] ?? "") : "default";
          else if (/^hello$/i.test(verb ?? "") && at >= 0) user = rest[at + 1] ?? "";
        },
        may: (verb) => user === "default" || granted.get(user)?.has(verb) === true,
      };
    },
  };
}
