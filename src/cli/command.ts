/** A flag of a command. */
export interface Flag {
  /** Name of its value in help: `NAME`, `FILE`. Absent for a switch. */
  readonly takes?: string;
  /** The only values that it may have. */
  readonly values?: readonly string[];
  readonly default?: string;
  /** Whether the command refuses to run without it. */
  readonly isNeeded?: boolean;
}

/** One thing that a command does. */
export interface Act {
  readonly says: string;
  /** Arguments other than flags; `[X]` is optional. */
  readonly takes: readonly string[];
  readonly flags: ReadonlyMap<string, Flag>;
}

/** A command of `marrow`. Its acts by their word; the word of the only one may be empty. */
export interface Command {
  readonly says: string;
  readonly acts: ReadonlyMap<string, Act>;
}

/** Parsed arguments of a command. */
export interface Given {
  readonly act: string;
  readonly positionals: readonly string[];
  /** The value of a flag, its default, or `undefined`. */
  readonly text: (flag: string) => string | undefined;
  /** Whether a switch was given. */
  readonly has: (flag: string) => boolean;
}

/** One line that shows how an act is called. Pure. */
export function usageOf(name: string, word: string, { takes, flags }: Act): string {
  const parts = [...flags].map(([flag, { takes: value, values, isNeeded = false }]) => {
    const text = value === undefined ? `--${flag}` : `--${flag} ${values?.join("|") ?? value}`;
    return isNeeded ? text : `[${text}]`;
  });
  return ["marrow", name, word, ...takes, ...parts].filter((part) => part !== "").join(" ");
}
