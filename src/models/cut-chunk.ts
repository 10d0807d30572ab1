import { isObject, isText, type Fields } from "../internal/fields.ts";
import { isCertainlyOver, sizeOf } from "../internal/json-pieces.ts";
import { LongText } from "../internal/long-text.ts";
import { inTurn } from "../internal/order.ts";
import { endBeforeHalf, endOfCharacter } from "../internal/whole-character.ts";
import type { ChatChunk } from "./chat.ts";

/** Characters of JSON that one chunk may have: everything between the endpoint and the client takes less than a millisecond for it. */
const PIECE_CHARS = 32_768;
/** Tokens with log probabilities in one chunk; each may have twenty alternatives. */
const PIECE_TOKENS = 64;
/** Tokens behind the end of their text that its last chunk takes: endpoints write half a character as several. */
const LATE_TOKENS = 256;

/**
 * Cuts a chunk that is too long to be passed on in one go into chunks that say the same one after another: its texts in pieces, its lists in
 * parts. What has no parts, such as encrypted reasoning, stays whole, in pieces as it came. Fields beside the texts come once, the finish reason last. Pure.
 */
export function* cutChunk(chunk: ChatChunk): Generator<ChatChunk> {
  const { choices } = chunk;
  if (!Array.isArray(choices) || choices.length === 0 || !isCertainlyOver(chunk, PIECE_CHARS)) {
    yield chunk;
    return;
  }
  const { id, object, created, model } = chunk;
  let head: ChatChunk = chunk;
  for (const { delta, finish_reason: reason, logprobs, ...beside } of choices as readonly Choice[]) {
    const { tokens, others } = toTokens(logprobs);
    let choice: Choice = { ...beside, ...(others !== undefined && { logprobs: others }) };
    let last: Piece | undefined;
    const told = ({ said, own }: Piece, end: Choice): ChatChunk => {
      const probed = own.length > 0 && { logprobs: { ...(choice.logprobs as Fields), content: own } };
      const one = { ...head, choices: [{ ...choice, delta: said, ...probed, ...end }] } as ChatChunk;
      head = { id, object, created, model };
      choice = { index: beside.index };
      return one;
    };
    for (const piece of piecesOf(delta ?? {}, tokens)) {
      if (last !== undefined) yield told(last, { finish_reason: null });
      last = piece;
    }
    yield told(last ?? { said: delta as Fields, own: [] }, { finish_reason: reason });
  }
}

/** A long text in pieces. Pure. */
export function* textsOf(text: string | LongText): Generator<string> {
  if (text instanceof LongText) {
    for (const group of groupsOf(text)) yield* textsOf(group);
    return;
  }
  for (let from = 0; from < text.length;) {
    const end = endOfCharacter(text, Math.min(text.length, from + PIECE_CHARS));
    yield text.slice(from, end);
    from = end;
  }
}

/** The pieces of a text, a few at once, without half a character at an end. */
function* groupsOf({ pieces }: LongText): Generator<string> {
  let group = "";
  for (const piece of pieces) {
    if (group !== "" && group.length + piece.length > PIECE_CHARS) {
      const end = endBeforeHalf(group, group.length);
      yield group.slice(0, end);
      group = group.slice(end);
    }
    group += piece;
  }
  if (group !== "") yield group;
}

/** A choice of a chunk, with the fields that are read here. */
interface Choice extends Fields {
  readonly index?: unknown;
  readonly delta?: Fields | null;
  readonly finish_reason?: unknown;
  readonly logprobs?: unknown;
}

/** A piece of a delta, and the log probabilities of its text. */
interface Piece {
  readonly said: Fields;
  readonly own: readonly unknown[];
}

/** Splits log probabilities of the text from what else is beside them. */
function toTokens(logprobs: unknown): { readonly tokens: readonly unknown[]; readonly others: unknown } {
  if (!isObject(logprobs) || !Array.isArray(logprobs["content"])) return { tokens: [], others: logprobs };
  const { content, ...others } = logprobs;
  return { tokens: content as readonly unknown[], others: Object.keys(others).length > 0 ? others : undefined };
}

function* piecesOf(delta: Fields, tokens: readonly unknown[]): Generator<Piece> {
  let used = 0;
  /** The text from a place on that fits a piece, and its tokens. */
  function textAt(text: string, from: number): { readonly end: number; readonly own: readonly unknown[] } {
    let end = Math.min(text.length, from + PIECE_CHARS);
    let [at, chars] = [used, 0];
    while (at < tokens.length && at < used + PIECE_TOKENS && chars < end - from) {
      chars += lengthOf(tokens[at]);
      at += 1;
    }
    if (at === used + PIECE_TOKENS && chars > 0) end = Math.min(end, from + chars);
    end = endOfCharacter(text, end);
    const own = tokens.slice(used, at);
    used = at;
    return { end, own };
  }

  let last: Piece | undefined;
  for (const one of inTurn(delta))
    for (const piece of cutDelta(one, textAt)) {
      if (last !== undefined) yield last;
      last = piece;
    }
  if (last === undefined) return;
  const late = tokens.slice(used, used + LATE_TOKENS);
  yield { ...last, own: [...last.own, ...late] };
  for (used += late.length; used < tokens.length; used += PIECE_TOKENS)
    yield { said: {}, own: tokens.slice(used, used + PIECE_TOKENS) };
}

type TextAt = (text: string, from: number) => { readonly end: number; readonly own: readonly unknown[] };

/** Cuts one delta, in the order in which its fields are read. */
function* cutDelta(delta: Fields, textAt: TextAt): Generator<Piece> {
  const { reasoning_content: named, reasoning: other, reasoning_details: details, ...said } = delta;
  const { content, phases, annotations, refusal, tool_calls: calls, ...beside } = said;
  let first = beside;
  const piece = (fields: Fields, own: readonly unknown[] = NONE): Piece => {
    const one = { said: { ...first, ...fields }, own };
    first = {};
    return one;
  };
  const thoughts = { ...(named !== undefined && { named }), ...(other !== undefined && { other }) };

  // Entries that say where a part of the reasoning begins are read together with its words.
  if (hasMarks(details)) yield piece({ ...toNames(thoughts), reasoning_details: details });
  else {
    if (isWords(named) && isSame(named, other))
      for (const text of textsOf(named)) yield piece({ reasoning_content: text, reasoning: text });
    else for (const [name, words] of Object.entries(toNames(thoughts))) yield* cutField(name, words, piece);
    yield* cutField("reasoning_details", details, piece);
  }
  const begun = phases === undefined ? {} : { phases };
  if (isWords(content)) {
    let isFirst = true;
    for (const group of typeof content === "string" ? [content] : groupsOf(content))
      for (let from = 0; from < group.length; isFirst = false) {
        const { end, own } = textAt(group, from);
        yield piece({ ...(isFirst && begun), content: group.slice(from, end) }, own);
        from = end;
      }
  } else if (Array.isArray(content)) {
    if (phases !== undefined) yield piece(begun);
    yield* cutField("content", content, piece);
  } else if (content !== undefined || phases !== undefined)
    yield piece({ ...(content !== undefined && { content }), ...begun });
  yield* cutField("annotations", annotations, piece);
  yield* cutField("refusal", refusal, piece);
  if (Array.isArray(calls)) yield* cutCalls(calls as readonly unknown[], piece);
  else yield* cutField("tool_calls", calls, piece);
  if (Object.keys(first).length > 0) yield piece({});
}

const NONE: readonly unknown[] = [];

function toNames({ named, other }: { readonly named?: unknown; readonly other?: unknown }): Fields {
  return { ...(named !== undefined && { reasoning_content: named }), ...(other !== undefined && { reasoning: other }) };
}

function hasMarks(details: unknown): boolean {
  return Array.isArray(details) && details.some((one: unknown) => isObject(one) && typeof one["start"] === "number");
}

function* cutField(name: string, value: unknown, piece: (fields: Fields) => Piece): Generator<Piece> {
  if (value === undefined) return;
  if (isWords(value)) for (const text of textsOf(value)) yield piece({ [name]: text });
  else if (Array.isArray(value) && value.length > 0)
    for (const run of runsOf(value as readonly unknown[])) yield piece({ [name]: run });
  else yield piece({ [name]: value });
}

/** Cuts calls: each run of short ones is one piece, and long arguments come in pieces of their own. */
function* cutCalls(calls: readonly unknown[], piece: (fields: Fields) => Piece): Generator<Piece> {
  const placed = calls.map((call, index) => (isObject(call) ? { index, ...call } : call));
  for (const run of runsOf(placed)) {
    const [only] = run;
    const field = run.length === 1 && isObject(only) ? (isObject(only["custom"]) ? CUSTOM : FUNCTION) : undefined;
    const named = field === undefined ? undefined : (only as Fields)[field.of];
    const given = isObject(named) && field !== undefined ? named[field.given] : undefined;
    if (field === undefined || !isWords(given) || given.length <= PIECE_CHARS) {
      yield piece({ tool_calls: run });
      continue;
    }
    let call = { ...(only as Fields), [field.of]: named } as Fields;
    for (const text of textsOf(given)) {
      yield piece({ tool_calls: [{ ...call, [field.of]: { ...(call[field.of] as Fields), [field.given]: text } }] });
      call = { index: (only as Fields)["index"] };
    }
  }
}

const FUNCTION = { of: "function", given: "arguments" } as const;
const CUSTOM = { of: "custom", given: "input" } as const;

/** Entries of a list, as many at once as a piece may have. */
function* runsOf(list: readonly unknown[]): Generator<readonly unknown[]> {
  let [run, chars]: [unknown[], number] = [[], 0];
  for (const one of list) {
    const more = sizeOf(one);
    if (run.length > 0 && chars + more > PIECE_CHARS) {
      yield run;
      [run, chars] = [[], 0];
    }
    run.push(one);
    chars += more;
  }
  yield run;
}

function isWords(value: unknown): value is string | LongText {
  return isText(value) || value instanceof LongText;
}

function isSame(words: string | LongText, other: unknown): boolean {
  return isWords(other) && words.length === other.length && String(words) === String(other);
}

function lengthOf(token: unknown): number {
  return isObject(token) && isText(token["token"]) ? token["token"].length : 0;
}
