import { MarrowError } from "../../errors.ts";
import { lostError, lostResults } from "../../flow/index.ts";
import type { Session, Turn } from "../../memory/index.ts";
import { fromItemId, toItems, type ConversationItem } from "./items.ts";

/** One item of a conversation, with the sequence number of its turn. @throws MarrowError `not_found` */
export async function findItem(
  session: Session,
  id: string,
): Promise<{ readonly item: ConversationItem; readonly sequence: number }> {
  const { sequence, at } = placeOf(session.id, id);
  const { turns } = await session.read({ after: sequence - 1, before: sequence + 1, limit: 1 });
  const item = turns[0] === undefined ? undefined : toItems(turns[0], session.id)[at];
  if (item === undefined || item.id !== id) throw noItem();
  return { item, sequence };
}

/** Turns in which the calls of results are looked for. */
const CALLS_READ = 200;

/**
 * Refuses results of tools whose call nobody made, or that have a result already: no model could be told of them. `session` is what the
 * conversation holds; no round trip where the new turns are whole by themselves. Where it is too long to be read, a call may lie before.
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

/** The place that an id of this conversation names. @throws MarrowError `not_found` for any other id */
export function placeOf(conversation: string, item: string): { readonly sequence: number; readonly at: number } {
  const place = fromItemId(conversation, item);
  if (place === undefined || place.sequence < 1) throw noItem();
  return place;
}

function noItem(): MarrowError {
  return new MarrowError("not_found", "there is no item of this id in the conversation");
}
