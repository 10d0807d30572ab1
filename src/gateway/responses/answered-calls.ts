import { MarrowError } from "../../errors.ts";
import { wordOf } from "../../internal/describe.ts";
import type { Item } from "./shape.ts";

/** Names of calls by type, as in OpenAI's messages. */
const CALLS: ReadonlyMap<string, string> = new Map([
  ["function_call", "function call"],
  ["custom_tool_call", "custom tool call"],
]);

/**
 * Checks that every tool call has its output, before or within the input, because models refuse a history with an open call. Pure.
 * @throws MarrowError `invalid_input` that names the first open call, worded like OpenAI's API
 */
export function checkAnswered(history: readonly Item[], input: readonly Item[]): void {
  const all = [...history, ...input];
  // Some models restart their call ids in each turn, so an id may be called and answered more than once.
  const outputs = new Map<unknown, number>();
  for (const { type, call_id: id } of all)
    if (type.endsWith("_call_output")) outputs.set(id, (outputs.get(id) ?? 0) + 1);
  for (const [at, { type, call_id: id }] of all.entries()) {
    const kind = CALLS.get(type);
    if (kind === undefined) continue;
    const left = outputs.get(id) ?? 0;
    outputs.set(id, left - 1);
    if (left > 0) continue;
    const path = at < history.length ? "previous_response_id" : `input.${at - history.length}.call_id`;
    throw new MarrowError("invalid_input", `No tool output found for ${kind} ${wordOf(id)}.`, { details: { path } });
  }
}
