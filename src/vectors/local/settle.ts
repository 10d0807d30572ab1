import type { FoundItem, ReadItem } from "../driver.ts";
import type { Near } from "./copy.ts";

/** Results of a search, and whether they are complete. */
export interface Settled {
  readonly found: readonly FoundItem[];
  /** Whether the result is complete: no nearer item was missed, and none that the copy could return is lacking. */
  readonly complete: boolean;
}

/**
 * Combines the copy's near items with those read from Redis at the same version. An item that was not read may have been deleted; if too
 * few remain, there may be others beyond. Both require another read.
 */
export function settle({
  near,
  room,
  limit,
  read,
  allows,
}: {
  /** Nearest first. */
  readonly near: readonly Near[];
  /** Number of items requested from the copy; fewer results mean that it has no more. */
  readonly room: number;
  readonly limit: number;
  /** By id; `undefined` for missing items. */
  readonly read: ReadonlyMap<string, ReadItem | undefined>;
  readonly allows: (item: ReadItem) => boolean;
}): Settled {
  const found: FoundItem[] = [];
  let unread = false;
  for (const { id, similarity } of near) {
    if (found.length === limit) break;
    const item = read.get(id);
    if (!read.has(id)) unread = true;
    if (item !== undefined && allows(item)) found.push({ id, similarity, record: item.record, vector: item.vector });
  }
  return { found, complete: !unread && (found.length === limit || near.length < room) };
}
