import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { isWords, type LongText } from "../../internal/long-text.ts";
import { ITEMS, type ChatMessage } from "../chat.ts";
import { madeOf } from "../origins.ts";
import { toContent, toOutput } from "./parts.ts";
import { toReasoningItems } from "./thoughts.ts";

/** Item types that are not sent: a search is represented by its results. */
const UNTOLD: ReadonlySet<unknown> = new Set(["file_search_call"]);
const CALLS: ReadonlySet<unknown> = new Set(["function_call", "custom_tool_call"]);
const OUTPUTS: ReadonlySet<unknown> = new Set(["function_call_output", "custom_tool_call_output"]);
const TEXTS: ReadonlySet<unknown> = new Set(["input_text", "output_text", "text", "summary_text", "reasoning_text"]);
/** Part types that are sent unchanged. */
const PARTS: ReadonlySet<unknown> = new Set(["input_image", "input_file", "input_video"]);

/**
 * Returns the original items of a message, with all fields and with their parts apart. Ids are removed, because they are the gateway's own.
 * Reasoning gets the encrypted content that its maker needs. `undefined` for a message without original items, or if an item must be
 * converted. The origin of an item is its place among those of the message that are no reasoning: `messages.2.items.0`. Pure.
 */
export function toNative(message: ChatMessage, path: string): readonly Fields[] | undefined {
  const items = message[ITEMS];
  if (items === undefined) return undefined;
  const thoughts = toReasoningItems(message["reasoning_details"]);
  // If some reasoning is missing, it is unknown which item each entry belongs to: all entries go first.
  const isPaired = items.filter(isThought).length === thoughts.length;
  const told: Fields[] = [];
  let [thought, said] = [0, 0];
  for (const item of items) {
    if (!isObject(item)) return undefined;
    if (UNTOLD.has(item["type"])) continue;
    if (isThought(item)) {
      if (isPaired) told.push(madeOf(path, { ...thoughts[thought], ...inWords(item) }));
      thought += 1;
      continue;
    }
    const one = toTold(item, message, `${path}.content`);
    if (one === undefined) return undefined;
    told.push(madeOf(`${path}.items.${said}`, one));
    said += 1;
  }
  if (said === 0) return undefined;
  return isPaired ? told : [...thoughts, ...told];
}

/** Returns an item's reasoning texts as they arrived. */
function inWords({ summary, content }: Fields): Fields {
  return {
    ...(Array.isArray(summary) && { summary }),
    ...(Array.isArray(content) && content.length > 0 && { content }),
  };
}

function isThought(item: unknown): boolean {
  return isObject(item) && item["type"] === "reasoning";
}

function toTold(item: Fields, message: ChatMessage, path: string): Fields | undefined {
  const { id: _, status, content, output, ...rest } = item;
  const { type, role } = item;
  const unfinished = isText(status) && status !== "completed" ? { status } : {};
  const said = { ...withoutNulls(rest), ...unfinished };
  if (CALLS.has(type)) return rest["arguments"] === "" ? { ...said, arguments: "{}" } : said;
  if (OUTPUTS.has(type)) return { ...said, output: toParts(output, "tool") ?? toContent(message.content, path) };
  if (type !== "message" || role !== message.role) return undefined;
  const parts = toParts(content, role);
  if (parts !== undefined) return { ...said, content: parts };
  if (role !== "assistant") return { ...said, content: toContent(message.content, path) };
  return isWords(message.content) && message.content.length > 0
    ? { ...said, content: [toOutput(message.content)] }
    : undefined;
}

/** Returns a content with its original parts; `undefined` if it is absent or has a part that must be converted. */
function toParts(content: unknown, role: string): string | LongText | readonly Fields[] | undefined {
  const isSaid = role === "assistant";
  if (isWords(content)) return isSaid ? [toOutput(content)] : content;
  if (!Array.isArray(content)) return undefined;
  const parts: Fields[] = [];
  for (const part of content as readonly unknown[]) {
    const one = isObject(part) ? toPart(part, isSaid) : undefined;
    if (one === undefined) return undefined;
    parts.push(one);
  }
  const [first] = parts;
  const isPlain = parts.length === 1 && first?.["type"] === "input_text" && Object.keys(first).length === 2;
  return isPlain ? wordsOf(first["text"]) : parts;
}

function toPart(part: Fields, isSaid: boolean): Fields | undefined {
  const { type, text, refusal, annotations, logprobs: _, cache_control: __, ...rest } = withoutNulls(part);
  if (type === "refusal" && isSaid) return { type, refusal };
  if (type === "refusal") return { type: "input_text", text: refusal };
  if (TEXTS.has(type) && isSaid) return { ...rest, ...toOutput(wordsOf(text)), annotations: toCited(annotations) };
  if (TEXTS.has(type)) return { ...rest, type: "input_text", text };
  // The gateway's own files are sent as bytes, which the message has.
  if (!PARTS.has(type) || rest["file_id"] !== undefined) return undefined;
  return { ...rest, type, ...(type === "input_image" && { detail: rest["detail"] ?? "auto" }) };
}

function wordsOf(text: unknown): string | LongText {
  return isWords(text) ? text : String(text);
}

/** Returns citations of the types that this API supports. Other providers use types of their own. */
function toCited(annotations: unknown): readonly unknown[] {
  if (!Array.isArray(annotations)) return [];
  return (annotations as readonly unknown[]).filter((one) => isObject(one) && one["type"] === "url_citation");
}

/** Removes null fields, which clients send for absent values. */
function withoutNulls(fields: Fields): Fields {
  const all = Object.entries(fields);
  return all.some(([, value]) => value === null)
    ? Object.fromEntries(all.filter(([, value]) => value !== null))
    : fields;
}
