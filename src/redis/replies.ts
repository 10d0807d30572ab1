import type { Reply } from "./connection.ts";

/** The answers of a pipeline. @throws the first error among them */
export function allOf(replies: readonly (Reply | Error)[]): Reply[] {
  return replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
}
