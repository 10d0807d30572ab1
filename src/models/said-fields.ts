import { mapChanged } from "../internal/map-changed.ts";
import { isObject } from "../internal/fields.ts";
import { CALL_FIELDS, CALLED_FIELDS, callsOf } from "./calls.ts";
import type { ChatRequest } from "./chat.ts";

/** Fields of an assistant's message, its parts of text, its calls, and the called functions that every chat completions endpoint supports. */
const KNOWN: Readonly<Record<SaidPlace, ReadonlySet<string>>> = {
  message: new Set(["role", "content", "name", "refusal", "audio", "tool_calls", "function_call"]),
  // Marks of prompt caches are hints, which have a lesson of their own.
  part: new Set(["type", "cache_control", "prompt_cache_breakpoint"]),
  call: CALL_FIELDS,
  called: new Set([...CALLED_FIELDS, "input"]),
};
/** Names that are searched in a refusal; others could be ordinary words of it. */
const NAME = /^[\w-]{2,64}$/;

/** Place of a field in an assistant's message: in the message, in a part of its text, in a call, or in the called function. */
export type SaidPlace = "message" | "part" | "call" | "called";

/** Path of each place. */
export const SAID_PLACES: Readonly<Record<SaidPlace, string>> = {
  message: "messages",
  part: "messages.content",
  call: "messages.tool_calls",
  called: "messages.tool_calls.function",
};

/** A field of an assistant's messages that only some endpoints support. */
export interface SaidField {
  readonly place: SaidPlace;
  readonly name: string;
}

/** Finds the non-standard fields of a request's assistant messages and their calls, from another endpoint or the client. Pure. */
export function saidFields({ messages }: ChatRequest): readonly SaidField[] {
  const names: Readonly<Record<SaidPlace, Set<string>>> = {
    message: new Set(),
    part: new Set(),
    call: new Set(),
    called: new Set(),
  };
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    collect(names.message, message, KNOWN.message);
    for (const part of partsOf(message.content)) if (isTextPart(part)) collect(names.part, bare(part), KNOWN.part);
    for (const call of callsOf(message)) {
      collect(names.call, call, KNOWN.call);
      if (isObject(call["function"])) collect(names.called, call["function"], KNOWN.called);
    }
  }
  const places = Object.entries(names) as [SaidPlace, Set<string>][];
  return places.flatMap(([place, found]) =>
    [...found].filter((name) => NAME.test(name)).map((name) => ({ place, name })),
  );
}

/** Returns true if a refusal names a field, as refused itself or as the parent of a refused one. Pure. */
export function isNamed(refusal: string, { name }: SaidField): boolean {
  return new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(refusal);
}

/** Removes this field from assistant messages; returns the same object if none has it. Pure. */
export function withoutSaidField(request: ChatRequest, { place, name }: SaidField): ChatRequest {
  const messages = mapChanged(request.messages, (message) => {
    if (message.role !== "assistant") return message;
    if (place === "message") return without(message, name);
    if (place === "part") {
      const parts = partsOf(message.content);
      const plain = mapChanged(parts, (part) =>
        isTextPart(part) && part["type"] !== name ? without(part, name) : part,
      );
      return plain === parts ? message : { ...message, content: plain };
    }
    const calls = callsOf(message);
    const changed = mapChanged(calls, (call) => {
      if (place === "call") return without(call, name);
      const called = call["function"];
      const named = isObject(called) ? without(called, name) : called;
      return named === called ? call : { ...call, function: named };
    });
    return changed === calls ? message : { ...message, tool_calls: changed };
  });
  return messages === request.messages ? request : { ...request, messages };
}

type Fields = Readonly<Record<string, unknown>>;

/** Returns the parts of a content; an empty list if it is text, or has a part that is no object. */
function partsOf(content: unknown): readonly Fields[] {
  return Array.isArray(content) && content.every(isObject) ? content : [];
}

function isTextPart({ type }: Fields): boolean {
  return type === "text" || type === "refusal";
}

/** A part without its own text, whose field has the name of its type: a text may have a `refusal` beside it that does not belong there. */
function bare(part: Fields): Fields {
  return without(part, String(part["type"]));
}

function collect(names: Set<string>, one: Fields, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(one)) if (value !== undefined && !known.has(name)) names.add(name);
}

function without<T extends Fields>(one: T, name: string): T {
  if (!Object.hasOwn(one, name)) return one;
  const { [name]: _, ...rest } = one;
  return rest as unknown as T;
}
