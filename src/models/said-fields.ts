import { isObject } from "../internal/fields.ts";
import type { ChatMessage, ChatRequest } from "./chat.ts";

/** Fields of an assistant's message, of a call in it, and of what is called, that every endpoint of chat completions knows. */
const KNOWN = {
  message: new Set(["role", "content", "name", "refusal", "audio", "tool_calls", "function_call"]),
  call: new Set(["id", "type", "index", "function", "custom"]),
  called: new Set(["name", "arguments", "input"]),
};
/** Names that are looked for in a refusal: others could be part of its words. */
const NAME = /^[\w-]{2,64}$/;

/**
 * The field of an assistant's messages, or of their calls, that a refusal names: one that another endpoint made, and that came back with its
 * message. `undefined` for none. Pure.
 */
export function refusedSaidField({ messages }: ChatRequest, refusal: string): string | undefined {
  const names = new Set<string>();
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    collect(names, message, KNOWN.message);
    for (const call of callsOf(message)) {
      collect(names, call, KNOWN.call);
      if (isObject(call["function"])) collect(names, call["function"], KNOWN.called);
    }
  }
  return [...names].find((name) => NAME.test(name) && new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(refusal));
}

/** The request without this field of an assistant's messages and their calls; the same object where none has it. Pure. */
export function withoutSaidField(request: ChatRequest, name: string): ChatRequest {
  const messages = request.messages.map((message) => {
    if (message.role !== "assistant") return message;
    const plain = KNOWN.message.has(name) ? message : without(message, name);
    const calls = callsOf(plain);
    const changed = calls.map((call) => {
      const bare = KNOWN.call.has(name) ? call : without(call, name);
      const called = bare["function"];
      const named = isObject(called) && !KNOWN.called.has(name) ? without(called, name) : called;
      return named === called ? bare : { ...bare, function: named };
    });
    return changed.every((call, at) => call === calls[at]) ? plain : { ...plain, tool_calls: changed };
  });
  return messages.every((one, at) => one === request.messages[at]) ? request : { ...request, messages };
}

type Fields = Readonly<Record<string, unknown>>;

function collect(names: Set<string>, one: Fields, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(one)) if (value !== undefined && !known.has(name)) names.add(name);
}

function callsOf({ tool_calls: calls }: ChatMessage): readonly Fields[] {
  return Array.isArray(calls) && calls.every(isObject) ? calls : [];
}

function without<T extends Fields>(one: T, name: string): T {
  if (!Object.hasOwn(one, name)) return one;
  const { [name]: _, ...rest } = one;
  return rest as unknown as T;
}
