import { createHash, hash } from "node:crypto";
import { isLarge, jsonPieces } from "../internal/json-pieces.ts";
import { isWords } from "../internal/long-text.ts";
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
  const held = history.map(toCompared);
  const said = messages.map(toCompared);
  for (let end = messages.length - 1; end > 0; end -= 1) {
    const length = Math.min(end, held.length);
    let same = 0;
    while (same < length && isSame(said[end - 1 - same], held[held.length - 1 - same])) same += 1;
    if (same === length) return messages.slice(end);
  }
  return messages;
}

/** A message as it is compared: its key is made only beside another one of as many characters. */
interface Compared {
  readonly message: ChatMessage;
  /** Of its text; `undefined` for a content with other parts. */
  readonly chars: number | undefined;
  key: string | undefined;
}

function toCompared(message: ChatMessage): Compared {
  return { message, chars: charsOf(message.content), key: undefined };
}

function isSame(one: Compared | undefined, other: Compared | undefined): boolean {
  if (one === undefined || other === undefined || one.chars !== other.chars) return false;
  one.key ??= keyOf(one.message);
  other.key ??= keyOf(other.message);
  return one.key === other.key;
}

const keys = new WeakMap<ChatMessage, string>();

/**
 * Returns the key by which messages are compared: role, content and calls. Clients drop or add empty fields, and write texts in two forms. The key of a
 * large message is made once, of pieces: no copy of its text is made.
 */
function keyOf(message: ChatMessage): string {
  const known = keys.get(message);
  if (known !== undefined) return known;
  const { role, content, tool_calls: calls, tool_call_id: callId } = message;
  const named = Array.isArray(calls)
    ? (calls as readonly { readonly id?: unknown; readonly function?: unknown; readonly custom?: unknown }[]).map(
        ({ id, function: called, custom }) => [id, called ?? custom],
      )
    : [];
  const compared = [role, textOf(content), named, callId ?? null];
  if (!isLarge(compared)) {
    const key = JSON.stringify(compared);
    return key.length <= KEY_CHARS_MAX ? key : hash("sha256", key);
  }
  const digest = createHash("sha256");
  for (const piece of jsonPieces(compared)) digest.update(piece, "utf8");
  const key = digest.digest("hex");
  keys.set(message, key);
  return key;
}

function textOf(content: unknown): unknown {
  if (content === undefined || content === null || content === "") return null;
  if (!Array.isArray(content)) return content;
  return isOfTexts(content) ? content.map(({ text }) => String(text)).join("\n") : content;
}

/** The characters of what {@link textOf} returns, where that is a text or nothing. */
function charsOf(content: unknown): number | undefined {
  if (content === undefined || content === null) return 0;
  if (isWords(content)) return content.length;
  if (!Array.isArray(content) || !isOfTexts(content)) return undefined;
  return content.reduce((chars, { text }) => chars + (text as string).length, content.length - 1);
}

function isOfTexts(parts: readonly unknown[]): parts is readonly { readonly text: unknown }[] {
  return (parts as readonly { readonly type?: unknown; readonly text?: unknown }[]).every(
    ({ type, text }) => type === "text" && isWords(text),
  );
}
