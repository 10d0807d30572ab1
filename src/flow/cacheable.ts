import { PROMPT_CHARS_MAX, type Question } from "../cache/index.ts";
import type { Context } from "./context.ts";
import { largeFieldsOf } from "./large-context.ts";
import type { ChatCompletion, ChatMessage, ChatRequest } from "../models/index.ts";

/** Fields of a request that never change what is answered; all others do, also those that are not known here. */
const IRRELEVANT = new Set([
  "messages",
  "stream",
  "stream_options",
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
]);

/**
 * The question that a request asks of the cache, or `undefined` when no stored answer could serve it: the last message is
 * no plain text of the user's, or several answers are wanted at once. Everything that the model is given counts exactly but the text of
 * the last message. `besideOf` says what else must be equal for a prompt.
 */
export function toQuestion(
  request: ChatRequest,
  { digest, spoken }: Context,
  besideOf: (prompt: string) => unknown = () => undefined,
): Question | undefined {
  const prompt = promptOf(request);
  if (prompt === undefined) return undefined;
  const beside = besideOf(prompt);
  const large = largeFieldsOf(request);
  const isParameter = (name: string) => !IRRELEVANT.has(name) && (large === undefined || !Object.hasOwn(large, name));
  const parameters = Object.fromEntries(Object.entries(request).filter(([name]) => isParameter(name)));
  const digests = large && Object.fromEntries(Object.entries(large).filter(([name]) => !IRRELEVANT.has(name)));
  const fields = besideText(request.messages.at(-1) as ChatMessage);
  const within = {
    parameters,
    ...(digests !== undefined && Object.keys(digests).length > 0 && { large: digests }),
    ...(fields !== undefined && { fields }),
    ...(beside !== undefined && { beside }),
  };
  // A prompt that leans on what was said may be shared where the same was said; instructions say nothing that it could lean on.
  return spoken ? { prompt, within, context: digest } : { prompt, within: { ...within, instructed: digest } };
}

/**
 * All that a message says beside the text that is compared by meaning: its other fields, those of its parts, and every part before the last
 * one. `undefined` for a message that is its role and one text.
 */
export function besideText(message: Readonly<Record<string, unknown>>): unknown {
  const { role: _, content, ...fields } = message;
  const parts = Array.isArray(content) ? (content as readonly Readonly<Record<string, unknown>>[]) : [];
  const { type: __, text: ___, ...ofLast } = parts.at(-1) ?? {};
  const before = parts.slice(0, -1);
  if (Object.keys(fields).length + Object.keys(ofLast).length + before.length === 0) return undefined;
  return { fields, ofLast, before };
}

/** The user's own words in the last message, or `undefined`. */
function promptOf({ messages, n }: ChatRequest & { readonly n?: unknown }): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "user" || (n !== undefined && n !== null && n !== 1)) return undefined;
  const text = textOf(last.content);
  const usable = text !== undefined && text.trim() !== "" && text.length <= PROMPT_CHARS_MAX && text.isWellFormed();
  return usable ? text : undefined;
}

/** Text of a content that is nothing but text. */
function textOf(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part: { type?: unknown; text?: unknown } | null) =>
    part?.type === "text" && typeof part.text === "string" ? part.text : undefined,
  );
  return parts.includes(undefined) ? undefined : parts.join("\n");
}

/** An answer as the cache keeps it: enough to give it again as a whole or as a stream, with every field that its endpoint gave. */
export interface StoredAnswer {
  readonly model: string;
  readonly message: ChatMessage;
  readonly usage?: ChatCompletion["usage"];
  /** What stood beside the message in its choice, such as `logprobs`. */
  readonly choice?: Readonly<Record<string, unknown>> | undefined;
  /** What stood beside the choices, such as `system_fingerprint` or `citations`. */
  readonly beside?: Readonly<Record<string, unknown>> | undefined;
}

/** Whether a question asks for log probabilities that a stored answer has not: such an answer does not serve it. */
export function lacksAsked(question: Question, { choice }: StoredAnswer): boolean {
  const { parameters } = (question as { readonly within?: { readonly parameters?: ChatRequest } }).within ?? {};
  return parameters?.["logprobs"] === true && (choice?.["logprobs"] ?? null) === null;
}

/**
 * The part of a completion worth keeping, or `undefined` for what is never stored: several choices, tool calls, refusals,
 * empty answers, and answers that were cut off.
 */
export function toStoredAnswer(completion: ChatCompletion): StoredAnswer | undefined {
  const { model, choices, usage, id: _, object: __, created: ___, ...beside } = completion;
  const [choice, ...others] = choices;
  if (choice === undefined || others.length > 0 || choice.finish_reason !== "stop") return undefined;
  const { message, index: ____, finish_reason: _____, ...rest } = choice;
  const {
    content,
    refusal,
    tool_calls: calls,
    function_call: call,
    audio,
  } = message as Readonly<Record<string, unknown>>;
  const absent = (field: unknown) =>
    field === undefined || field === null || (Array.isArray(field) && field.length === 0);
  if (typeof content !== "string" || content.trim() === "") return undefined;
  if (![refusal, calls, call, audio].every(absent)) return undefined;
  return {
    model,
    message,
    usage,
    ...(hasSome(rest) && { choice: rest }),
    ...(hasSome(beside) && { beside }),
  };
}

function hasSome(fields: Readonly<Record<string, unknown>>): boolean {
  return Object.values(fields).some((value) => value !== undefined && value !== null);
}
