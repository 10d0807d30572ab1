import { SETTLED } from "./align.ts";
import type { Clause, Item } from "./clause.ts";
import type { Level } from "./level.ts";
import { kinshipOf } from "./partners.ts";

/** Content words of a question that asks what they mean, at most. A longer one says more about them. */
const DEFINED_MAX = 2;

/** Whether content words are something that a question asks the meaning of: one or two, without a phrase behind them. */
export function isDefined(items: readonly Item[]): boolean {
  return items.length <= DEFINED_MAX && items.every(({ mark, owners }) => mark === "" && owners.length === 0);
}

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
  // What is written as one word or by its initials has no partner of its own.
  if (left.includes(SETTLED) || right.includes(SETTLED)) return false;
  return a.items.some((item, at) => {
    const other = b.items[right.indexOf(left[at] as number)];
    const kinship = other === undefined ? undefined : kinshipOf(item, other, level);
    // "What is a physician" asks what a doctor is.
    return kinship !== 1 && kinship !== 5 && !(kinship === 3 && a.items.length === 1);
  });
}
