import type { Reply } from "./connection.ts";

/** Returns the replies of a pipeline. @throws the first error among them */
export function allOf(replies: readonly (Reply | Error)[]): Reply[] {
  return replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
}

/** A stream's entry: its id, then fields and values. */
export type StreamEntry = readonly [Buffer, readonly Buffer[]];

/** Converts the reply of XREAD to entries by stream. Clients return pairs or one flat list. */
export function toStreams(reply: Reply): Map<string, readonly StreamEntry[]> {
  const found = (reply ?? []) as readonly Reply[];
  const flat = Array.isArray(found[0]) ? found.flat() : found;
  const streams = new Map<string, readonly StreamEntry[]>();
  for (let at = 0; at < flat.length; at += 2) streams.set(String(flat[at]), flat[at + 1] as readonly StreamEntry[]);
  return streams;
}

/** Converts a flat list of fields and values to a map. */
export function toFields<Value extends string | Buffer>(flat: readonly Value[]): Map<string, Value> {
  const fields = new Map<string, Value>();
  for (let at = 0; at < flat.length; at += 2) fields.set(String(flat[at]), flat[at + 1] as Value);
  return fields;
}
