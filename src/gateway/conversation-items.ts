import { MarrowError } from "../errors.ts";
import type { Session } from "../memory/index.ts";
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

/** The place that an id of this conversation names. @throws MarrowError `not_found` for any other id */
export function placeOf(conversation: string, item: string): { readonly sequence: number; readonly at: number } {
  const place = fromItemId(conversation, item);
  if (place === undefined || place.sequence < 1) throw noItem();
  return place;
}

function noItem(): MarrowError {
  return new MarrowError("not_found", "there is no item of this id in the conversation");
}
