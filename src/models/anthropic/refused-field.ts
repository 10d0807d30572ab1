import type { Fields } from "../../internal/fields.ts";

/** Names of fields of this API in chat completions. A field without a row has the same name. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["stop_sequences", "stop"],
  ["max_tokens", "max_completion_tokens"],
  ["metadata.user_id", "safety_identifier"],
  ["output_config.format", "response_format"],
  ["output_config.format.schema", "response_format.json_schema.schema"],
  ["output_config.effort", "reasoning_effort"],
]);

/** Fields whose places differ in a chat: turns are joined, and instructions are apart. */
const ELSEWHERE: ReadonlySet<string | undefined> = new Set(["messages", "system"]);

/**
 * Returns the path in the chat of the field that the endpoint's message begins with, because this API has no `param`: `stop_sequences: each
 * must contain text` is about `stop`. `undefined` if the message names none, or one whose place in the chat is not known. Pure.
 */
export function toChatPath(message: string, body: Fields): string | undefined {
  const [, path] = /^([a-z][\w-]*(?:\.[\w-]+){0,15}): /.exec(message.slice(0, 512)) ?? [];
  const [first = ""] = path?.split(".") ?? [];
  if (path === undefined || ELSEWHERE.has(first) || !Object.hasOwn(body, first)) return undefined;
  const known = NAMES.get(path) ?? NAMES.get(path.replace(/\.\d+$/, ""));
  if (known !== undefined) return known;
  return path
    .replace(/^(tools\.\d+)\.(?:custom\.)?input_schema/, "$1.function.parameters")
    .replace(/^(tools\.\d+)\.(?:custom\.)?(?=(?:name|description|strict)(?:\.|$))/, "$1.function.")
    .replace(/^(tools\.\d+)\.custom\./, "$1.");
}
