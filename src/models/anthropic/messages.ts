import { StringDecoder } from "node:string_decoder";
import { parseExact } from "../../internal/exact-json.ts";
import { plainToolName } from "../call-ids.ts";
import { checkJsonBudget } from "../../internal/json-budget.ts";
import type { ChatMessage } from "../chat.ts";
import { isObject, isText, textOr, type Fields } from "../../internal/fields.ts";
import { isWords, LongText, withStrings } from "../../internal/long-text.ts";
import { inOrder } from "../../internal/order.ts";
import { madeOf } from "../origins.ts";
import { fromDataUrl, objectAt, placeOfCall, toBase64, uncarried, unfit } from "../rows.ts";
import { toBlocks as toThoughtBlocks } from "./thoughts.ts";
import { createUseIds, type UseIds } from "./use-ids.ts";

/** Name of this kind in errors. */
export const KIND = "anthropic";

/** Longest name of a called tool that this API accepts, in characters. */
const NAME_CHARS_MAX = 128;

/** A conversation in Anthropic's messages API: instructions separately, turns of two roles. */
export interface Conversation {
  readonly system: readonly Fields[];
  readonly messages: readonly Turn[];
}

/** Consecutive content of one side. */
interface Turn {
  readonly role: "user" | "assistant";
  readonly content: readonly Fields[];
}

/**
 * Converts chat messages to turns. Instructions go to the top from any position, tool results into the user's turn, and consecutive
 * messages of one role into one turn. A message's `name` is dropped, and so are texts without a visible character, which the API refuses. Pure.
 * @throws MarrowError `invalid_input` that names the part which cannot be carried
 */
export function toConversation(messages: readonly ChatMessage[]): Conversation {
  const system: Fields[] = [];
  const turns: { role: Turn["role"]; content: Fields[] }[] = [];
  const ids = createUseIds();
  for (const [at, message] of messages.entries()) {
    const path = `messages.${at}`;
    if (message.role === "system" || message.role === "developer") {
      system.push(...textsOf(message.content, `${path}.content`));
      continue;
    }
    const role = message.role === "assistant" ? "assistant" : "user";
    const content = toBlocks(message, path, ids);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) turns.push({ role, content: [...content] });
  }
  if (turns.length === 0) throw uncarried("messages", KIND, "a chat in which nobody says anything but instructions");
  return { system, messages: turns };
}

function toBlocks(message: ChatMessage, path: string, ids: UseIds): readonly Fields[] {
  switch (message.role) {
    case "user":
      return toParts(message.content, `${path}.content`);
    case "assistant": {
      let parts = 0;
      return inOrder(message).flatMap(({ content, ...said }) => {
        const before = parts;
        if (Array.isArray(content)) parts += content.length;
        return [
          ...toThoughtBlocks(said["reasoning_details"]).map((block) => madeOf(path, block)),
          ...toParts(content, `${path}.content`, before),
          ...toParts(textOr(said["refusal"]), `${path}.refusal`),
          ...toUses(said["tool_calls"], `${path}.tool_calls`, ids),
        ];
      });
    }
    case "tool":
      return [toResult(message, path, ids)];
    default:
      throw uncarried(`${path}.role`, KIND, `a message of role ${message.role}`);
  }
}

function toResult(message: ChatMessage, path: string, ids: UseIds): Fields {
  const { content, tool_call_id: id, is_error: failed, cache_control: cache } = message;
  const told = isWords(content) && !isBlank(content) ? content : toParts(content, `${path}.content`);
  return madeOf(path, {
    type: "tool_result",
    tool_use_id: ids.ofResult(idAt(id, `${path}.tool_call_id`)),
    ...(told.length > 0 && { content: told }),
    ...(failed === true && { is_error: true }),
    ...(cache !== undefined && { cache_control: cache }),
  });
}

function toUses(calls: unknown, path: string, ids: UseIds): readonly Fields[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw unfit(path, "a list of calls", calls);
  return calls.map((call: unknown, at) => {
    const here = `${path}.${placeOfCall(call, at)}`;
    const { id, type = "function", function: named, custom, cache_control: cache } = objectAt(call, here);
    if (type !== "function" && type !== "custom") throw uncarried(`${here}.type`, KIND, "a call of this type");
    const called = type === "custom" ? custom : named;
    const { name, arguments: given, input } = objectAt(called, `${here}.${type}`);
    if (!isText(name)) throw unfit(`${here}.${type}.name`, "a name", name);
    return madeOf(here, {
      type: "tool_use",
      id: ids.ofCall(idAt(id, `${here}.id`)),
      name: plainToolName(name, NAME_CHARS_MAX),
      // The input of a custom tool is a text, and here an object.
      input:
        type === "custom"
          ? { input: textAt(input, `${here}.custom.input`) }
          : toInput(given, `${here}.function.arguments`),
      ...(cache !== undefined && { cache_control: cache }),
    });
  });
}

function textAt(text: unknown, path: string): string | LongText {
  if (!isWords(text)) throw unfit(path, "a string", text);
  return text;
}

function idAt(id: unknown, path: string): string {
  if (!isText(id)) throw unfit(path, "the id of a call", id);
  return id;
}

/** Bounds on the values and depth of a tool's input: parsing takes about a microsecond per value. */
const INPUT_BUDGET = { valuesMax: 10_000, depthMax: 100 };

/**
 * Parses a tool's input, an object. Endpoints omit it for calls without arguments. A model may have written what is no object, invalid JSON or
 * too much of it: like an answer's, it becomes the text in a field of an object, so that the conversation can go on.
 */
function toInput(given: unknown, path: string): Fields {
  if (isObject(given)) return given;
  if (given === undefined || given === null) return {};
  if (typeof given !== "string") throw unfit(path, "JSON as text", given);
  if (isBlank(given)) return {};
  try {
    checkJsonBudget(Buffer.from(given, "utf8"), INPUT_BUDGET, path);
    const input = parseExact(given);
    if (isObject(input) && !hasInfinity(input)) return input;
  } catch {
    // Over a bound, or no JSON.
  }
  return { INVALID_JSON: given };
}

/** Returns true if a number is larger than any that is written again, such as `1e999`: JSON would have null in its place. */
function hasInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasInfinity);
}

function textsOf(content: unknown, path: string): readonly Fields[] {
  const parts = toParts(content, path);
  const other = parts.find(({ type }) => type !== "text");
  if (other !== undefined) throw uncarried(path, KIND, `an instruction with a part of type ${String(other["type"])}`);
  return parts;
}

/** Converts a content, or the parts of one from the part number `before` on. */
function toParts(content: unknown, path: string, before = 0): readonly Fields[] {
  if (content === undefined || content === null) return [];
  if (isWords(content)) return isBlank(content) ? [] : [madeOf(path, { type: "text", text: content })];
  if (!Array.isArray(content)) throw unfit(path, "text or a list of parts", content);
  return content.flatMap((part: unknown, at) => {
    const here = `${path}.${before + at}`;
    const fields = objectAt(part, here);
    const block = toBlock(fields, here);
    if (block === undefined) return [];
    const { cache_control: cache } = fields;
    return [madeOf(here, cache == null ? block : { ...block, cache_control: cache })];
  });
}

/** Whether a text has no visible character. */
function isBlank(text: string | LongText): boolean {
  return typeof text === "string" ? text.trim() === "" : text.pieces.every(isBlank);
}

/** Converts one part to a block; `undefined` for a text without a visible character. */
function toBlock(part: Fields, path: string): Fields | undefined {
  switch (part["type"]) {
    case "text":
    case "refusal": {
      const text = part[part["type"]];
      if (!isWords(text)) throw unfit(`${path}.${part["type"]}`, "a string", text);
      return isBlank(text) ? undefined : { type: "text", text };
    }
    case "image_url": {
      const image = part["image_url"];
      const url = isWords(image) ? image : objectAt(image, `${path}.image_url`)["url"];
      return { type: "image", source: toSource(url, `${path}.image_url.url`) };
    }
    case "file":
      return toDocument(objectAt(part["file"], `${path}.file`), `${path}.file`);
    default:
      throw uncarried(`${path}.type`, KIND, `a part of type ${String(part["type"]).slice(0, 64)}`);
  }
}

function toSource(url: unknown, path: string): Fields {
  if (!isText(url) && !(url instanceof LongText)) throw unfit(path, "a URL", url);
  const inline = fromDataUrl(url);
  if (inline !== undefined) return { type: "base64", media_type: usualType(inline.type), data: inline.data };
  const address = withStrings(url);
  if (isText(address) && /^https?:/i.test(address)) return { type: "url", url: address };
  throw unfit(path, "an http(s) URL or a data URL in base64", "another one");
}

/** This API knows the type of JPEG pictures by one of its names. */
function usualType(type: string): string {
  return type === "image/jpg" || type === "image/pjpeg" ? "image/jpeg" : type;
}

/** Decodes the text of base64: that of a long one piece by piece. */
function decoded(base64: string | LongText): string | LongText {
  if (typeof base64 === "string") return Buffer.from(base64, "base64").toString("utf8");
  const decoder = new StringDecoder("utf8");
  let half = "";
  const pieces = base64.pieces.map((piece) => {
    // Four characters are three bytes, wherever the text was cut.
    const known = half + piece;
    const end = known.length - (known.length % 4);
    half = known.slice(end);
    return decoder.write(Buffer.from(known.slice(0, end), "base64"));
  });
  return new LongText([...pieces, decoder.write(Buffer.from(half, "base64")), decoder.end()]);
}

/** Names of files that end as those of another kind than PDF: this API reads only PDFs of a URL. */
const OTHER_FILE = /\.(?!pdf$)\w{1,8}$/i;

/** Converts a PDF or a text; this API supports no other documents. */
function toDocument(file: Fields, path: string): Fields {
  const { file_data: data, file_id: id, file_url: url, filename } = file;
  if (isText(url) && data === undefined && id === undefined) {
    if (!/^https?:/i.test(url)) throw unfit(`${path}.file_url`, "an http(s) URL", "another one");
    const other = [filename, URL.parse(url)?.pathname].find((name) => isText(name) && OTHER_FILE.test(name));
    if (other !== undefined) throw uncarried(`${path}.file_url`, KIND, "a URL of a document that is no PDF");
    return { type: "document", source: { type: "url", url }, ...(isText(filename) && { title: filename }) };
  }
  if (id !== undefined && data === undefined)
    throw uncarried(`${path}.file_id`, KIND, "a file that is not the gateway's");
  if (!isText(data) && !(data instanceof LongText)) throw unfit(`${path}.file_data`, "a data URL in base64", data);
  const inline = fromDataUrl(data) ?? { type: "application/pdf", data: toBase64(data) };
  const title = isText(filename) ? { title: filename } : {};
  if (inline.type === "application/pdf")
    return { type: "document", source: { type: "base64", media_type: inline.type, data: inline.data }, ...title };
  if (!inline.type.startsWith("text/")) throw uncarried(`${path}.file_data`, KIND, `a document of type ${inline.type}`);
  return { type: "document", source: { type: "text", media_type: "text/plain", data: decoded(inline.data) }, ...title };
}
