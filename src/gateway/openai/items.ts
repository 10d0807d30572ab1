import { MarrowError } from "../../errors.ts";
import { wordOf } from "../../internal/describe.ts";
import { isWords } from "../../internal/long-text.ts";
import type { Turn } from "../../memory/index.ts";
import { openSummary, toSummaryText } from "../responses/compaction.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Prefixes of items' ids by their type. */
export const PREFIXES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    message: "msg",
    function_call: "fc",
    function_call_output: "fco",
    custom_tool_call: "ctc",
    custom_tool_call_output: "ctco",
    reasoning: "rs",
    compaction: "cmp",
  }),
);

/** Roles of messages; tool results are items of their own. */
export const ROLES: ReadonlySet<string> = new Set(["user", "assistant", "system", "developer"]);

/** Item types that are stored but sent to no model, because chat completions have no place for them. */
const UNTOLD: ReadonlySet<string> = new Set(["reasoning", "file_search_call"]);

/**
 * Converts an item to a turn, so that every chat model can use it. The item itself is stored beside it and returned unchanged except for
 * its id, which here contains the position in its conversation.
 * @throws MarrowError `invalid_input`
 */
export function toTurn(item: Fields, path: string): Turn {
  const { id: _, type = "message", role, content, ...rest } = item;
  if (type === "message") {
    if (typeof role !== "string" || !ROLES.has(role)) throw wrong(`${path}.role`, `one of ${[...ROLES].join(", ")}`);
    return {
      role,
      content: toChatContent(content, `${path}.content`),
      item: { type, role, content, ...rest },
    };
  }
  if (typeof type !== "string") throw wrong(`${path}.type`, "the name of a type");
  if (type === "function_call") {
    const { call_id: callId, name, arguments: given } = rest as Fields;
    for (const [field, value] of Object.entries({ call_id: callId, name, arguments: given }))
      if (typeof value !== "string") throw wrong(`${path}.${field}`, "a string");
    if (name === "") throw wrong(`${path}.name`, "the name of a tool");
    const call = { id: callId, type: "function", function: { name, arguments: given } };
    return { role: "assistant", content: null, tool_calls: [call], item: { type, ...rest } };
  }
  if (type === "custom_tool_call") {
    const { call_id: callId, name, input } = rest as Fields;
    for (const [field, value] of Object.entries({ call_id: callId, name, input }))
      if (typeof value !== "string") throw wrong(`${path}.${field}`, "a string");
    if (name === "") throw wrong(`${path}.name`, "the name of a tool");
    const call = { id: callId, type: "custom", custom: { name, input } };
    return { role: "assistant", content: null, tool_calls: [call], item: { type, ...rest } };
  }
  if (type === "function_call_output" || type === "custom_tool_call_output") {
    const { call_id: callId, output } = rest as Fields;
    if (typeof callId !== "string") throw wrong(`${path}.call_id`, "a string");
    return {
      role: "tool",
      tool_call_id: callId,
      content: toChatContent(output, `${path}.output`),
      item: { type, ...rest },
    };
  }
  if (type === "compaction") {
    const text = toSummaryText(openSummary(rest, path));
    return { role: "developer", content: text, item: { type, ...rest } };
  }
  if (UNTOLD.has(type)) return { role: "item", item: { type, ...rest } };
  throw new MarrowError(
    "invalid_input",
    `${path}.type: items of type ${type.slice(0, 64)} cannot be served here; known: ${[...PREFIXES.keys(), "file_search_call"].join(", ")}`,
    { details: { path: `${path}.type` } },
  );
}

/** Content of an item as that of a chat message: a text where it is nothing else. @throws MarrowError `invalid_input` */
function toChatContent(content: unknown, path: string): unknown {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw wrong(path, "text or a list of parts");
  const parts = content.map((part: unknown, at) => toChatPart(part, `${path}.${at}`));
  return parts.every(isPlain) ? parts.map(({ text }) => String(text)).join("\n") : parts;
}

/** Whether a part is a text and nothing else. */
function isPlain(part: Fields): boolean {
  return part["type"] === "text" && Object.keys(part).length === 2;
}

/** Converts one part of a message for chat completions, with its additional fields. Parts that already have that form are unchanged. */
function toChatPart(part: unknown, path: string): { readonly type: string; readonly text?: unknown } {
  if (typeof part !== "object" || part === null || Array.isArray(part)) throw wrong(path, "a part, which is an object");
  const {
    type,
    text,
    refusal,
    image_url: url,
    detail,
    file_id: file,
    annotations: _,
    logprobs: __,
    ...more
  } = part as Fields;
  // Clients send absent values as null, which chat completions refuse.
  const rest = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined && value !== null));
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
    case "summary_text":
    case "reasoning_text":
      if (typeof text !== "string") throw wrong(`${path}.text`, "a string");
      return { ...rest, type: "text", text };
    case "refusal":
      if (typeof refusal !== "string") throw wrong(`${path}.refusal`, "a string");
      return { type: "text", text: refusal };
    case "input_image": {
      if (!isWords(url)) throw wrong(`${path}.image_url`, "a URL, or file_id the id of a file of yours");
      const image = { url, ...(detail !== undefined && detail !== null && { detail }) };
      return { ...rest, type: "image_url", image_url: image } as { type: string };
    }
    case "input_file": {
      const { filename, file_data: data, file_url: from, ...beside } = rest;
      const named = { file_id: file ?? undefined, filename, file_data: data, file_url: from };
      const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
      if (![file, data, from].some((value) => isWords(value) && value.length > 0))
        throw wrong(path, "a file, by file_data, file_url or file_id");
      return { ...beside, type: "file", file: given } as { type: string };
    }
    case "input_video": {
      if (typeof rest["video_url"] !== "string") throw wrong(`${path}.video_url`, "a URL");
      const { video_url: video, ...beside } = rest;
      return { ...beside, type: "video_url", video_url: { url: video } } as { type: string };
    }
    case "image_url":
    case "file":
    case "input_audio":
    case "video_url":
      return part as { type: string };
    default:
      throw wrong(`${path}.type`, `a part that is known here, not ${wordOf(type)}`);
  }
}

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
