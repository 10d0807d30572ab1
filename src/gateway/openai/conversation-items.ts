import { MarrowError } from "../../errors.ts";
import { lostError, lostResults } from "../../flow/index.ts";
import type { Session, Turn } from "../../memory/index.ts";
import { fromItemId, toItems, type ConversationItem } from "./kept-items.ts";

/** Position of an item in a conversation: its turn's sequence number, and its index in that turn. */
export interface ItemPlace {
  readonly sequence: number;
  readonly at: number;
}

/** Returns one item of a conversation, with the sequence number of its turn. @throws MarrowError `not_found` */
export async function findItem(
  session: Session,
  id: string,
): Promise<{ readonly item: ConversationItem; readonly sequence: number }> {
  const place = fromItemId(session.id, id);
  if (place === undefined) return seekItem(session, id);
  const { sequence, at } = place;
  if (sequence < 1) throw noItem();
  const { turns } = await session.read({ after: sequence - 1, before: sequence + 1, limit: 1 });
  const item = turns[0] === undefined ? undefined : toItems(turns[0], session.id)[at];
  if (item === undefined || item.id !== id) throw noItem();
  return { item, sequence };
}

/** Returns the position of an item of this conversation. @throws MarrowError `not_found` for any other id */
export async function placeOf(session: Session, id: string): Promise<ItemPlace> {
  const place = fromItemId(session.id, id) ?? (await seekItem(session, id));
  if (place.sequence < 1) throw noItem();
  return place;
}

/** The id of an item of a response: the same in its conversation. */
const OF_RESPONSE = /^[a-z]+_[0-9a-f]{48}[io]\d{1,5}$/;
/** Turns in which such an id is looked for, newest first, and how many are read at a time. */
const [SOUGHT_MAX, SOUGHT_READ] = [1_000, 20];

/** Searches an item that a response named, because its id does not contain its position here. @throws MarrowError `not_found` */
async function seekItem(session: Session, id: string): Promise<ItemPlace & { readonly item: ConversationItem }> {
  if (!OF_RESPONSE.test(id)) throw noItem();
  let before: number | undefined;
  for (let sought = 0; sought < SOUGHT_MAX; sought += SOUGHT_READ) {
    const { turns, oldest, version } = await session.read({
      from: "newest",
      limit: SOUGHT_READ,
      ...(before !== undefined && { before }),
    });
    for (const kept of turns.toReversed())
      for (const [at, item] of toItems(kept, session.id).entries())
        if (item.id === id) return { sequence: kept.sequence, at, item };
    before = (before ?? version + 1) - SOUGHT_READ;
    if (before <= oldest) break;
  }
  throw noItem();
}

/** Turns in which the calls of results are looked for. */
const CALLS_READ = 200;

/**
 * Refuses tool results without an open call, because no model would accept them. `session` has the conversation's turns; no round trip if
 * the new turns are complete by themselves. In a conversation that is too long to read, the call may precede the read part.
 * @throws MarrowError `invalid_input`
 */
export async function checkResults(turns: readonly Turn[], session: Session | undefined): Promise<void> {
  const alone = lostResults(turns)[0];
  if (alone === undefined) return;
  const held = session === undefined ? [] : (await session.window({ last: CALLS_READ })).turns;
  const isCut = held.length === CALLS_READ;
  const lost = lostResults([...held, ...turns]).find(
    ({ at, why }) => at >= held.length && (why === "answered" || !isCut),
  );
  if (lost !== undefined) throw lostError(lost, `items.${lost.at - held.length}.call_id`);
}

function noItem(): MarrowError {
  return new MarrowError("not_found", "there is no item of this id in the conversation");
}
