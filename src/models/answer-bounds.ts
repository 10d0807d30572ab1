import type { ChatCompletion } from "./chat.ts";
import { parseExact } from "../internal/exact-json.ts";
import { isText } from "../internal/fields.ts";
import {
  JsonTooWide,
  readInTurns,
  readPiecesInTurns,
  readWide,
  UNBOUNDED,
  type WideBudget,
} from "../internal/json-in-turns.ts";
import { LongText, STRING_CHARS_MAX } from "../internal/long-text.ts";
import { overBound } from "./failures.ts";
import { LONG_CHARS, type EventData } from "./sse.ts";

/** Answers to one request: OpenAI makes up to 128. */
export const CHOICES_MAX = 256;
/** Calls of tools in one answer. OpenAI takes 128 tools, and models call some tens at once. */
export const CALLS_MAX = 1_024;
/** Blocks of a message, items of a response. */
export const PARTS_MAX = 4_096;
/** Entries of `annotations`, `phases` or `reasoning_details` of one message, or of one event of a stream. */
export const MARKS_MAX = 2_048;
/**
 * Characters of one encrypted reasoning, of a signature, and of the thought that it signs: each is passed on whole. Models write at most half
 * as many.
 */
export const SEALED_CHARS_MAX = 1_048_576;

/**
 * What the JSON of one answer, or of one event of a stream, may hold. All that comes after it takes about a microsecond for each value. Log
 * probabilities have a hundred and more values for each token, and nothing reads them one by one.
 */
const BUDGET: WideBudget = {
  valuesMax: 50_000,
  bulkValuesMax: 1_000_000,
  depthMax: 128,
  fieldsMax: 4_096,
  isBulk: (name) => name.endsWith("logprobs") || name.endsWith("token_ids"),
};
/** An event of a chat stream brings the log probabilities of a few tokens, and is read at once. */
const CHUNK_BUDGET: WideBudget = { ...BUDGET, bulkValuesMax: 16_384 };
/** Shorter texts cannot hold more than a few thousand values: `JSON.parse` reads them in less than a millisecond. */
const SHORT_CHARS = 8_192;

/** Fields of a kind of answers that hold what a model said. Their readers take a long text in pieces; all other strings are one string. */
type TextFields = ReadonlySet<string>;
const CHAT_TEXTS: TextFields = new Set(["content", "reasoning_content", "reasoning", "arguments", "input"]);
/** The same for kinds whose answers are lists of blocks or items. */
export const BLOCK_TEXTS: TextFields = new Set(["text", "arguments", "input"]);
/** Longer strings of an event, or of a completion that is passed on at once, stay in pieces: those are said piece by piece. */
const PASSED_CHARS_MAX = 131_072;

/**
 * Reads the JSON of a whole answer; `undefined` for what is none. What a model said stays in pieces where it is too long for one string.
 * @throws MarrowError `model_failed` that names the bound it is over
 */
export function readAnswer(text: string | LongText, texts: TextFields = CHAT_TEXTS): unknown {
  const keepsPieces = (field: string, chars: number) => chars > STRING_CHARS_MAX && texts.has(field);
  if (text instanceof LongText) return readPiecesInTurns(text, BUDGET, { keepsPieces }).catch(toNothing);
  if (text.length < SHORT_CHARS) return orNothing(() => parseExact(text));
  if (text.length < LONG_CHARS) return orNothing(() => readWide(text, BUDGET));
  return readInTurns(text, BUDGET).catch(toNothing);
}

/** Whether an event of a stream is read in turns of the event loop, and passed on in pieces. Others are read at once. */
export function isLong(data: EventData): data is LongText {
  return data instanceof LongText;
}

/** Reads the JSON of one event of a stream; `undefined` for what is none. @throws MarrowError `model_failed` that names the bound it is over */
export function readEvent(data: string): unknown {
  return readAtOnce(data, BUDGET);
}

/**
 * Reads the JSON of one long event in turns of the event loop. Its long strings stay in pieces. @throws MarrowError `model_failed`, as
 * {@link readEvent} does
 */
export function readLongEvent(data: LongText): Promise<unknown> {
  return readPiecesInTurns(data, BUDGET, { keepsPieces: isPassedOn }).catch(toNothing);
}

/** Reads the JSON of one event of a chat stream, as {@link readEvent} does, with fewer log probabilities: no event repeats those before it. */
export function readChunk(data: string): unknown {
  return readAtOnce(data, CHUNK_BUDGET);
}

/**
 * Reads the JSON of one long event of a chat stream in turns of the event loop. Its long strings stay in pieces. @throws MarrowError
 * `model_failed`, as {@link readEvent} does
 */
export function readLongChunk(data: LongText): Promise<unknown> {
  return readPiecesInTurns(data, CHUNK_BUDGET, { keepsPieces: isPassedOn }).catch(toNothing);
}

function isPassedOn(_: string, chars: number): boolean {
  return chars > PASSED_CHARS_MAX;
}

function readAtOnce(data: string, budget: WideBudget): unknown {
  return orNothing(() => (data.length < SHORT_CHARS ? parseExact(data) : readWide(data, budget)));
}

/** Reads the arguments of a tool's call, a text within an answer; `undefined` for what is no JSON, or is over a bound. */
export function readArguments(text: string | LongText): unknown {
  try {
    if (text instanceof LongText) return readPiecesInTurns(text, BUDGET).catch(() => undefined);
    if (text.length < SHORT_CHARS) return parseExact(text);
    return text.length < LONG_CHARS ? readWide(text, BUDGET) : readInTurns(text, BUDGET).catch(() => undefined);
  } catch {
    return undefined;
  }
}

/**
 * Reads the JSON of a completion that this process wrote, or checked before. `keepsPieces`: long texts that a model said, of a completion in
 * pieces, are a {@link LongText}.
 */
export function readCompletion(
  text: string | LongText,
  { keepsPieces = false }: { readonly keepsPieces?: boolean } = {},
): ChatCompletion | Promise<ChatCompletion> {
  if (text instanceof LongText) {
    const isKept = (field: string, chars: number) => keepsPieces && isPassedOn(field, chars) && CHAT_TEXTS.has(field);
    return readPiecesInTurns(text, UNBOUNDED, { keepsPieces: isKept }) as Promise<ChatCompletion>;
  }
  if (text.length < LONG_CHARS) return parseExact(text) as ChatCompletion;
  return readInTurns(text, UNBOUNDED) as Promise<ChatCompletion>;
}

/** An answer that holds more than any model's. */
export function tooMany(max: number, what: string): Error {
  return overBound(`more than ${max} ${what}`);
}

/** Checks a text that is passed on whole; `what` names it. @throws MarrowError `model_failed` over {@link SEALED_CHARS_MAX} characters */
export function checkSealed(text: unknown, what: string): void {
  if (isText(text) && text.length > SEALED_CHARS_MAX)
    throw overBound(`${what} of more than ${SEALED_CHARS_MAX} characters`);
}

function orNothing(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return toNothing(error);
  }
}

function toNothing(error: unknown): undefined {
  if (error instanceof JsonTooWide) throw overBound(error.message);
  return undefined;
}
