import type { ChatChunk, ChatCompletion } from "./chat.ts";
import { CALLS_MAX, CHOICES_MAX, MARKS_MAX, PARTS_MAX, readChunk, readLongChunk, tooMany } from "./answer-bounds.ts";
import { malformed, toReported, toReportedError } from "./failures.ts";
import { isObject, type Fields } from "../internal/fields.ts";
import { LongText, withStrings } from "../internal/long-text.ts";

/** Parses one event of a stream as a chunk. Pure. @throws MarrowError `model_failed` for an error, or an invalid chunk */
export function toChunk(data: string, secrets: readonly string[]): ChatChunk {
  return checkChunk(readChunk(data), secrets);
}

/** The same for a long event, in turns of the event loop. Its long strings are in pieces. */
export async function toLongChunk(data: LongText, secrets: readonly string[]): Promise<ChatChunk> {
  return checkChunk(await readLongChunk(data), secrets);
}

function checkChunk(chunk: unknown, secrets: readonly string[]): ChatChunk {
  if (chunk === undefined) throw malformed("an event of its stream is not valid JSON");
  if (!isObject(chunk)) throw malformed("an event of its stream is no object");
  const { choices, error } = chunk;
  if ((error !== undefined && error !== null) || (chunk["object"] === "error" && choices === undefined))
    throw toReportedError(withStrings(chunk), "the model's endpoint reported an error within its stream", secrets);
  if (choices !== undefined && choices !== null) checkChoices(choices, "delta", secrets);
  return chunk;
}

/** Checks that parsed JSON is a completion. Pure. @throws MarrowError `model_failed` for an error, or an invalid completion */
export function toCompletion(completion: unknown, secrets: readonly string[]): ChatCompletion {
  if (completion === undefined) throw malformed("its answer is not valid JSON");
  const { choices } = isObject(completion) ? completion : {};
  const isEmpty = !Array.isArray(choices) || choices.length === 0;
  if (isEmpty && toReported(completion) !== undefined)
    throw toReportedError(completion, "the model's endpoint answered an error", secrets);
  if (isEmpty) throw malformed("its answer has no choices");
  for (const { message } of checkChoices(choices, "message", secrets))
    if (!isObject(message)) throw malformed("a choice of its answer has no message");
  return completion as unknown as ChatCompletion;
}

/** Checks what all readers of choices rely on: objects with a message or delta, whose calls are objects. */
function checkChoices(choices: unknown, name: "message" | "delta", secrets: readonly string[]): readonly Fields[] {
  if (!Array.isArray(choices) || !choices.every(isObject)) throw malformed("its choices are no list of objects");
  if (choices.length > CHOICES_MAX) throw tooMany(CHOICES_MAX, "choices");
  for (const choice of choices) {
    const { index } = choice;
    if (typeof index === "number" && index >= CHOICES_MAX) throw tooMany(CHOICES_MAX, "choices");
    const said = choice[name];
    if (choice["finish_reason"] === "error")
      throw toReportedError(choice, "the model's endpoint ended its answer with an error", secrets);
    if (said === undefined || said === null) continue;
    if (!isObject(said)) throw malformed(`the ${name} of a choice is no object`);
    const { content, tool_calls: calls } = said;
    if (calls !== undefined && calls !== null && !isList(calls)) throw malformed("its calls are no list of objects");
    if (Array.isArray(calls) && calls.length > CALLS_MAX) throw tooMany(CALLS_MAX, "tool calls");
    const called = [
      said["function_call"],
      ...((calls ?? []) as readonly Fields[]).flatMap((one) => [one["function"], one["custom"]]),
    ];
    if (!called.every((one) => one === undefined || one === null || isObject(one)))
      throw malformed("the function of a call is no object");
    const isWords = typeof content === "string" || content instanceof LongText;
    if (content !== undefined && content !== null && !isWords && !isList(content))
      throw malformed("its content is neither text nor a list of parts");
    if (Array.isArray(content) && content.length > PARTS_MAX) throw tooMany(PARTS_MAX, "parts of its content");
    for (const list of MARKS) {
      const marks = said[list];
      if (Array.isArray(marks) && marks.length > MARKS_MAX) throw tooMany(MARKS_MAX, list);
    }
  }
  return choices;
}

/** Lists beside the text, each of which readers compare with the others. */
const MARKS = ["annotations", "phases", "reasoning_details"] as const;

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}
