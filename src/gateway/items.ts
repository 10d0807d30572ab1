import { MarrowError } from "../errors.ts";
import type { Kept, Turn } from "../memory/index.ts";

/** An item of a conversation, in the form of OpenAI's Responses API. */
export interface ConversationItem {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const PREFIXES: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fco",
  reasoning: "rs",
};

/**
 * An item as a turn, so that every model that speaks chat completions is given it. The item itself is kept beside, and given back as it was,
 * but for its id: ids here name a place in their conversation.
 * @throws MarrowError `invalid_input`
 */
export function toTurn(item: Fields, path: string): Turn {
  const { id: _, type = "message", role, content, ...rest } = item;
  if (type === "message") {
    if (typeof role !== "string" || role === "") throw wrong(`${path}.role`, "a role");
    if (typeof content !== "string" && !Array.isArray(content))
      throw wrong(`${path}.content`, "text or a list of parts");
    return {
      role,
      content: toChatContent(content as string | readonly Fields[]),
      item: { type, role, content, ...rest },
    };
  }
  if (typeof type !== "string") throw wrong(`${path}.type`, "the name of a type");
  if (type === "function_call") {
    const { call_id: callId, name, arguments: given } = rest as Fields;
    for (const [field, value] of Object.entries({ call_id: callId, name, arguments: given }))
      if (typeof value !== "string") throw wrong(`${path}.${field}`, "a string");
    const call = { id: callId, type: "function", function: { name, arguments: given } };
    return { role: "assistant", content: null, tool_calls: [call], item: { type, ...rest } };
  }
  if (type === "function_call_output") {
    const { call_id: callId, output } = rest as Fields;
    if (typeof callId !== "string") throw wrong(`${path}.call_id`, "a string");
    const text = typeof output === "string" ? output : toChatContent(output as readonly Fields[]);
    return { role: "tool", tool_call_id: callId, content: text, item: { type, ...rest } };
  }
  // Other kinds are kept, and say nothing to a model that speaks chat completions.
  return { role: "item", item: { type, ...rest } };
}

/** The items of a turn: one, or of an assistant's turn with calls one for each and one for its words. */
export function toItems({ sequence, turn }: Kept, conversation: string): ConversationItem[] {
  return bodiesOf(turn).map((body, at) => {
    const type = String(body["type"]);
    return { ...body, id: toItemId(conversation, sequence, at, type), type, status: body["status"] ?? "completed" };
  });
}

/** The place that an item's id names, or `undefined` for what is no id of this conversation. */
export function fromItemId(
  conversation: string,
  id: string,
): { readonly sequence: number; readonly at: number } | undefined {
  const [, of, sequence = "", at = ""] = /^[a-z]+_([A-Za-z0-9]{8})([0-9a-z]{7})([0-9a-z]{2})$/.exec(id) ?? [];
  if (of !== digestOf(conversation)) return undefined;
  return { sequence: Number.parseInt(sequence, 36), at: Number.parseInt(at, 36) };
}

function toItemId(conversation: string, sequence: number, at: number, type: string): string {
  const place = `${sequence.toString(36).padStart(7, "0")}${at.toString(36).padStart(2, "0")}`;
  return `${PREFIXES[type] ?? "item"}_${digestOf(conversation)}${place}`;
}

/** The end of a conversation's random id: tells its items from another one's. */
function digestOf(conversation: string): string {
  return conversation.slice(-8);
}

function bodiesOf(turn: Turn): Fields[] {
  const kept = turn["item"] as Fields | undefined;
  if (kept !== undefined) {
    const { role, content, type } = kept;
    return [type === "message" ? { ...kept, content: toItemContent(String(role), content) } : kept];
  }
  const { role, content, tool_calls: calls, tool_call_id: callId, incomplete } = turn;
  if (role === "tool") return [{ type: "function_call_output", call_id: callId, output: content }];
  const status = incomplete === true ? "incomplete" : "completed";
  const said = content === null || content === undefined || content === "";
  const message =
    said && Array.isArray(calls) ? [] : [{ type: "message", role, status, content: toItemContent(role, content) }];
  const called = (Array.isArray(calls) ? calls : []) as { readonly id?: unknown; readonly function?: Fields }[];
  return [
    ...message,
    ...called.map(({ id, function: named }) => ({
      type: "function_call",
      call_id: id,
      name: named?.["name"],
      arguments: named?.["arguments"],
    })),
  ];
}

/** Content of a chat message or an item as parts of an item. */
function toItemContent(role: string, content: unknown): readonly Fields[] {
  const parts = Array.isArray(content) ? (content as readonly Fields[]) : [{ type: "text", text: content ?? "" }];
  return parts.map((part) => {
    if (part["type"] === "text")
      return role === "assistant"
        ? { type: "output_text", text: part["text"], annotations: [] }
        : { type: "input_text", text: part["text"] };
    if (part["type"] === "image_url") {
      const { url, detail = "auto" } = part["image_url"] as Fields;
      return { type: "input_image", image_url: url, detail, file_id: null };
    }
    return part;
  });
}

/** Content of an item as that of a chat message: a text where it is nothing else. */
function toChatContent(content: string | readonly Fields[]): unknown {
  if (typeof content === "string") return content;
  const parts = content.map((part) => {
    const { type, text, refusal, image_url: url, detail } = part;
    if (type === "input_text" || type === "output_text" || type === "text") return { type: "text", text };
    if (type === "refusal") return { type: "text", text: refusal };
    if (type === "input_image")
      return { type: "image_url", image_url: { url, ...(detail !== undefined && { detail }) } };
    return part;
  });
  return parts.every(({ type }) => type === "text") ? parts.map(({ text }) => String(text)).join("\n") : parts;
}

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
