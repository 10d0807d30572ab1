import { dotted } from "../../internal/named-field.ts";
import type { Fields } from "../../internal/fields.ts";
import type { ChatRequest } from "../chat.ts";
import { asSent, followed, type Named } from "../origins.ts";

/** Names of fields of the Responses API in chat completions. A field without a row has the same name. */
const NAMES: readonly (readonly [own: string, chat: string])[] = [
  ["max_output_tokens", "max_completion_tokens"],
  ["text.format.schema", "response_format.json_schema.schema"],
  ["text.format.name", "response_format.json_schema.name"],
  ["text.format", "response_format"],
  ["text.verbosity", "verbosity"],
  ["reasoning.effort", "reasoning_effort"],
];

/**
 * Returns the path in the chat of a field that the endpoint refused: a field of an item is told as the field of the message that the item was
 * made of, or as the field of the message's original item (`messages.2.items.0.content`). `undefined` if it is not known. Pure.
 */
export function toChatPath(param: string, body: Fields, request: ChatRequest): string | undefined {
  const path = dotted(param);
  if (/^input(?:\.|$)/.test(path)) {
    const named = followed(path.split("."), body);
    return named === undefined ? undefined : named.origin + fieldOf(named);
  }
  // What the gateway itself added.
  if (/^(?:include|store|instructions)(?:\.|$)/.test(path)) return undefined;
  const row = NAMES.find(([own]) => path === own || path.startsWith(`${own}.`));
  if (row !== undefined) return asSent(row[1] + path.slice(row[0].length), request);
  return path.replace(/^(tools\.\d+)\.(?=(?:name|description|parameters|strict)(?:\.|$))/, "$1.function.");
}

/** Names of fields of an item or part in the message, call or part that it was made of. */
const FIELDS: ReadonlyMap<unknown, Readonly<Record<string, string>>> = new Map([
  ["message", { role: "role", content: "content" }],
  ["function_call", { call_id: "id", name: "function.name", arguments: "function.arguments" }],
  ["custom_tool_call", { call_id: "id", name: "custom.name", input: "custom.input" }],
  ["function_call_output", { call_id: "tool_call_id", output: "content" }],
  ["custom_tool_call_output", { call_id: "tool_call_id", output: "content" }],
  ["input_text", { text: "text", type: "type" }],
  ["input_image", { image_url: "image_url.url", detail: "image_url.detail", type: "type" }],
  [
    "input_file",
    { file_data: "file.file_data", file_url: "file.file_url", filename: "file.filename", file_id: "file.file_id" },
  ],
]);

/** Returns the field of the chat behind a dot, nothing for the whole. An original item keeps its fields. */
function fieldOf({ made, origin, rest }: Named): string {
  const [field = ""] = rest;
  if (/\.items\.\d+$/.test(origin)) return rest.map((name) => `.${name}`).join("");
  const names = FIELDS.get(made["type"]);
  return names !== undefined && Object.hasOwn(names, field) ? `.${names[field]}` : "";
}
