/** Reason why there is no proof that one answer serves two prompts. */
export type Veto =
  /** A prompt is in an unsupported language or script, or has too many unknown words. */
  | "unreadable"
  /** The instructions, documents or quoted blocks around the questions differ, or common ones are in another order. */
  | "context"
  /** One prompt asks for something in addition. */
  | "added"
  /** No words are left to compare. */
  | "empty"
  /** Too many words are left to compare. */
  | "length"
  /** They ask for different kinds of answers: how many, who, a list, yes or no. */
  | "question"
  | "number"
  | "negation"
  /** Operators, emoji and other signs differ. */
  | "symbol"
  /** Capitals differ where they distinguish a name from a word, or one unit from another. */
  | "capitals"
  | "tense"
  /** One says what must be, the other what may be. */
  | "modality"
  | "person"
  | "conjunction"
  | "preposition"
  /** Quantifiers such as "all", "some", "only", "still" differ, or precede other words. */
  | "quantifier"
  /** A word of one prompt has no partner in the other. */
  | "words"
  /** The same words have different roles. */
  | "roles";
