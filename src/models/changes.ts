import { mapChanged } from "../internal/map-changed.ts";
import { isObject } from "../internal/fields.ts";
import { CHAT_ID_CHARS_MAX, withShortCallIds } from "./call-ids.ts";
import type { ChatRequest } from "./chat.ts";
import { withAllThoughts } from "./given-back.ts";
import { withoutSaidField, type SaidField, type SaidPlace } from "./said-fields.ts";

/** A change to a request for an endpoint, as text: lessons are stored by it. */
export type Change =
  | "max_completion_tokens"
  | "max_tokens"
  | "+thoughts"
  | "-hints"
  | "short ids"
  | `-${Dropped}`
  | `-${Dropped} unless ${"store" | "stream"}`
  | `${typeof SAID} ${SaidPlace} ${string}`;

type Dropped = (typeof DROPPED)[number];

/** Fields without effect on the answer. */
export const DROPPED = ["stream_options", "metadata", "safety_identifier"] as const;
/**
 * Fields of Anthropic's API or of one provider's models that accompany generally supported fields: thinking beside an effort, prompt cache
 * marks, reasoning that only its maker reads. An endpoint that refuses one refuses the others too.
 */
export const HINTS = ["thinking", "output_config", "reasoning", "cache_control"] as const;
export const MESSAGE_HINTS = [
  "cache_control",
  "prompt_cache_breakpoint",
  "reasoning_details",
  "phases",
  "is_error",
] as const;

/** Prefix of the change that removes a field of assistant messages. */
const SAID = "-said";

/** Returns the change that removes a field of assistant messages. */
export function withoutSaid({ place, name }: SaidField): Change {
  return `${SAID} ${place} ${name}`;
}

/** Applies a change to a request; returns the same object if nothing changes. Pure. */
export function apply(request: ChatRequest, change: Change): ChatRequest {
  if (change === "-hints") return withoutHints(request);
  if (change === "+thoughts") return withAllThoughts(request);
  if (change === "short ids") return withShortCallIds(request, CHAT_ID_CHARS_MAX);
  const [kind = "", place = "", name = ""] = change.split(" ");
  if (kind === SAID) return withoutSaidField(request, { place: place as SaidPlace, name });
  if (kind.startsWith("-")) return name !== "" && request[name] === true ? request : without(request, [kind.slice(1)]);
  const from = change === "max_tokens" ? "max_completion_tokens" : "max_tokens";
  const { [from]: bound, ...rest } = request;
  return bound === undefined || bound === null
    ? request
    : { ...(rest as ChatRequest), [change]: rest[change] ?? bound };
}

/** Removes hints from a request; returns the same object if it has none. A reasoning option without an effort beside it is not a hint. */
function withoutHints(request: ChatRequest): ChatRequest {
  const isSaidAgain = request["reasoning_effort"] != null;
  const idle = [
    "cache_control",
    ...(isIdle(request["thinking"]) ? ["thinking"] : []),
    ...(isSummaryAlone(request["reasoning"]) ? ["reasoning"] : []),
  ];
  // An effort repeats the amount of reasoning, but not its kind.
  const again = isSaidAgain ? HINTS.filter((name) => name !== "reasoning" || saysNoMore(request[name])) : idle;
  const plain = without(request, again);
  const messages = withoutMarksIn(request.messages);
  const tools = Array.isArray(request["tools"]) ? withoutMarksIn(request["tools"] as readonly object[]) : null;
  if (plain === request && messages === request.messages && (tools === null || tools === request["tools"]))
    return request;
  return { ...plain, messages, ...(tools !== null && { tools }) };
}

/** Returns true for reasoning that is off, or left to the model, and needs no effort beside it. */
function isIdle(thinking: unknown): boolean {
  return (thinking as { readonly type?: unknown } | null | undefined)?.type !== "enabled";
}

/** Returns true for reasoning options that only request a summary, which does not affect the answer. */
function isSummaryAlone(reasoning: unknown): boolean {
  return (
    typeof reasoning === "object" && reasoning !== null && Object.keys(reasoning).every((one) => one === "summary")
  );
}

/** Returns true for reasoning options that contain only an effort and a summary. */
function saysNoMore(reasoning: unknown): boolean {
  return !isObject(reasoning) || Object.keys(reasoning).every((one) => one === "summary" || one === "effort");
}

/** Removes hints from a message or tool, including its parts and calls. */
function withoutMarks<T extends object>(one: T): T {
  const plain = without(one, MESSAGE_HINTS) as T & { readonly content?: unknown; readonly tool_calls?: unknown };
  const { content, tool_calls: calls } = plain;
  const parts = Array.isArray(content) ? withoutMarksIn(content as readonly object[]) : content;
  const called = Array.isArray(calls) ? withoutMarksIn(calls as readonly object[]) : calls;
  if (parts === content && called === calls) return plain;
  return { ...plain, ...(parts !== content && { content: parts }), ...(called !== calls && { tool_calls: called }) };
}

function without<T extends object>(one: T, fields: readonly string[]): T {
  if (!fields.some((field) => Object.hasOwn(one, field))) return one;
  const rest = { ...one } as Record<string, unknown>;
  for (const field of fields) delete rest[field];
  return rest as T;
}

function withoutMarksIn<T extends object>(list: readonly T[]): readonly T[] {
  return mapChanged(list, (one) => (typeof one === "object" && one !== null ? withoutMarks(one) : one));
}
