import type { Entry } from "./lexicon.ts";

/** A content word or a number, with what binds it. */
export interface Item {
  /** As it was written, in lower case unless `exact`. */
  readonly word: string;
  readonly entry: Entry;
  /** Compared by its letters alone: numbers, quoted text, names in code. */
  readonly exact: boolean;
  readonly isNumber: boolean;
  /** Capitalised inside the sentence. */
  readonly isName: boolean;
  readonly degree: "" | "er" | "est" | "less";
  /** The preposition or conjunction that its phrase begins with; only the first word of a phrase has one. */
  mark: string;
  /** Whether it is the first word of a phrase. */
  starts: boolean;
  /** Negations and quantifiers bound to it, sorted. */
  readonly bound: readonly string[];
  /** Possessives before it: "1" for "my". */
  readonly owners: readonly string[];
}
