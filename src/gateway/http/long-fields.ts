import { CHAT_STRING_CHARS_MAX, isInPieces } from "../../internal/chat-pieces.ts";
import type { KeepsPieces } from "../../internal/lifted-texts.ts";
import { withStrings } from "../../internal/long-text.ts";

/** Fields of requests that are forwarded as they came which the gateway reads itself. */
const READ: ReadonlySet<string> = new Set(["model", "user"]);

const isForwarded: KeepsPieces = (field, chars) => chars > CHAT_STRING_CHARS_MAX && !READ.has(field);

const isOfMessages: KeepsPieces = (field, chars) =>
  isInPieces(field, chars) || isInPieces(field === "system" ? "content" : "", chars);

/** Which fields of bodies stay in pieces where they are long, by the route. Bodies of other routes have strings only. */
const ROUTES: ReadonlyMap<string, KeepsPieces> = new Map([
  ["/v1/chat/completions", isInPieces],
  ["/v1/messages", isOfMessages],
  // Payloads are written as they are, whatever their fields.
  ["/v1/tasks", isForwarded],
  ["/v1/moderations", isForwarded],
  ["/v1/images/generations", isForwarded],
  ["/v1/audio/speech", isForwarded],
  ["/v1/completions", isForwarded],
  ["/v1/rerank", isForwarded],
]);

const inPieces = new WeakSet<object>();

/** Notes that a body may have texts in pieces. */
export function noteInPieces(body: unknown): void {
  if (typeof body === "object" && body !== null) inPieces.add(body);
}

/** Returns a body as a schema reads it: with strings in the places of its long texts. V8 joins these only where a schema reads them to their end. */
export function asStrings(body: unknown): unknown {
  return typeof body === "object" && body !== null && inPieces.has(body) ? withStrings(body) : body;
}

/** Returns which long fields of a route's bodies are a `LongText`; `undefined` where none is. */
export function longFieldsOf(route: string): KeepsPieces | undefined {
  return ROUTES.get(route);
}
