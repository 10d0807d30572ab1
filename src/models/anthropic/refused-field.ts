import { asSent, followed, originOf, type Named } from "../origins.ts";
import type { ChatRequest } from "../chat.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { TEXT_SCHEMA } from "./custom-tools.ts";

/** Names of fields of this API in chat completions. A field without a row has the same name. */
const NAMES: readonly (readonly [own: string, chat: string])[] = [
  ["stop_sequences", "stop"],
  ["max_tokens", "max_completion_tokens"],
  ["metadata.user_id", "safety_identifier"],
  ["output_config.format.schema", "response_format.json_schema.schema"],
  ["output_config.format", "response_format"],
  ["output_config.effort", "reasoning_effort"],
];

/**
 * Returns the path in the chat of the field that the endpoint's message begins with, because this API has no `param`: `stop_sequences.0: must
 * contain text` is about `stop.0`. A field of a block is told as the field of the message that the block was made of. `undefined` if the
 * endpoint's message names no field, or one whose place in the chat is not known. Pure.
 */
export function toChatPath(message: string, body: Fields, request: ChatRequest): string | undefined {
  const [, path] = /^([a-z][\w-]*(?:\.[\w-]+){0,15}): /.exec(message.slice(0, 512)) ?? [];
  const [first = "", ...others] = path?.split(".") ?? [];
  if (path === undefined || !Object.hasOwn(body, first)) return undefined;
  if (first === "messages" || first === "system" || first === "tools") return placeInChat([first, ...others], body);
  const row = NAMES.find(([own]) => path === own || path.startsWith(`${own}.`));
  if (row === undefined) return path;
  const chat = row[1] + path.slice(row[0].length);
  if (row[1] === "stop" && typeof request["stop"] === "string") return "stop";
  return asSent(chat, request);
}

/** Turns are joined of messages, and instructions are apart: `messages.2.content.1` and `system.0` are each one block. */
function placeInChat(path: readonly string[], body: Fields): string | undefined {
  const named = followed(path, body);
  if (named !== undefined) return named.origin + fieldOf(named);
  const [first = "", nth] = path;
  if (nth === undefined && first !== "system") return first;
  // A turn is made of several messages: it is told as the first of them.
  const turn = Array.isArray(body[first]) ? (body[first] as readonly unknown[])[Number(nth ?? 0)] : undefined;
  const content = isObject(turn) ? turn["content"] : undefined;
  const origin = first === "system" ? originOf(turn) : Array.isArray(content) ? originOf(content[0]) : undefined;
  return origin === undefined ? undefined : /^messages\.\d+/.exec(origin)?.[0];
}

/** Returns the field of a chat's part, call, result or tool that a block's field was made of, behind a dot; nothing for the whole. */
function fieldOf({ made, origin, rest }: Named): string {
  const [field = "", ...within] = rest;
  const dotted = (...names: readonly string[]) => names.map((name) => `.${name}`).join("");
  if (field === "") return "";
  if (origin.startsWith("tools.")) {
    const path = rest.filter((name, at) => at > 0 || name !== "custom");
    return made["input_schema"] === TEXT_SCHEMA ? customField(path) : toolField(path);
  }
  if (field === "cache_control") return dotted(...rest);
  switch (made["type"]) {
    case "text":
      // A content that is a text has no fields.
      return field === "text" && /\.\d+$/.test(origin) ? ".text" : "";
    case "image":
      return ".image_url.url";
    case "document":
      if (field === "title") return ".file.filename";
      return within.includes("url") ? ".file.file_url" : ".file.file_data";
    case "tool_use":
      if (field === "id") return ".id";
      return field === "name" ? ".function.name" : ".function.arguments";
    case "tool_result":
      return field === "tool_use_id" ? ".tool_call_id" : dotted(field);
    default:
      return "";
  }
}

/** Fields of a chat's tool that are within its function. */
const OF_FUNCTION: ReadonlySet<string> = new Set(["name", "description", "strict"]);

/** The schema of a custom tool's input is the gateway's: a refusal of it is about the whole tool. */
function customField([field = "", ...within]: readonly string[]): string {
  if (field === "input_schema") return "";
  const rest = [field, ...within].map((name) => `.${name}`).join("");
  return field === "name" || field === "description" ? `.custom${rest}` : field === "" ? "" : rest;
}

function toolField([field = "", ...within]: readonly string[]): string {
  const rest = within.map((name) => `.${name}`).join("");
  if (field === "") return "";
  if (field === "input_schema") return `.function.parameters${rest}`;
  return OF_FUNCTION.has(field) ? `.function.${field}${rest}` : `.${field}${rest}`;
}
