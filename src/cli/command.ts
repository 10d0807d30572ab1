/** A flag of a command. */
export interface Flag {
  /** Name of its value in help: `NAME`, `FILE`. Absent for a switch. */
  readonly takes?: string;
  /** Allowed values. */
  readonly values?: readonly string[];
  readonly default?: string;
  /** Whether the flag is required. */
  readonly isNeeded?: boolean;
}

/** An act of a command. */
export interface Act {
  readonly says: string;
  /** Arguments other than flags; `[X]` is optional. */
  readonly takes: readonly string[];
  readonly flags: ReadonlyMap<string, Flag>;
}

/** A command of `marrow` with its acts by name; a single act may have an empty name. */
export interface Command {
  readonly says: string;
  readonly acts: ReadonlyMap<string, Act>;
}

/** Parsed arguments of a command. */
export interface Given {
  readonly act: string;
  readonly positionals: readonly string[];
  /** Returns the value of a flag, its default, or `undefined`. */
  readonly text: (flag: string) => string | undefined;
  /** Returns true if a switch was given. */
  readonly has: (flag: string) => boolean;
}

/** Formats the usage line of an act. Pure. */
export function usageOf(name: string, word: string, { takes, flags }: Act): string {
  const parts = [...flags].map(([flag, { takes: value, values, isNeeded = false }]) => {
    const text = value === undefined ? `--${flag}` : `--${flag} ${values?.join("|") ?? value}`;
    return isNeeded ? text : `[${text}]`;
  });
  return ["marrow", name, word, ...takes, ...parts].filter((part) => part !== "").join(" ");
}
