import { lookUp } from "./lexicon.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";

/** Use of capitals in a sentence. */
export interface Capitals {
  /** Whether it has no capitals after its first letter except "I", so that it cannot differ from another such sentence. */
  readonly isPlain: boolean;
  readonly words: () => Written;
  /** Abbreviated units as they are written, each with its number: "Mb", "5m". */
  readonly units: readonly string[];
}

/** Words as they are written. */
interface Written {
  /** `small`: there is no capital at all. `all`: each word, or each letter, is one. Then they say nothing. */
  readonly style: "small" | "all" | "some";
  /** Words behind the first one by their base form. */
  readonly byBase: ReadonlyMap<string, ReadonlySet<string>>;
}

const WORD = /\p{L}[\p{L}\p{M}]*(?![\p{L}\p{M}\p{N}_])/gu;
/** Words from which all capitals say that nothing is meant by them. */
const TITLED_FROM = 3;
const UNIT = /\d+ ?[A-Za-zµ]{1,3}(?![A-Za-z0-9'’])|\b[KMGTkmgt][Bb](?:ps)?(?![A-Za-z0-9])/g;

const MAY_HAVE_UNITS = /\d|[KMGTkmgt][Bb]/;
const NO_UNITS: readonly string[] = [];

/** Reads where a sentence has capitals. Linear. */
export function readCapitals(sentence: string): Capitals {
  let words: Written | undefined;
  return {
    isPlain: hasNone(sentence),
    words: () => (words ??= readWritten(sentence)),
    units: toUnits(sentence),
  };
}

/** Whether a text is ASCII without any capital but "I" and its first letter: most are. */
function hasNone(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 128) return false;
    if (at === 0 || code < 65 || code > 90) continue;
    if (code !== 73 || text[at - 1] !== " " || (text[at + 1] ?? " ") !== " ") return false;
  }
  return true;
}

function readWritten(sentence: string): Written {
  const byBase = new Map<string, Set<string>>();
  const words = [...sentence.matchAll(WORD)];
  let [content, titled] = [0, 0];
  for (const [at, { 0: word }] of words.entries()) {
    const small = word.toLowerCase();
    if (at === 0 || small === "i") continue;
    const isCapital = word[0] !== small[0];
    if (small.length > 2 && !FUNCTION_WORDS.has(small)) {
      content += 1;
      if (isCapital) titled += 1;
    }
    const { lemma } = lookUp(small);
    byBase.set(lemma, (byBase.get(lemma) ?? new Set()).add(word));
  }
  const hasCapitals = words.some(({ 0: word }) => word !== "I" && word !== word.toLowerCase());
  const isTitle = (content >= TITLED_FROM && titled === content) || (words.length > 1 && !/\p{Ll}/u.test(sentence));
  return { style: hasCapitals ? (isTitle ? "all" : "some") : "small", byBase };
}

/**
 * Returns true if capitals distinguish two sentences with the same words: "apple" and "Apple", "march" and "March", "5 m" and "5 M". They
 * do not matter for a name that is no common word ("france"), or if a sentence is in capitals, or has none and no word that is often both.
 */
export function capitalsDiffer(a: Capitals, b: Capitals): boolean {
  if (unitsDiffer(a.units, b.units)) return true;
  return !(a.isPlain && b.isPlain) && wordsDiffer(a.words(), b.words());
}

function wordsDiffer(a: Written, b: Written): boolean {
  for (const [lemma, ours] of a.byBase) {
    const theirs = b.byBase.get(lemma);
    if (theirs === undefined) continue;
    const [own, other] = [caseOf(ours), caseOf(theirs)];
    if (own === other || own === "both" || other === "both") continue;
    const [low, high] = own === "low" ? [a, b] : [b, a];
    if (high.style === "all") continue;
    const words = [...ours, ...theirs].map((word) => word.toLowerCase());
    if (low.style === "small" ? words.some((word) => OFTEN_BOTH.has(word)) : words.some(isCommon)) return true;
  }
  return false;
}

function caseOf(words: ReadonlySet<string>): "low" | "high" | "both" {
  const high = [...words].filter((word) => word[0] !== word[0]?.toLowerCase()).length;
  return high === 0 ? "low" : high === words.size ? "high" : "both";
}

/** A word that is no name, or not only one. */
function isCommon(word: string): boolean {
  const { parts, isName } = lookUp(word);
  return (parts !== "" && !isName && !MEANT_ALIKE.has(word)) || ALSO_NAMES.has(word);
}

/** Words without a part of speech of their own that are names, too. */
const ALSO_NAMES = new Set("us it up her them who sim led".split(" "));

/** Units in the order of their letters and numbers; those without a number, as in "how many Mb", stand before the others. */
function toUnits(sentence: string): readonly string[] {
  if (!MAY_HAVE_UNITS.test(sentence)) return NO_UNITS;
  return (sentence.match(UNIT) ?? [])
    .map((unit) => unit.replace(" ", ""))
    .toSorted((a, b) => Number(/^\d/.test(a)) - Number(/^\d/.test(b)) || (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
}

function unitsDiffer(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  return a.some((given, at) => {
    const [unit, other] = [given, b[at] as string].map((one) => one.replace(/^\d+/, "")) as [string, string];
    if (unit === other || unit.toLowerCase() !== other.toLowerCase()) return false;
    if (SAFE_UNITS.has(unit.toLowerCase())) return false;
    const isPlain = (one: string) => one === one.toLowerCase() || one === one.toUpperCase();
    return !(BYTES.test(unit) && isPlain(unit) && isPlain(other));
  });
}

/** Bytes, which are often written in small letters; "Mb" is a bit. */
const BYTES = /^[kmgt]b$/i;
/** Units that are no other ones in capitals. */
const SAFE_UNITS = new Set(
  "km kg cm ft in lb lbs oz usd eur gbp jpy am pm mph kph px l ml c f h hr min hz w v kw kwh to is of or and the for on at by as do st nd rd th".split(
    " ",
  ),
);

/** Common words whose capital does not matter, because the name is nearly always meant. */
const MEANT_ALIKE = new Set(
  "python javascript bash git docker linux internet web email wifi bluetooth sql html css php perl excel google facebook spring summer autumn winter sun moon earth god bible mom dad president king queen pope university college danish english french swiss".split(
    " ",
  ),
);
/** Names that are as often common words: even who writes no capitals may mean either. */
const OFTEN_BOTH = new Set(
  (
    "turkey china apple apples windows window go rust swift march may august aids aid polish target gap visa amazon oracle oracles mercury giants giant eagles eagle jaguars jaguar ford us it who " +
    "word access office teams team cars car frozen house lost friends friend yesterday money bridge doors door saturn jupiter venus pluto mars bill mark rose will grace hope faith joy frank jack " +
    "pat sue rob chase drew grant penny ruby java amber jasmine violet iris lily daisy olive pearl crystal dawn jordan chad guinea nice reading bath cork " +
    "mobile orange phoenix buffalo reunion job jobs cook gates bush brown green white black gray young king page stone wood field " +
    "shell subway uber lyft slack zoom discord signal meta edge chrome safari opera square stripe notion spark spring express react node angular ember hive pig chef puppet salt vault consul " +
    "cat cats sad sim arm arms pin led pet sat act art bar bat cab cap care chip cop cure dare dna fat fit gas hip ice idea jet laser map mice nap nose pace pie race rap rest sap scuba seal soap spa star tip wasp " +
    "magic heat thunder jazz rockets nets nuggets wizards kings suns bulls bears lions tigers panthers rams orioles saints titans colts browns bills jets ravens falcons cardinals angels twins royals astros reds cubs braves stars wild ducks sharks flames " +
    "time life people fortune nature science cell monopoly risk sorry trouble clue battleship cube saw alien aliens jaws up her us gravity psycho inception parasite titanic avatar platoon"
  ).split(" "),
);
