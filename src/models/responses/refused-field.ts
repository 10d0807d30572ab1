import { dotted } from "../../internal/named-field.ts";

/** Names of fields of the Responses API in chat completions. A field without a row has the same name. */
const NAMES: readonly (readonly [own: string, chat: string])[] = [
  ["max_output_tokens", "max_completion_tokens"],
  ["text.format.schema", "response_format.json_schema.schema"],
  ["text.format.name", "response_format.json_schema.name"],
  ["text.format", "response_format"],
  ["text.verbosity", "verbosity"],
  ["reasoning.effort", "reasoning_effort"],
];

/** Returns the path in the chat of a field that the endpoint refused; `undefined` if it is not known, as for items. Pure. */
export function toChatPath(param: string): string | undefined {
  const path = dotted(param);
  // Several items can come from one message, and the instructions are items, too.
  if (/^(?:input|include|store|instructions)(?:\.|$)/.test(path)) return undefined;
  const row = NAMES.find(([own]) => path === own || path.startsWith(`${own}.`));
  if (row !== undefined) return row[1] + path.slice(row[0].length);
  return path.replace(/^(tools\.\d+)\.(?=(?:name|description|parameters|strict)(?:\.|$))/, "$1.function.");
}
