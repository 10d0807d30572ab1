import { namedField } from "../internal/named-field.ts";
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
  const field = history.length === 0 ? undefined : namedField(error);
  if (field === undefined) return error;
  const [named, index, rest = ""] = /^messages\.(\d+)(\..*)?$/s.exec(field.path) ?? [];
  if (named === undefined) return error;
  const meant = withHistory(request.messages, history, lead)[Number(index)];
  const at = meant === undefined ? -1 : request.messages.indexOf(meant);
  return field.as(at >= 0 ? `messages.${at}${rest}` : conversation === undefined ? "session" : "conversation");
}
