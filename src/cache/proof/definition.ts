import { SETTLED } from "./align.ts";
import type { Clause, Item } from "./clause.ts";
import type { Level } from "./level.ts";
import { kinshipOf } from "./partners.ts";
import { isHead } from "./roles.ts";
import { COMPOUNDS } from "./words/compounds.ts";

/**
 * Whether two questions what something is ask about other words. A word has its meaning from its neighbour there: a smart phone is no clever
 * phone, a leading indicator no lead indicator, and milk chocolate no chocolate milk. Symmetric.
 */
export function definitionsDiffer(
  a: Clause,
  left: readonly number[],
  b: Clause,
  right: readonly number[],
  level: Level,
): boolean {
  // A Boston terrier is no terrier in Boston; the capital of France is France's capital.
  if (a.defines !== b.defines && isMoved(left, right) && !isHeaded(a.defines ? a : b)) return true;
  // A word written as one, or as initials, has no partner of its own.
  if (left.includes(SETTLED) || right.includes(SETTLED)) return false;
  if (a.items.length !== b.items.length) return true;
  return a.items.some((item, at) => {
    const other = b.items[right.indexOf(left[at] as number)];
    const kinship = other === undefined ? undefined : kinshipOf(item, other, level);
    // "What is a physician" asks what a doctor is.
    return kinship !== 1 && kinship !== 5 && !(kinship === 3 && a.items.length === 1);
  });
}

function isMoved(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.some((pair, at) => pair !== right[at]);
}

function isHeaded({ items }: Clause): boolean {
  const last = items.at(-1);
  return last !== undefined && isHead(last);
}

/** Whether two sentences differ in a word that is a part of a name: "fast food" and "quick food". Symmetric. */
export function compoundsDiffer(a: Clause, left: readonly number[], b: Clause, right: readonly number[]): boolean {
  if (left.includes(SETTLED) || right.includes(SETTLED)) return false;
  return a.items.some((item, at) => {
    const to = (left[at] as number) < 0 ? -1 : right.indexOf(left[at] as number);
    const other = b.items[to];
    if (other === undefined || item.entry.lemma === other.entry.lemma) return false;
    return isOfName(item, a.items[at + 1]) || isOfName(other, b.items[to + 1]);
  });
}

function isOfName({ entry }: Item, next: Item | undefined): boolean {
  return next !== undefined && next.mark === "" && COMPOUNDS.get(entry.lemma)?.has(next.entry.lemma) === true;
}
