/** Why there is no proof that one answer serves two prompts. */
export type Veto =
  /** A prompt is in a language or script that is not compared, or has too many unknown words. */
  | "unreadable"
  /** The instructions, documents or quoted blocks around the questions differ, or the shared ones stand in another order. */
  | "context"
  /** One prompt asks for something beside what both ask for. */
  | "added"
  /** Nothing is left to compare. */
  | "empty"
  /** Too much is left to compare. */
  | "length"
  /** They ask for different kinds of things: how many, who, a list, yes or no. */
  | "question"
  | "number"
  | "negation"
  /** Operators, emoji and other signs differ. */
  | "symbol"
  /** A capital tells a name from a word, or a unit from another one. */
  | "capitals"
  | "tense"
  /** One says what must be, the other one what may be. */
  | "modality"
  | "person"
  | "conjunction"
  | "preposition"
  /** "all" and "some", "only", "still" are not the same ones, or not before the same words. */
  | "quantifier"
  /** A word of one prompt has no partner in the other. */
  | "words"
  /** The same words stand in other roles. */
  | "roles";
