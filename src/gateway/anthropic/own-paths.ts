import { isWords } from "../../internal/long-text.ts";
import { toOwnName } from "../models/own-names.ts";
import type { Fields } from "../../internal/fields.ts";
import { hasSystem, type MessagesRequest } from "./request.ts";

/**
 * Converts a path in the built chat request to the path in the client's request to `/v1/messages`: `messages.2.content.0.image_url.url`
 * becomes `messages.0.content.1.source`. Pure.
 */
export function toOwnPath(path: string, request: MessagesRequest): string {
  const [, index, rest = ""] = /^messages\.(\d+)(?:\.(.*))?$/s.exec(path) ?? [];
  if (index !== undefined) return toBlockPath(Number(index), rest, request);
  if (path === "reasoning_effort" && typeof request.output_config?.["effort"] === "string")
    return "output_config.effort";
  return toOwnName(path, "messages");
}

function toBlockPath(index: number, rest: string, request: MessagesRequest): string {
  const { messages, system } = request;
  let first = hasSystem(request) ? 1 : 0;
  if (index < first) return toPartPath(blocksOf(system), "system", rest) ?? "system";
  for (const [at, { role, content }] of messages.entries()) {
    const blocks = blocksOf(content);
    const results = role === "user" ? blocks.flatMap((block, nth) => (isResult(block) ? [nth] : [])) : [];
    // In a chat each tool result is a message of its own, and the user's other content is one more.
    const count = Math.max(1, results.length + (results.length < blocks.length ? 1 : 0));
    const made = role === "user" ? count : 1;
    if (index >= first + made) {
      first += made;
      continue;
    }
    const here = `messages.${at}`;
    if (typeof content === "string") return rest === "" ? here : `${here}.${rest}`;
    const result = results[index - first];
    if (result !== undefined)
      return join(`${here}.content.${result}`, toBlockField(rest.replace(/^tool_call_id$/, "tool_use_id")));
    const [, call, ofCall = ""] = /^tool_calls\.(\d+)\.?(.*)$/s.exec(rest) ?? [];
    if (call !== undefined)
      return join(nthOf(blocks, ["tool_use"], Number(call), `${here}.content`), toCallField(ofCall));
    return toPartPath(blocks, `${here}.content`, rest, role === "assistant" ? ["text"] : undefined) ?? join(here, rest);
  }
  return "messages";
}

/**
 * Converts a path in the content of a chat's message, which was made of the blocks of some types: without types, of all but tool results.
 * `path`: the list of blocks. `undefined` for a path that leads to no block.
 */
function toPartPath(
  blocks: readonly Fields[],
  path: string,
  rest: string,
  types?: readonly unknown[],
): string | undefined {
  const [, part, ofPart = ""] = /^content\.(\d+)\.?(.*)$/s.exec(rest) ?? [];
  if (part !== undefined) return join(nthOf(blocks, types, Number(part), path), toBlockField(ofPart));
  // One text is the whole content of a chat's message.
  const isText = rest === "content" && placesOf(blocks, types).length === 1;
  return isText ? `${nthOf(blocks, types, 0, path)}.text` : undefined;
}

/** Returns the path of the nth block of some types. */
function nthOf(blocks: readonly Fields[], types: readonly unknown[] | undefined, nth: number, path: string): string {
  return `${path}.${placesOf(blocks, types)[nth] ?? nth}`;
}

function placesOf(blocks: readonly Fields[], types: readonly unknown[] | undefined): readonly number[] {
  return blocks.flatMap((block, at) => ((types?.includes(block["type"]) ?? !isResult(block)) ? [at] : []));
}

function blocksOf(content: MessagesRequest["system"]): readonly Fields[] {
  return isWords(content) ? [] : (content ?? []);
}

/** Converts a field of an image or document: in this API it is within `source`. */
function toBlockField(field: string): string {
  return field.replace(/(^|\.)(?:file|image_url)(?:\.[\w.]+)?$/, "$1source");
}

function toCallField(field: string): string {
  return field.replace(/^function\.arguments$/, "input").replace(/^function\./, "");
}

function isResult({ type }: Fields): boolean {
  return type === "tool_result";
}

function join(path: string, field: string): string {
  return field === "" ? path : `${path}.${field}`;
}
