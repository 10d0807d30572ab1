import { mapInSlices } from "../internal/time-slice.ts";
import { similarityOf } from "./scale.ts";
import { wordsOf } from "./words.ts";
import { normalise } from "../internal/normalise.ts";

/** Constant of reciprocal rank fusion: large enough that no single list decides alone (Cormack, Clarke, Büttcher 2009). */
const FUSION_RANK = 60;

/** An item with its score. */
export type Scored<T> = T & { readonly score: number };

/** Fuses several orders of the same kind of item by their ranks: an item's score is the sum of 1 / (60 + rank) over its lists. */
export function fuse<T extends { readonly id: string }>(lists: readonly (readonly T[])[]): Scored<T>[] {
  const fused = new Map<string, { item: T; score: number }>();
  for (const list of lists) {
    list.forEach((item, at) => {
      const known = fused.get(item.id);
      const score = (known?.score ?? 0) + 1 / (FUSION_RANK + at + 1);
      fused.set(item.id, { item: known?.item ?? item, score });
    });
  }
  return [...fused.values()].toSorted((a, b) => b.score - a.score).map(({ item, score }) => ({ ...item, score }));
}

/**
 * Orders items by the words that they share with a query, best first, those that share none left out. BM25 with its usual
 * constants, over the given items alone. Reads each text once, and lets other work run between texts.
 */
export async function rankByWords<T>(items: readonly T[], textOf: (item: T) => string, query: string): Promise<T[]> {
  const [saturation, lengthWeight] = [1.2, 0.75];
  const terms = wordsOf(query);
  const places = new Map(terms.map((term, at) => [term, at]));
  const texts = await mapInSlices(items, (item) => countTerms(textOf(item), places));
  const mean = texts.reduce((sum, { words }) => sum + words, 0) / Math.max(1, texts.length);
  const weights = terms.map((_, which) => {
    const having = texts.filter(({ times }) => (times[which] as number) > 0).length;
    return Math.log(1 + (items.length - having + 0.5) / (having + 0.5));
  });
  return items
    .map((item, at) => {
      const { words, times } = texts[at] as Counted;
      const length = 1 - lengthWeight + (lengthWeight * words) / Math.max(1, mean);
      let score = 0;
      for (const [which, count] of times.entries())
        if (count > 0) score += ((weights[which] as number) * count * (saturation + 1)) / (count + saturation * length);
      return { item, score };
    })
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .map(({ item }) => item);
}

/** Number of words in a text, and the frequency of each term. */
interface Counted {
  readonly words: number;
  readonly times: readonly number[];
}

function countTerms(text: string, places: ReadonlyMap<string, number>): Counted {
  const times = Array.from({ length: places.size }, () => 0);
  let words = 0;
  for (const [word] of normalise(text, "NFKC")
    .toLowerCase()
    .matchAll(/[\p{L}\p{N}]+/gu)) {
    words += 1;
    const place = places.get(word);
    if (place !== undefined) times[place] = (times[place] as number) + 1;
  }
  return { words, times };
}

/**
 * Selects `limit` items that are good and unlike one another. Each next item maximises (1 - diversity) * goodness - diversity * its
 * greatest cosine to the selected ones (Carbonell and Goldstein 1998). Goodness is the position in the given order, from 1 down to 0, so it
 * means the same on every metric.
 */
export function diversify<T extends { readonly vector?: Float32Array | undefined }>(
  items: readonly T[],
  diversity: number,
  limit: number,
): T[] {
  const left = items.map((item, at) => ({ item, goodness: 1 - at / items.length, alike: 0 }));
  const chosen: T[] = [];
  while (chosen.length < limit && left.length > 0) {
    const worth = ({ goodness, alike }: (typeof left)[number]) => (1 - diversity) * goodness - diversity * alike;
    const best = left.reduce((a, b) => (worth(b) > worth(a) ? b : a));
    left.splice(left.indexOf(best), 1);
    chosen.push(best.item);
    for (const other of left) {
      if (best.item.vector === undefined || other.item.vector === undefined) continue;
      const cosine = similarityOf("cosine", best.item.vector, other.item.vector);
      if (Number.isFinite(cosine)) other.alike = Math.max(other.alike, cosine);
    }
  }
  return chosen;
}
