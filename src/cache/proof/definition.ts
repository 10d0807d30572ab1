import { SETTLED } from "./align.ts";
import type { Clause } from "./clause.ts";
import type { Level } from "./level.ts";
import { kinshipOf } from "./partners.ts";

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
