import type { FoundItem, ReadItem } from "../driver.ts";
import type { Near } from "./copy.ts";

/** What a search found, and whether that is all that it should. */
export interface Settled {
  readonly found: readonly FoundItem[];
  /** Whether nothing nearer may have been overlooked, and nothing is wanting that the copy could give. */
  readonly complete: boolean;
}

/**
 * Makes an answer of what is near by a copy and what was read from Redis at the moment that the copy shows. What is near but was not read
 * may be there or not; where too little is left of what was read, there may be more beyond it: both call for another reading.
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
  /** How many the copy was asked for: fewer means that it has no more. */
  readonly room: number;
  readonly limit: number;
  /** By id; `undefined` for what is not there. */
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
