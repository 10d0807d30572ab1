import { similarityOf } from "./scale.ts";
import { wordsOf } from "./words.ts";

/** What reciprocal rank fusion adds to a rank: large enough that no single list decides alone (Cormack, Clarke, Büttcher 2009). */
const FUSION_RANK = 60;

/** An item with what it was ordered by. */
export type Scored<T> = T & { readonly score: number };

/** Fuses orders of the same kind of item by their ranks: the score of an item is the sum of 1 / (60 + rank) over the lists it is in. */
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
 * constants, over the given items alone.
 */
export function rankByWords<T>(items: readonly T[], textOf: (item: T) => string, query: string): T[] {
  const [saturation, lengthWeight] = [1.2, 0.75];
  const texts = items.map(
    (item) =>
      textOf(item)
        .normalize("NFKC")
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu) ?? [],
  );
  const mean = texts.reduce((sum, words) => sum + words.length, 0) / Math.max(1, texts.length);
  const terms = wordsOf(query);
  const sets = texts.map((words) => new Set(words));
  const weights = terms.map((term) => {
    const having = sets.filter((set) => set.has(term)).length;
    return Math.log(1 + (items.length - having + 0.5) / (having + 0.5));
  });
  return items
    .map((item, at) => {
      const words = texts[at] ?? [];
      const length = 1 - lengthWeight + (lengthWeight * words.length) / Math.max(1, mean);
      let score = 0;
      terms.forEach((term, which) => {
        if (sets[at]?.has(term) !== true) return;
        const times = words.filter((word) => word === term).length;
        score += ((weights[which] as number) * times * (saturation + 1)) / (times + saturation * length);
      });
      return { item, score };
    })
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .map(({ item }) => item);
}

/**
 * Chooses `limit` items that are good and unlike one another: each next one has the most of
 * (1 - diversity) * goodness - diversity * its greatest cosine to those chosen (Carbonell and Goldstein 1998). Goodness is the place
 * in the given order, from 1 down to 0, so it means the same on every metric.
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
