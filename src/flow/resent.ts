import { hash } from "node:crypto";
import type { ChatMessage } from "../models/index.ts";

/** Longest message that is compared as text; a longer one is compared by its digest. */
const KEY_CHARS_MAX = 256;

/**
 * Returns the messages that a session does not have yet, also if the client resends its history together with a session.
 *
 * That is detected if the messages up to some position equal the session's newest turns, compared by digest from the end, and the last of
 * them is from an assistant or tool, which no client sends otherwise. Without history or such a position all are new. `messages` exclude
 * instructions. Pure.
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

/**
 * Returns the key by which messages are compared: role, content and calls. Clients drop or add empty fields, and write texts in two forms.
 */
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
