import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { actsOf } from "./derivation.ts";
import { isKnownWord } from "./known-words.ts";
import { DEGREES, IRREGULAR } from "./words/irregular.ts";
import { SPELLINGS } from "./words/phrases.ts";
import { SYNONYMS } from "./words/synonyms.ts";

export type Degree = "" | "er" | "est";

/** Entry of a word in the lexicon. */
export interface Entry {
  /** The base form by which words are compared first. */
  readonly lemma: string;
  /** Base forms that the word may also be of: "meeting" is a noun, and "meet". */
  readonly also: readonly string[];
  readonly degree: Degree;
  /** Numbers of its hand-written groups. */
  readonly synonyms: readonly number[];
  /** Numbers of the groups that WordNet has it in: first senses and derivations. */
  readonly groups: readonly number[];
  /** Parts of speech, the most frequent first: `n`oun, `v`erb, `a`djective, adve`r`b. */
  readonly parts: string;
  /** Whether it is always written with a capital: "france". */
  readonly isName: boolean;
}

interface Row {
  readonly parts: string;
  readonly groups: readonly number[];
  readonly isName: boolean;
}

const NO_ROW: Row = { parts: "", groups: [], isName: false };
let table: Map<string, Row> | undefined;

/** Words that were looked up last. */
const entries = new Map<string, Entry>();
const ENTRIES_MAX = 8_192;
/** Longer ones are not remembered. */
const ENTRY_CHARS_MAX = 64;

/**
 * Returns true for a word of digits alone. No list has one, and prompts have ever new ones: they are neither looked up nor remembered.
 */
export function isDigits(word: string): boolean {
  const first = word.charCodeAt(0);
  return first >= DIGIT_ZERO && first <= DIGIT_NINE && DIGITS.test(word);
}

const [DIGIT_ZERO, DIGIT_NINE] = [0x30, 0x39] as const;
const DIGITS = /^\d+$/;

/** Looks up a word in lower case. The lexicon (77 kB) is loaded at the first call. */
export function lookUp(word: string): Entry {
  if (isDigits(word)) return { lemma: word, also: [], degree: "", synonyms: [], groups: [], parts: "", isName: false };
  let entry = entries.get(word);
  if (entry === undefined) {
    entry = makeEntry(word);
    if (entries.size >= ENTRIES_MAX) entries.clear();
    if (word.length <= ENTRY_CHARS_MAX) entries.set(word, entry);
  }
  return entry;
}

/** Whether a word, or a base form of it, stands in the dictionary. */
export function isKnown(word: string): boolean {
  return lookUp(word).parts !== "" || isKnownWord(word) || basesOf(word).some(isKnownWord);
}

function makeEntry(given: string): Entry {
  const word = american(given);
  const compared = DEGREES.get(word);
  const bases = compared === undefined ? lemmasOf(word) : [compared[0]];
  const [lemma = word, ...also] = bases;
  const rows = bases.map(rowOf);
  return {
    lemma,
    also,
    degree: compared?.[1] ?? "",
    synonyms: distinct(
      compared === undefined ? [word, ...bases].flatMap((one) => SYNONYMS.get(one) ?? []) : (SYNONYMS.get(lemma) ?? []),
    ),
    groups: distinct([...rows.flatMap(({ groups }) => groups), ...bases.flatMap(actsOf)]),
    parts: rows[0]?.parts ?? "",
    isName: rows[0]?.isName === true,
  };
}

/** Most lists have no more than one item. */
function distinct<T>(list: readonly T[]): readonly T[] {
  return list.length < 2 ? list : [...new Set(list)];
}

/** Base forms of a word, the likeliest first. */
function lemmasOf(word: string): string[] {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return [irregular];
  const own = rowOf(word);
  const bases = basesOf(word).filter((base) => rowOf(base).parts !== "");
  if (own.parts === "") return bases.length > 0 ? bases.slice(0, 1) : [guessed(word)];
  // A form that is a word of its own right ("building", "interested") is that word first. A plural or a third person is not.
  const [base] = bases;
  if (base === undefined) return [word];
  if (word.endsWith("s") && !word.endsWith("ss")) return [base];
  return /[na]/.test(own.parts[0] ?? "") || own.parts.includes("a") ? [word, base] : [base];
}

/** The base of a word that is in no lexicon: a form of a verb that a dictionary has; plurals of names and of new words lose their ending. */
function guessed(word: string): string {
  if (word.length > 5 && /(?:ed|ing)$/.test(word)) return basesOf(word).find(isKnownWord) ?? word;
  if (word.length <= 4 || !/[^sui]s$/.test(word)) return word;
  const single = word.slice(0, -1);
  return !isKnownWord(word) || SYNONYMS.has(single) ? single : word;
}

/** Returns possible base forms of a word by WordNet's detachment rules. "riding" tries "ride" before "rid". */
function basesOf(word: string): readonly string[] {
  const { length } = word;
  if (length < 4) return [];
  const found: string[] = [];
  const add = (cut: number, ending: string): void => {
    if (length - cut >= 2) found.push(word.slice(0, length - cut) + ending);
  };
  if (word.endsWith("ies")) add(3, "y");
  else if (/(?:ses|xes|zes|ches|shes)$/.test(word)) add(2, "");
  else if (word.endsWith("men")) add(3, "man");
  if (word.endsWith("s") && !/(?:ss|us|is)$/.test(word)) add(1, "");
  if (word.endsWith("ied")) add(3, "y");
  else if (word.endsWith("ed")) {
    add(2, "e");
    if (/([bdgklmnprt])\1ed$/.test(word)) add(3, "");
    add(2, "");
  }
  if (word.endsWith("ing") && length > 5) {
    add(3, "e");
    if (/([bdgklmnprt])\1ing$/.test(word)) add(4, "");
    add(3, "");
    if (word.endsWith("ying")) add(4, "ie");
  }
  return distinct(found);
}

function american(word: string): string {
  const known = SPELLINGS.get(word) ?? (word.endsWith("s") ? SPELLINGS.get(word.slice(0, -1)) : undefined);
  if (known !== undefined || !word.includes("is")) return known ?? word;
  const other = word.replace(/(?<=\w{3})(is)(?=e$|es$|ed$|ing$|ation$)/, "iz");
  return other !== word &&
    rowOf(word).parts === "" &&
    (rowOf(other).parts !== "" || basesOf(other).some((base) => rowOf(base).parts !== ""))
    ? other
    : word;
}

function rowOf(word: string): Row {
  return (table ??= readTable()).get(word) ?? NO_ROW;
}

function readTable(): Map<string, Row> {
  const file = gunzipSync(readFileSync(new URL("../../../assets/lexicon.txt.gz", import.meta.url))).toString("latin1");
  return new Map(
    file.split("\n").map((line) => {
      const [word = "", parts = "", groups = ""] = line.split(" ");
      const isName = parts.startsWith("^");
      return [
        word,
        {
          parts: isName ? parts.slice(1) : parts,
          isName,
          groups: groups === "" ? [] : groups.split(",").map((one) => Number.parseInt(one, 36)),
        },
      ];
    }),
  );
}
