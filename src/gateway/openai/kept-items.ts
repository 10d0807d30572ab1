import { isDeepStrictEqual } from "node:util";
import { wordOf } from "../../internal/describe.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { toFlatAnnotation, toSaidMessages } from "../../internal/phases.ts";
import { sizeOf } from "../../internal/json-pieces.ts";
import type { Kept, Turn } from "../../memory/index.ts";
import { createAssembler } from "../responses/assemble.ts";
import { toShell } from "../responses/shell.ts";
import { PREFIXES } from "./items.ts";
import { toCompleteItem } from "./shown-items.ts";

/** An item of a conversation, in the form of OpenAI's Responses API. */
export interface ConversationItem {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Characters of a content from which it is not kept twice in one turn. */
const TWICE_CHARS_MAX = 1_024;

/**
 * Stores a turn together with its original items. Large parts that the turn also contains are left out of the items, so an image is stored
 * once. Pure.
 */
export function withItems(turn: Turn, items: readonly Fields[]): Turn {
  const kept = items.map((item) => withoutTwice(item, turn));
  return { ...turn, item: kept.length === 1 ? kept[0] : kept };
}

/** Converts a turn to items: one, or for an assistant's turn one for each reasoning, text and call. */
export function toItems({ sequence, turn, incomplete, unreadable }: Kept, conversation: string): ConversationItem[] {
  return bodiesOf(turn).map((body, at) => {
    const type = wordOf(body["type"]);
    const isWhole = incomplete !== true && unreadable === undefined;
    const status = isWhole ? (body["status"] ?? "completed") : "incomplete";
    const id = isText(body["id"]) ? body["id"] : toItemId(conversation, sequence, at, type);
    return toCompleteItem({ ...body, id, type, status, ...(unreadable !== undefined && { unreadable }) });
  });
}

/** Returns the position in an item's id, or `undefined` for an id of another form or conversation. */
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
  return `${PREFIXES.get(type) ?? "item"}_${digestOf(conversation)}${place}`;
}

/** Returns the end of a conversation's random id, which distinguishes its items from those of others. */
function digestOf(conversation: string): string {
  return conversation.slice(-8);
}

function bodiesOf(turn: Turn): readonly Fields[] {
  const kept = turn["item"];
  if (Array.isArray(kept)) return (kept as readonly Fields[]).map((item) => toWhole(item, turn));
  return kept === undefined ? toBodies(turn) : [toWhole(kept as Fields, turn)];
}

/** Restores the parts that were left out of a stored item, in the form of this API. */
function toWhole(item: Fields, turn: Turn): Fields {
  const { type } = item;
  if (type === "message") {
    const content = toItemContent(wordOf(item["role"]), item["content"] ?? turn.content);
    return { ...item, content };
  }
  return isOutput(item) ? { ...item, output: toItemOutput(item["output"] ?? turn.content) } : item;
}

function withoutTwice(item: Fields, turn: Turn): Fields {
  const name = item["type"] === "message" ? "content" : isOutput(item) ? "output" : undefined;
  if (name === undefined || sizeOf(item[name]) <= TWICE_CHARS_MAX) return item;
  const { [name]: _, ...rest } = item;
  return isDeepStrictEqual(toWhole(rest, turn), toWhole(item, turn)) ? rest : item;
}

function isOutput({ type }: Fields): boolean {
  return type === "function_call_output" || type === "custom_tool_call_output";
}

/** The items of a turn that a chat kept. */
function toBodies(turn: Turn): readonly Fields[] {
  const { role, content, refusal, tool_calls: calls, tool_call_id: callId, incomplete } = turn;
  if (role === "tool") return [{ type: "function_call_output", call_id: callId, output: toItemOutput(content) }];
  if (role === "assistant" && turn["order"] !== undefined) return toItemsInOrder(turn);
  const status = incomplete === true ? "incomplete" : "completed";
  const messages: { readonly phase?: string; readonly content: readonly Fields[] }[] = [];
  if (isText(content) && role === "assistant") messages.push(...toSaid(content, turn));
  else if (isText(content) || Array.isArray(content))
    messages.push({ content: withCitations(toItemContent(role, content), turn["annotations"]) });
  if (isText(refusal)) {
    const last = messages.pop();
    messages.push({ ...last, content: [...(last?.content ?? []), { type: "refusal", refusal }] });
  }
  const isCalling = Array.isArray(calls);
  if (messages.length === 0 && !isCalling) messages.push({ content: toItemContent(role, "") });
  const called = (isCalling ? calls : []) as {
    readonly id?: unknown;
    readonly function?: Fields;
    readonly custom?: Fields;
  }[];
  return [
    ...messages.map((message) => ({ type: "message", role, status, ...message })),
    ...called.map(({ id, function: named, custom }) =>
      custom === undefined
        ? { type: "function_call", call_id: id, name: named?.["name"], arguments: named?.["arguments"] }
        : { type: "custom_tool_call", call_id: id, name: custom["name"], input: custom["input"] },
    ),
  ];
}

/** The texts and calls of an answer in the order in which they were said. */
function toItemsInOrder(turn: Turn): readonly Fields[] {
  const assembler = createAssembler(SHELL);
  assembler.add({ choices: [{ index: 0, delta: turn }] });
  assembler.close(turn["incomplete"] === true);
  return assembler.response().output.flatMap(({ id: _, ...item }) => (item.type === "reasoning" ? [] : [item]));
}

/** Of a response that nobody sees. */
const SHELL = toShell({ model: "" }, `resp_${"0".repeat(48)}`, 0);

/** Converts an assistant's text to its original messages. */
function toSaid(text: string, { phases, annotations }: Turn) {
  return toSaidMessages(text, phases, annotations).map(({ phase, parts }) => ({
    ...(phase !== undefined && { phase }),
    content: parts.map((part) => ({ ...part, type: "output_text" })),
  }));
}

/** Parts with citations: those of a list of parts are of its first text. */
function withCitations(parts: readonly Fields[], annotations: unknown): readonly Fields[] {
  const first = parts.findIndex(({ type }) => type === "output_text");
  if (first < 0 || !Array.isArray(annotations)) return parts;
  const flat = (annotations as readonly unknown[]).filter(isObject).map(toFlatAnnotation);
  return parts.map((part, at) => (at === first ? { ...part, annotations: flat } : part));
}

/** Converts a tool's output: a text, or parts. */
function toItemOutput(output: unknown): unknown {
  return Array.isArray(output) ? toItemContent("tool", output) : output;
}

/** Content of a chat message or an item as parts of an item. */
function toItemContent(role: string, content: unknown): readonly Fields[] {
  const parts = Array.isArray(content) ? (content as readonly unknown[]) : [{ type: "text", text: content ?? "" }];
  return parts.map((part) => {
    // Turns that chat completions kept hold whatever their client sent as a part.
    if (!isObject(part)) return { type: "input_text", text: String(part) };
    switch (part["type"]) {
      case "text":
        return role === "assistant"
          ? { ...part, type: "output_text", annotations: [] }
          : { ...part, type: "input_text" };
      case "image_url": {
        const { image_url: image, ...rest } = part;
        const { url, detail = "auto" } = (isText(image) ? { url: image } : (image ?? {})) as Fields;
        return { ...rest, type: "input_image", image_url: url, detail, file_id: null };
      }
      case "input_image":
        return { file_id: null, ...part, detail: part["detail"] ?? "auto" };
      case "file": {
        const { file, ...rest } = part;
        return { ...rest, ...(isObject(file) && file), type: "input_file" };
      }
      case "video_url": {
        const { video_url: video, ...rest } = part;
        return { ...rest, type: "input_video", video_url: isObject(video) ? video["url"] : video };
      }
      default:
        return part;
    }
  });
}
