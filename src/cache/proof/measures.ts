import type { Item } from "./item.ts";
import { lookUp } from "./lexicon.ts";
import { UNITS } from "./words/phrases.ts";

const MEASURED = new Set(
  "population area density price cost rate elevation number amount size salary score rating temperature speed depth length value volume percentage income altitude height weight capacity level concentration interest gdp revenue balance fee share duration age distance".split(
    " ",
  ),
);
/** Returns true for a measured quantity: a price, a height, a number of people. */
export function isMeasured(item: Item | undefined): boolean {
  return item !== undefined && !item.exact && MEASURED.has(item.entry.lemma);
}

const HIGH = new Set(["high", "large", "great", "big", "many"]);
const LOW = new Set(["low", "small", "little"]);

/** Highest, greatest and largest are one before something that is measured; so are lowest, smallest and least. */
export function withMeasures(items: readonly Item[]): readonly Item[] {
  if (!items.some(({ degree }) => degree === "est" || degree === "er")) return items;
  return items.map((item, at) => {
    if (item.degree !== "est" && item.degree !== "er") return item;
    const lemma = HIGH.has(item.entry.lemma) ? "high" : LOW.has(item.entry.lemma) ? "low" : undefined;
    if (lemma === undefined) return item;
    const nouns = [items[at + 1], items[at + 2]];
    const measured = nouns.some(
      (noun, nth) =>
        noun !== undefined &&
        (nth === 0 || nouns[0]?.starts !== true) &&
        noun.mark === "" &&
        MEASURED.has(noun.entry.lemma),
    );
    return measured ? { ...item, word: lemma, entry: lookUp(lemma) } : item;
  });
}

const COUNTS = new Set(["amount", "quantity"]);

/** An amount of several things is their number; the amount of a payment is not. */
export function withCounts(items: readonly Item[]): readonly Item[] {
  if (!items.some(({ entry }) => COUNTS.has(entry.lemma))) return items;
  return items.map((item, at) => {
    const counted = items[at + 1];
    if (!COUNTS.has(item.entry.lemma) || item.exact || counted?.mark !== "of") return item;
    const isPlural = counted.word.endsWith("s") && counted.word !== counted.entry.lemma;
    return isPlural ? { ...item, word: "number", entry: lookUp("number") } : item;
  });
}

/** Words that are units behind a number. */
export const MEASURES: ReadonlySet<string> = new Set([
  ...UNITS.values(),
  ..."minute hour day week month year decade century yard mile cup pint gallon byte bit percent degree star person people room bed night page word".split(
    " ",
  ),
]);
