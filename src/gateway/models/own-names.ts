import { namedField } from "../../internal/named-field.ts";

/** APIs whose requests are converted to chats, so that their clients do not see a chat's field names. */
export type Api = "responses" | "messages";

/** Names of a chat's fields in both APIs. A field without a row has the same name there. */
const NAMES: readonly (readonly [chat: string, responses: string, messages: string])[] = [
  ["response_format.json_schema.schema", "text.format.schema", "output_config.format.schema"],
  ["response_format.json_schema", "text.format", "output_config.format"],
  ["response_format", "text.format", "output_config.format"],
  ["reasoning_effort", "reasoning.effort", "thinking"],
  ["verbosity", "text.verbosity", "verbosity"],
  ["messages", "input", "messages"],
  ["logprobs", "include", "logprobs"],
  ["max_completion_tokens", "max_output_tokens", "max_tokens"],
  ["stop", "stop", "stop_sequences"],
  ["safety_identifier", "safety_identifier", "metadata.user_id"],
  ["parallel_tool_calls", "parallel_tool_calls", "tool_choice.disable_parallel_tool_use"],
];

/** Converts the path of a chat's field to the client's API. Paths within messages are converted elsewhere. Pure. */
export function toOwnName(path: string, api: Api): string {
  const row = NAMES.find(([chat]) => path === chat || path.startsWith(`${chat}.`));
  if (row !== undefined) return (api === "responses" ? row[1] : row[2]) + path.slice(row[0].length);
  // A chat nests a tool's fields in an object named like its type.
  const bare = path.replace(/^(tools\.\d+|tool_choice)\.(?:function|custom)(?=\.|$)/, "$1");
  return api === "messages" ? bare.replace(/^(tools\.\d+)\.parameters/, "$1.input_schema") : bare;
}

/** Names of what the gateway adds to a request from elsewhere. */
const ELSEWHERE: ReadonlySet<string> = new Set(["session", "conversation"]);

/**
 * Renames the field in an error by `toOwn`. Returns the same error if the name is unchanged or the error names no field. A field that an
 * upstream refused, and that the client's request does not have, is left out.
 */
export function withOwnName(error: unknown, toOwn: (path: string) => string, request: object): unknown {
  const field = namedField(error);
  if (field === undefined) return error;
  const own = toOwn(field.path);
  const [first = ""] = own.split(".");
  const isSent = !field.isUpstreams || Object.hasOwn(request, first) || ELSEWHERE.has(first);
  return field.as(isSent ? own : undefined);
}
