import { isObject } from "../internal/fields.ts";
import type { ChatRequest } from "./chat.ts";
import {
  isLackOfThoughts,
  isRefusalOfThoughts,
  withAllThoughts,
  withLoopThoughts,
  type ThoughtsField,
} from "./given-back.ts";
import { refusedSaidField, withoutSaidField } from "./said-fields.ts";

/** Which fields an endpoint takes, as far as it is known before it was asked. */
export interface DialectOptions {
  /**
   * The name of an answer's bound: reasoning models take `max_completion_tokens` only, old servers `max_tokens` only. `auto` sends what the
   * client sent and learns from a refusal that names the field. @default "auto"
   */
  readonly outputLimit?: "auto" | "max_tokens" | "max_completion_tokens" | undefined;
}

/** Rewrites requests to what one endpoint takes. */
export interface Dialect {
  /** The request as the endpoint takes it; the same object where nothing needs to change. */
  adapt(request: ChatRequest): ChatRequest;
  /** Notes in which field a model of the endpoint says what it thought: it is given its thoughts back there. */
  thinks(model: string, field: ThoughtsField): void;
  /** Reads a refusal (400 or 422): the request without what it names, or `undefined` where nothing is learned from it. */
  amend(
    request: ChatRequest,
    refusal: string,
  ): { readonly request: ChatRequest; readonly learn: () => void } | undefined;
}

/** Models whose refusals are remembered. */
const MODELS_MAX = 1_000;
/** Lessons that are remembered of one model: the names of fields come from other endpoints. */
const LESSONS_MAX = 64;
/** Changes that one request may go through: each is one more call of the endpoint. */
export const AMENDMENTS_MAX = 3;

type Change =
  | "max_completion_tokens"
  | "max_tokens"
  | "+thoughts"
  | "-hints"
  | `-${(typeof DROPPED)[number]}`
  | `-said ${string}`;

/** Fields that say nothing of the answer. */
const DROPPED = ["stream_options", "metadata", "safety_identifier"] as const;
/**
 * What is said in Anthropic's words, or for one maker's models, beside words that every endpoint knows: thinking beside an effort, marks for a
 * cache of prompts, thoughts that only their maker reads. They go together: who refuses one refuses the others.
 */
const HINTS = ["thinking", "output_config", "reasoning", "cache_control"] as const;
const MESSAGE_HINTS = ["cache_control", "prompt_cache_breakpoint", "reasoning_details", "phases", "is_error"] as const;

/** Words by which endpoints refuse a field as such, rather than its value. */
const REFUSED =
  /unsupported|not supported|does not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|only allowed|extra_forbidden|extra (?:inputs|fields)|additional propert|invalid (?:field|parameter|argument)|use '?"?max_completion_tokens/i;

/** Makes the dialect of one endpoint. What is learned holds for a model, until the process ends. */
export function createDialect({ outputLimit = "auto" }: DialectOptions): Dialect {
  const learned = new Map<string, Set<Change>>();
  const fixed: readonly Change[] = outputLimit === "auto" ? [] : [outputLimit];
  const thinking = new Map<string, ThoughtsField>();

  function remember(model: string, change: Change): void {
    if (learned.size >= MODELS_MAX && !learned.has(model)) learned.clear();
    const known = learned.get(model) ?? new Set();
    // A later lesson about the same takes the place of an earlier one.
    const same = SAME.find((changes) => changes.includes(change)) ?? [];
    for (const other of same) known.delete(other);
    if (known.size < LESSONS_MAX) known.add(change);
    learned.set(model, known);
  }

  return {
    adapt(request) {
      const known = learned.get(request.model);
      const field = thinking.get(request.model);
      const given = field === undefined ? request : withLoopThoughts(request, field);
      if (known === undefined && fixed.length === 0) return given;
      return [...fixed, ...(known ?? [])].reduce(apply, given);
    },

    thinks(model, field) {
      if (thinking.get(model) === field) return;
      if (thinking.size >= MODELS_MAX) thinking.clear();
      thinking.set(model, field);
    },

    amend(request, refusal) {
      const change =
        thoughtsChangeFor(request, refusal) ?? (REFUSED.test(refusal) ? changeFor(request, refusal) : undefined);
      if (change === undefined) return undefined;
      const amended = apply(request, change);
      return amended === request ? undefined : { request: amended, learn: () => remember(request.model, change) };
    },
  };
}

/** Changes of which the last one holds. */
const SAME: readonly (readonly Change[])[] = [
  ["max_completion_tokens", "max_tokens"],
  ["+thoughts", "-said reasoning_content"],
];

/** What a refusal says of thoughts: that they are lacking, or that they are there. */
function thoughtsChangeFor(request: ChatRequest, refusal: string): Change | undefined {
  if (isLackOfThoughts(refusal)) return "+thoughts";
  return isRefusalOfThoughts(request, refusal) ? "-said reasoning_content" : undefined;
}

/** What a refusal asks for. The field that the request has decides, since refusals name both bounds. */
function changeFor(request: ChatRequest, refusal: string): Change | undefined {
  const names = (field: string) => request[field] != null && new RegExp(`\\b${field}\\b`).test(refusal);
  if (names("max_tokens")) return "max_completion_tokens";
  if (names("max_completion_tokens")) return "max_tokens";
  const dropped = DROPPED.find(names);
  if (dropped !== undefined) return `-${dropped}`;
  const isHint = HINTS.some(names) || MESSAGE_HINTS.some((field) => new RegExp(`\\b${field}\\b`).test(refusal));
  if (isHint) return "-hints";
  const said = refusedSaidField(request, refusal);
  return said === undefined ? undefined : `-said ${said}`;
}

/** How the change begins that leaves out a field of what assistants said. */
const SAID = "-said ";

function apply(request: ChatRequest, change: Change): ChatRequest {
  if (change === "-hints") return withoutHints(request);
  if (change === "+thoughts") return withAllThoughts(request);
  if (change.startsWith(SAID)) return withoutSaidField(request, change.slice(SAID.length));
  if (change.startsWith("-")) {
    const { [change.slice(1)]: dropped, ...rest } = request;
    return dropped === undefined ? request : (rest as ChatRequest);
  }
  const from = change === "max_tokens" ? "max_completion_tokens" : "max_tokens";
  const { [from]: bound, ...rest } = request;
  return bound === undefined || bound === null
    ? request
    : { ...(rest as ChatRequest), [change]: rest[change] ?? bound };
}

/** A request without hints; the same object where it has none. A wish to think that no effort stands beside is no hint. */
function withoutHints(request: ChatRequest): ChatRequest {
  const isSaidAgain = request["reasoning_effort"] != null;
  const idle = [
    "cache_control",
    ...(isIdle(request["thinking"]) ? ["thinking"] : []),
    ...(isSummaryAlone(request["reasoning"]) ? ["reasoning"] : []),
  ];
  // An effort says again how much is to be thought, and nothing of how.
  const again = isSaidAgain ? HINTS.filter((name) => name !== "reasoning" || saysNoMore(request[name])) : idle;
  const plain = without(request, again);
  const messages = mapChanged(request.messages, withoutMarks);
  const tools = Array.isArray(request["tools"])
    ? mapChanged(request["tools"] as readonly object[], withoutMarks)
    : null;
  if (plain === request && messages === request.messages && (tools === null || tools === request["tools"]))
    return request;
  return { ...plain, messages, ...(tools !== null && { tools }) };
}

/** Thinking that is off, or left to the model, needs no effort beside it. */
function isIdle(thinking: unknown): boolean {
  return (thinking as { readonly type?: unknown } | null | undefined)?.type !== "enabled";
}

/** A wish for a summary of the thoughts changes nothing of the answer. */
function isSummaryAlone(reasoning: unknown): boolean {
  return (
    typeof reasoning === "object" && reasoning !== null && Object.keys(reasoning).every((one) => one === "summary")
  );
}

/** Whether an effort and a wish for a summary are all that is said of reasoning. */
function saysNoMore(reasoning: unknown): boolean {
  return !isObject(reasoning) || Object.keys(reasoning).every((one) => one === "summary" || one === "effort");
}

/** A message or a tool without hints, its parts and calls as well. */
function withoutMarks<T extends object>(one: T): T {
  const plain = without(one, MESSAGE_HINTS) as T & { readonly content?: unknown; readonly tool_calls?: unknown };
  const { content, tool_calls: calls } = plain;
  const parts = Array.isArray(content) ? mapChanged(content as readonly object[], withoutMarks) : content;
  const called = Array.isArray(calls) ? mapChanged(calls as readonly object[], withoutMarks) : calls;
  if (parts === content && called === calls) return plain;
  return { ...plain, ...(parts !== content && { content: parts }), ...(called !== calls && { tool_calls: called }) };
}

function without<T extends object>(one: T, fields: readonly string[]): T {
  if (!fields.some((field) => Object.hasOwn(one, field))) return one;
  const rest = { ...one } as Record<string, unknown>;
  for (const field of fields) delete rest[field];
  return rest as T;
}

function mapChanged<T>(list: readonly T[], change: (one: T) => T): readonly T[] {
  const changed = list.map((one) => (typeof one === "object" && one !== null ? change(one) : one));
  return changed.every((one, at) => one === list[at]) ? list : changed;
}
