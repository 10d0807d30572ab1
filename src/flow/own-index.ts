import { MarrowError } from "../errors.ts";
import type { Exchange } from "./stages/exchange.ts";
import { withHistory } from "./context.ts";

/**
 * Converts an error's path in the whole chat to the path in the client's request, or names the session or conversation for one of its
 * turns. Returns any other error unchanged. Pure.
 */
export function withOwnIndex(
  error: unknown,
  { request, history, lead, conversation }: Pick<Exchange, "request" | "history" | "lead" | "conversation">,
): unknown {
  if (history.length === 0 || !MarrowError.is(error) || typeof error.details?.["path"] !== "string") return error;
  const { code, message, details, cause } = error;
  const path = details["path"] as string;
  const [named, index, rest = ""] = /^messages\.(\d+)(\..*)?$/s.exec(path) ?? [];
  if (named === undefined) return error;
  const meant = withHistory(request.messages, history, lead)[Number(index)];
  const at = meant === undefined ? -1 : request.messages.indexOf(meant);
  const own = at >= 0 ? `messages.${at}${rest}` : conversation === undefined ? "session" : "conversation";
  if (own === path) return error;
  const told = message.startsWith(path) ? own + message.slice(path.length) : message;
  return new MarrowError(code, told, { details: { ...details, path: own }, ...(cause !== undefined && { cause }) });
}
