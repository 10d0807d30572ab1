import { hash } from "node:crypto";
import type { ChatMessage } from "../models/index.ts";

/** Characters of a message that are compared as they are; a longer one by its digest. */
const KEY_CHARS_MAX = 256;

/**
 * The messages that a session does not hold yet. A client that resends its whole history together with a session is found out by this: the
 * messages up to some place are the session's newest turns, compared by digest from the end, and the last of them is an assistant's or a
 * tool's, which no client sends by itself. `messages` are without instructions; without history, or without such a place, all are new. Pure.
 */
export function unsaid(messages: readonly ChatMessage[], history: readonly ChatMessage[]): readonly ChatMessage[] {
  const newest = history.at(-1);
  if (newest === undefined || newest.role === "user" || messages.length < 2) return messages;
  const held = history.map(keyOf);
  const said = messages.map(keyOf);
  for (let end = messages.length - 1; end > 0; end -= 1) {
    const length = Math.min(end, held.length);
    let same = 0;
    while (same < length && said[end - 1 - same] === held[held.length - 1 - same]) same += 1;
    if (same === length) return messages.slice(end);
  }
  return messages;
}

/** What makes two messages the same: who says what, and which calls. Clients drop or add empty fields, and write texts in two ways. */
function keyOf({ role, content, tool_calls: calls, tool_call_id: callId }: ChatMessage): string {
  const named = Array.isArray(calls)
    ? (calls as readonly { readonly id?: unknown; readonly function?: unknown; readonly custom?: unknown }[]).map(
        ({ id, function: called, custom }) => [id, called ?? custom],
      )
    : [];
  const key = JSON.stringify([role, textOf(content), named, callId ?? null]);
  return key.length <= KEY_CHARS_MAX ? key : hash("sha256", key);
}

function textOf(content: unknown): unknown {
  if (content === undefined || content === null || content === "") return null;
  if (!Array.isArray(content)) return content;
  const parts = content as readonly { readonly type?: unknown; readonly text?: unknown }[];
  return parts.every(({ type, text }) => type === "text" && typeof text === "string")
    ? parts.map(({ text }) => text).join("\n")
    : parts;
}
