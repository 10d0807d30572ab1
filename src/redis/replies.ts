import type { Reply } from "./connection.ts";

/** The answers of a pipeline. @throws the first error among them */
export function allOf(replies: readonly (Reply | Error)[]): Reply[] {
  return replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
}

/** Fields and values that came one after the other, by field. */
export function toFields<Value extends string | Buffer>(flat: readonly Value[]): Map<string, Value> {
  const fields = new Map<string, Value>();
  for (let at = 0; at < flat.length; at += 2) fields.set(String(flat[at]), flat[at + 1] as Value);
  return fields;
}
