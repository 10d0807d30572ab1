import type { Entry } from "./lexicon.ts";

/** Bindings of a mass or abstract noun after "a" and after "the". They distinguish it from the word alone. */
export const ONE_OF = "one of";
export const THE_ONE = "the one";

/** A content word or a number, with what binds it. */
export interface Item {
  /** As written, in lower case unless `exact`. */
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
  /** Whether it stands right behind a subject or a relative pronoun: "the documents I need", "students who pass". */
  readonly hasSubject: boolean;
  /** The auxiliary right before it: the bare "be" of "to be read", another form of it, or none. */
  readonly behindBe: "be" | "is" | "";
  /** Whether it owns the word before it: "the seller's bank". */
  isOwner?: boolean;
  /** Negations and quantifiers bound to it, sorted. */
  readonly bound: readonly string[];
  /** Possessives before it: "1" for "my". */
  readonly owners: readonly string[];
}
