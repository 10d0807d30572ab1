import type { MarrowError } from "../../errors.ts";
import { wordOf } from "../../internal/describe.ts";
import { THOUGHTS, type ChatMessage } from "../../models/index.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { isWords, LongText, withStrings } from "../../internal/long-text.ts";
import { createOrder, type Order } from "../../internal/order.ts";
import { checkCarried } from "../models/carried-thoughts.ts";
import { withCallsBack } from "../models/carried-calls.ts";
import { checkFields } from "./block-fields.ts";
import { refused, wrong } from "./refusals.ts";
import { toDetail } from "./thoughts.ts";
import { jsonOfInput } from "./written-inputs.ts";

/** A turn of the messages API. */
interface Turn extends Fields {
  readonly role: string;
  readonly content: string | LongText | readonly Fields[];
}

/**
 * Converts turns to chat messages: tool results become messages of their own before the user's text, calls are joined with the assistant's
 * text, signed reasoning goes to `reasoning_details`. Pure.
 * @throws MarrowError `invalid_input` that names an unsupported block
 */
export function toChatMessages(turns: readonly Turn[]): readonly ChatMessage[] {
  const messages = turns.flatMap((turn, at): readonly ChatMessage[] => {
    checkFields("message", turn, `messages.${at}`);
    const { role, content } = turn;
    const path = `messages.${at}.content`;
    if (isWords(content)) return [{ role, content }];
    if (role === "system") return [{ role, content: textsAt(content, path) }];
    return role === "assistant" ? [toAssistant(content, path)] : toUser(content, path);
  });
  return withCallsBack(messages);
}

/** Converts instructions, which contain only texts: to a string if they are one text without cache marks. */
export function textsAt(
  content: string | LongText | readonly Fields[],
  path: string,
): string | LongText | readonly Fields[] {
  if (isWords(content)) return content;
  return plain(
    content.map((block, at) => {
      if (block["type"] !== "text") throw unknown(`${path}.${at}.type`, block);
      return toText(block, `${path}.${at}`);
    }),
  );
}

function toUser(blocks: readonly Fields[], path: string): readonly ChatMessage[] {
  const results: ChatMessage[] = [];
  const parts: Fields[] = [];
  for (const [at, block] of blocks.entries()) {
    const here = `${path}.${at}`;
    if (block["type"] === "tool_result") results.push(toResult(block, here));
    else parts.push(toPart(block, here));
  }
  return parts.length === 0 && results.length > 0 ? results : [...results, { role: "user", content: plain(parts) }];
}

function toResult(block: Fields, path: string): ChatMessage {
  checkFields("tool_result", block, path);
  const { tool_use_id: id, content, is_error: failed, cache_control: cache } = block;
  if (typeof id !== "string" || id === "") throw wrong(`${path}.tool_use_id`, "the id of a call");
  const told = Array.isArray(content) ? toResultContent(content, `${path}.content`) : (content ?? "");
  if (!isWords(told) && !Array.isArray(told)) throw wrong(`${path}.content`, "text or a list of blocks");
  return {
    role: "tool",
    tool_call_id: id,
    content: told,
    ...(failed === true && { is_error: true }),
    ...(cache != null && { cache_control: cache }),
  };
}

/** Converts a result's blocks; chat completions refuse an empty list. */
function toResultContent(blocks: readonly unknown[], path: string): string | LongText | readonly Fields[] {
  if (blocks.length === 0) return "";
  return plain(blocks.map((block, at) => toPart(objectAt(block, `${path}.${at}`), `${path}.${at}`)));
}

function toAssistant(blocks: readonly Fields[], path: string): ChatMessage {
  const [parts, calls, details, thoughts]: [Fields[], Fields[], Fields[], string[]] = [[], [], [], []];
  const order = createOrder();
  for (const [at, block] of blocks.entries()) {
    const here = `${path}.${at}`;
    switch (block["type"]) {
      case "text":
        parts.push(toText(block, here));
        order.add({ content: parts.slice(-1) });
        break;
      case "thinking":
      case "redacted_thinking": {
        checkThought(block, here);
        // Reasoning without a signature is sent back as text, to an upstream that requires it.
        const detail = toDetail(block, at);
        if (detail !== undefined) {
          details.push(detail);
          order.add({ reasoning_details: [detail] });
        }
        if (isText(block["thinking"])) thoughts.push(block["thinking"]);
        break;
      }
      case "tool_use":
        calls.push(toCall(block, here));
        order.add({ tool_calls: calls.slice(-1) });
        break;
      default:
        throw unknown(`${here}.type`, block);
    }
  }
  // A message without calls has a text, if only an empty one: chat completions require it.
  const content = parts.length > 0 ? plain(parts) : calls.length > 0 ? null : "";
  return {
    role: "assistant",
    content,
    ...(details.length > 0 && { reasoning_details: details }),
    ...(thoughts.length > 0 && { [THOUGHTS]: thoughts.join("\n\n") }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...inChars(order.told(), content),
  };
}

/** What has another shape could not be given to a model. */
function checkThought(block: Fields, path: string): void {
  const { type, thinking, signature, data } = block;
  checkFields(type === "thinking" ? type : "redacted_thinking", block, path);
  if (type === "redacted_thinking") {
    if (!isWords(data)) throw wrong(`${path}.data`, "a string");
    return checkCarried(String(data), `${path}.data`);
  }
  if (typeof thinking !== "string") throw wrong(`${path}.thinking`, "a string");
  if (signature !== undefined && signature !== null && typeof signature !== "string")
    throw wrong(`${path}.signature`, "a string");
}

/** An order whose content is one part, of which there is only the text. */
function inChars({ order }: ReturnType<Order["told"]>, content: unknown): ReturnType<Order["told"]> {
  if (order === undefined) return {};
  if (!isWords(content)) return { order };
  return { order: order.map((step) => ("content" in step ? { ...step, content: content.length } : step)) };
}

function toCall(block: Fields, path: string): Fields {
  const { id, name, input, caller, cache_control: cache } = block;
  checkFields("tool_use", block, path);
  if (caller != null) {
    const { type } = objectAt(caller, `${path}.caller`);
    if (type !== "direct") throw refused(`${path}.caller`, `a call by ${wordOf(type)}`);
    checkFields("a call's caller", caller as Fields, `${path}.caller`);
  }
  if (typeof id !== "string" || id === "") throw wrong(`${path}.id`, "the id of a call");
  if (typeof name !== "string" || name === "") throw wrong(`${path}.name`, "the name of a tool");
  const named = { name, arguments: jsonOfInput(objectAt(input ?? {}, `${path}.input`)) };
  return { id, type: "function", function: named, ...(cache != null && { cache_control: cache }) };
}

function toPart(block: Fields, path: string): Fields {
  switch (block["type"]) {
    case "text":
      return toText(block, path);
    case "image": {
      checkFields("image", block, path);
      const url = toUrl(objectAt(block["source"], `${path}.source`), `${path}.source`);
      return marked({ type: "image_url", image_url: { url } }, block);
    }
    case "document":
      return marked({ type: "file", file: toFile(block, path) }, block);
    default:
      throw unknown(`${path}.type`, block);
  }
}

function toUrl(source: Fields, path: string): string | LongText {
  const { type, media_type: media, data, url } = source;
  if (type === "base64") {
    checkFields("a source of base64", source, path);
    if (typeof media !== "string" || !/^[\w.+-]{1,64}\/[\w.+-]{1,128}$/.test(media))
      throw wrong(`${path}.media_type`, "a media type such as image/png");
    if (!isWords(data) || data.length === 0) throw wrong(`${path}.data`, "bytes in base64");
    return asDataUrl(media, data);
  }
  if (type !== "url") throw refused(`${path}.type`, `a source of type ${wordOf(type)}`);
  checkFields("a source of url", source, path);
  const address = withStrings(url);
  if (typeof address !== "string" || !/^https?:/i.test(address)) throw wrong(`${path}.url`, "an http or https URL");
  return address;
}

function toFile(block: Fields, path: string): Fields {
  checkFields("document", block, path);
  const { title, citations } = block;
  if (citations != null)
    checkFields("a document's citations", objectAt(citations, `${path}.citations`), `${path}.citations`);
  if (title != null && typeof title !== "string") throw wrong(`${path}.title`, "a string");
  const source = objectAt(block["source"], `${path}.source`);
  const named = isText(title) ? { filename: title } : {};
  const here = `${path}.source`;
  switch (source["type"]) {
    case "base64":
      return { filename: "document.pdf", ...named, file_data: toUrl(source, here) };
    case "url":
      return { ...named, file_url: toUrl(source, here) };
    case "text": {
      checkFields("a source of text", source, here);
      if (!isWords(source["data"])) throw wrong(`${here}.data`, "text");
      if ((source["media_type"] ?? "text/plain") !== "text/plain") throw wrong(`${here}.media_type`, "text/plain");
      const data = asDataUrl("text/plain", toBase64(source["data"]));
      return { filename: "document.txt", ...named, file_data: data };
    }
    case "file":
      checkFields("a source of file", source, here);
      if (typeof source["file_id"] !== "string") throw wrong(`${here}.file_id`, "the id of a file");
      return { ...named, file_id: source["file_id"] };
    default:
      throw refused(`${here}.type`, `a source of type ${wordOf(source["type"])}`);
  }
}

function toText(block: Fields, path: string): Fields {
  checkFields("text", block, path);
  if (!isWords(block["text"])) throw wrong(`${path}.text`, "a string");
  return marked({ type: "text", text: block["text"] }, block);
}

/** Marks for a provider's cache of prompts go along. */
function marked(part: Fields, { cache_control: cache }: Fields): Fields {
  return cache == null ? part : { ...part, cache_control: cache };
}

/** One text without marks is a string: so it is the same question as one that was sent as such. */
function plain(parts: readonly Fields[]): string | LongText | readonly Fields[] {
  const [first] = parts;
  const isPlain = parts.length === 1 && first?.["type"] === "text" && first["cache_control"] === undefined;
  return isPlain && isWords(first["text"]) ? first["text"] : parts;
}

/** A long one stays in pieces, and its head apart. */
function asDataUrl(type: string, base64: string | LongText): string | LongText {
  const head = `data:${type};base64,`;
  return typeof base64 === "string" ? head + base64 : new LongText([head, ...base64.pieces]);
}

/** Encodes a text; a long one piece by piece, three bytes as four characters. */
function toBase64(text: string | LongText): string | LongText {
  if (typeof text === "string") return Buffer.from(text).toString("base64");
  let rest = Buffer.alloc(0);
  const pieces = text.pieces.map((piece) => {
    const bytes = Buffer.concat([rest, Buffer.from(piece)]);
    const end = bytes.length - (bytes.length % 3);
    rest = bytes.subarray(end);
    return bytes.toString("base64", 0, end);
  });
  return new LongText([...pieces, rest.toString("base64")]);
}

function objectAt(value: unknown, path: string): Fields {
  if (isObject(value)) return value;
  throw wrong(path, "an object");
}

function unknown(path: string, { type }: Fields): MarrowError {
  return refused(path, `blocks of type ${wordOf(type)}`);
}
