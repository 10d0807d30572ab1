import { isObject, type Fields } from "../../internal/fields.ts";
import { originOf } from "./messages.ts";

/** Names of fields of this API in chat completions. A field without a row has the same name. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["stop_sequences", "stop"],
  ["max_tokens", "max_completion_tokens"],
  ["metadata.user_id", "safety_identifier"],
  ["output_config.format", "response_format"],
  ["output_config.format.schema", "response_format.json_schema.schema"],
  ["output_config.effort", "reasoning_effort"],
]);

/**
 * Returns the path in the chat of the field that the endpoint's message begins with, because this API has no `param`: `stop_sequences: each
 * must contain text` is about `stop`. A block is told as the message that it was made of. `undefined` if the endpoint's message names no field,
 * or one whose place in the chat is not known. Pure.
 */
export function toChatPath(message: string, body: Fields): string | undefined {
  const [, path] = /^([a-z][\w-]*(?:\.[\w-]+){0,15}): /.exec(message.slice(0, 512)) ?? [];
  const [first = ""] = path?.split(".") ?? [];
  if (path === undefined || !Object.hasOwn(body, first)) return undefined;
  if (first === "messages" || first === "system") return placeInChat(path, body);
  const known = NAMES.get(path) ?? NAMES.get(path.replace(/\.\d+$/, ""));
  if (known !== undefined) return known;
  return path
    .replace(/^(tools\.\d+)\.(?:custom\.)?input_schema/, "$1.function.parameters")
    .replace(/^(tools\.\d+)\.(?:custom\.)?(?=(?:name|description|strict)(?:\.|$))/, "$1.function.")
    .replace(/^(tools\.\d+)\.custom\./, "$1.");
}

/** Turns are joined of messages, and instructions are apart: `messages.2.content.1` and `system.0` are each one block. */
function placeInChat(path: string, { messages, system }: Fields): string | undefined {
  const [, turn, nth = "0"] = /^messages\.(\d+)(?:\.content\.(\d+))?(?:\.|$)/.exec(path) ?? [];
  const [, instruction] = /^system\.(\d+)(?:\.|$)/.exec(path) ?? [];
  const { content } = asFields(asList(messages)[Number(turn)]);
  const block = turn === undefined ? asList(system)[Number(instruction)] : asList(content)[Number(nth)];
  const origin = originOf(block);
  return origin === undefined ? undefined : `messages.${origin}`;
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const asFields = (value: unknown): Fields => (isObject(value) ? value : {});
