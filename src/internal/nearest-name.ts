import { editDistance } from "./edit-distance.ts";

/** Returns the name that differs in the fewest letters, if they are few. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((other) => [editDistance(name.toLowerCase(), other.toLowerCase()), other] as const)
    .toSorted(([a], [b]) => a - b);
  const [distance = Infinity, nearest] = ranked[0] ?? [];
  return distance <= Math.max(2, name.length / 2) ? nearest : undefined;
}
