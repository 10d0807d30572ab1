import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Valid ids of callers: they are written to logs and headers, so all others are rejected. */
const SAFE_ID = /^[\w.:/=+-]{1,128}$/;

/** Returns the id of a request: the caller's `x-request-id` if it is safe to repeat, else a new one. Every response has it. */
export function toRequestId({ headers }: Pick<IncomingMessage, "headers">): string {
  const sent = headers["x-request-id"];
  return typeof sent === "string" && SAFE_ID.test(sent) ? sent : randomUUID();
}
