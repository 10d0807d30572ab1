import { PROMPT_CHARS_MAX, type Question } from "../cache/index.ts";
import type { Context } from "./context.ts";
import { isWords, type LongText } from "../internal/long-text.ts";
import { IRRELEVANT_FIELDS } from "./irrelevant-fields.ts";
import { largeFieldsOf } from "./large-context.ts";
import type { ChatCompletion, ChatMessage, ChatRequest } from "../models/index.ts";

/**
 * Converts a request to a question for the cache; `undefined` if no stored answer could serve it, because the last message is not a user's
 * plain text or the request wants several answers. Everything except that text is compared exactly. `besideOf` returns further values that
 * must be equal.
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
  const isParameter = (name: string) =>
    !IRRELEVANT_FIELDS.has(name) && (large === undefined || !Object.hasOwn(large, name));
  const parameters = Object.fromEntries(Object.entries(request).filter(([name]) => isParameter(name)));
  const fields = besideText(request.messages.at(-1) as ChatMessage);
  const within = {
    parameters,
    ...(large !== undefined && { large }),
    ...(fields !== undefined && { fields }),
    ...(beside !== undefined && { beside }),
  };
  // A prompt that refers to earlier turns may be shared in the same conversation. Instructions contain nothing to refer to.
  return spoken ? { prompt, within, context: digest } : { prompt, within: { ...within, instructed: digest } };
}

/**
 * Returns everything in a message except the text that is compared by meaning: its other fields, those of its parts, and all parts but the
 * last. `undefined` for a message that is only a role and one text.
 */
export function besideText(message: Readonly<Record<string, unknown>>): unknown {
  const { role: _, content, ...fields } = message;
  const parts = Array.isArray(content) ? (content as readonly Readonly<Record<string, unknown>>[]) : [];
  const { type: __, text: ___, ...ofLast } = parts.at(-1) ?? {};
  const before = parts.slice(0, -1);
  if (Object.keys(fields).length + Object.keys(ofLast).length + before.length === 0) return undefined;
  return { fields, ofLast, before };
}

/** Returns the user's text in the last message, or `undefined`. */
function promptOf({ messages, n }: ChatRequest & { readonly n?: unknown }): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "user" || (n !== undefined && n !== null && n !== 1)) return undefined;
  const text = textOf(last.content);
  // Its length first: to look at a long text puts its pieces together.
  const usable = text !== undefined && text.length <= PROMPT_CHARS_MAX && text.trim() !== "" && text.isWellFormed();
  return usable ? text : undefined;
}

/** Returns the text of a content that is only text. */
function textOf(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part: { type?: unknown; text?: unknown } | null) =>
    part?.type === "text" && typeof part.text === "string" ? part.text : undefined,
  );
  return parts.includes(undefined) ? undefined : parts.join("\n");
}

/** An answer as the cache stores it: with every field of its endpoint, so that it can be replayed whole or as a stream. */
export interface StoredAnswer {
  readonly model: string;
  readonly message: ChatMessage;
  readonly usage?: ChatCompletion["usage"];
  /** Fields of its choice other than the message, such as `logprobs`. */
  readonly choice?: Readonly<Record<string, unknown>> | undefined;
  /** Fields of the completion other than the choices, such as `system_fingerprint` or `citations`. */
  readonly beside?: Readonly<Record<string, unknown>> | undefined;
}

/** Returns true if a question requests log probabilities that a stored answer lacks, so that it cannot be served. */
export function lacksAsked(question: Question, { choice }: StoredAnswer): boolean {
  const { parameters } = (question as { readonly within?: { readonly parameters?: ChatRequest } }).within ?? {};
  return parameters?.["logprobs"] === true && (choice?.["logprobs"] ?? null) === null;
}

/** Reasons of providers, beside `stop`, of an answer that may not be whole. */
const UNENDED: ReadonlySet<unknown> = new Set(["unknown", "pause_turn"]);

/**
 * Returns the part of a completion to store, or `undefined` for completions that are never stored: several choices, tool calls, refusals,
 * empty answers, truncated ones, and those of which it is unknown.
 */
export function toStoredAnswer(completion: ChatCompletion): StoredAnswer | undefined {
  const { model, choices, usage, id: _, object: __, created: ___, ...beside } = completion;
  const [choice, ...others] = choices;
  if (choice === undefined || others.length > 0 || choice.finish_reason !== "stop") return undefined;
  const { message, index: ____, finish_reason: _____, ...rest } = choice;
  // Its endpoint did not say how the answer ended, or paused within it.
  if (UNENDED.has(rest["native_finish_reason"])) return undefined;
  const {
    content,
    refusal,
    tool_calls: calls,
    function_call: call,
    audio,
  } = message as Readonly<Record<string, unknown>>;
  const absent = (field: unknown) =>
    field === undefined || field === null || (Array.isArray(field) && field.length === 0);
  if (!isWords(content) || isBlank(content)) return undefined;
  if (![refusal, calls, call, audio].every(absent)) return undefined;
  return {
    model,
    message,
    usage,
    ...(hasSome(rest) && { choice: rest }),
    ...(hasSome(beside) && { beside }),
  };
}

/** Longest text that is looked at for words: looking at the text of a stream puts all its pieces together, and longer ones are not stored. */
const LOOKED_CHARS_MAX = 1_048_576;

function isBlank(text: string | LongText): boolean {
  return typeof text === "string" && text.length <= LOOKED_CHARS_MAX && text.trim() === "";
}

function hasSome(fields: Readonly<Record<string, unknown>>): boolean {
  return Object.values(fields).some((value) => value !== undefined && value !== null);
}
