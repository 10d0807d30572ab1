/** A piece of a sentence. */
export interface Token {
  /** The compared form: lower case, unless it is `exact`. */
  readonly text: string;
  /** The original form. */
  readonly raw: string;
  /** `stop` ends or divides a sentence and has no other meaning. */
  readonly kind: "word" | "number" | "symbol" | "stop";
  /** Compared to the letter: quoted text, names in code, addresses. */
  readonly exact: boolean;
  /** A possessive: "Mozart's". */
  readonly owner: boolean;
}

/** Whether a word begins with a capital. */
export function isCapital(raw: string): boolean {
  const code = raw.charCodeAt(0);
  return code < 128 ? code >= 65 && code <= 90 : /^\p{Lu}/u.test(raw);
}

/** A plain word, or a number where it begins with a digit. */
export function plain(word: string): Token {
  return /^\d/.test(word)
    ? { text: word, raw: word, kind: "number", exact: true, owner: false }
    : { text: word, raw: word, kind: "word", exact: false, owner: false };
}

/** A sign that counts. */
export function symbol(raw: string): Token {
  return { text: raw, raw, kind: "symbol", exact: true, owner: false };
}
