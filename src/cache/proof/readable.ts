import { isKnown } from "./lexicon.ts";
import { ALSO_ENGLISH, FOREIGN } from "./words/function-words.ts";

/** Share of letters that must be Latin. */
const LATIN_MIN = 0.9;
/** Share of words that may be function words of other languages. */
const FOREIGN_MAX = 0.15;
/** Share of words in small letters that no dictionary of English has. */
const UNKNOWN_MAX = 0.5;

const WORDS = /(?<![\p{L}\p{N}_.@/-])[\p{L}\p{M}']+(?![\p{L}\p{N}_@/]|\.\p{L})/gu;
const ASCII_WORDS = /(?<![a-zA-Z0-9_.@/-])[a-zA-Z']+(?![a-zA-Z0-9_@/]|\.[a-zA-Z])/g;

/** Returns true if a text can be compared as English: by its letters, its function words, and the fraction of known words. Linear. */
export function isReadable(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- ASCII is asked for, control characters included
  const isAscii = /^[\x00-\x7F]*$/.test(text);
  if (!isAscii) {
    const letters = text.match(/\p{L}/gu)?.length ?? 0;
    const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
    if (letters > 0 && latin / letters < LATIN_MIN) return false;
  }
  const words = text.match(isAscii ? ASCII_WORDS : WORDS) ?? [];
  if (words.length < 2) return true;
  const isMixed = /\p{Ll}{3}/u.test(text);
  let [foreign, small, unknown] = [0, 0, 0];
  for (const word of words) {
    const lower = word.toLowerCase();
    // "ER" and "MIT" beside small letters are abbreviations.
    const isAbbreviation = isMixed && word.length > 1 && word === word.toUpperCase();
    if (FOREIGN.has(lower) && !ALSO_ENGLISH.has(lower) && !isAbbreviation) foreign += 1;
    if (word !== lower || lower.length < 3) continue;
    small += 1;
    if (!isKnown(lower.includes("'") ? lower.replaceAll("'", "") : lower)) unknown += 1;
  }
  if (foreign >= 1 && foreign / words.length > FOREIGN_MAX) return false;
  return small < 6 || unknown / small <= UNKNOWN_MAX;
}
