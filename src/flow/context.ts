import { hash } from "node:crypto";
import type { MarrowError } from "../errors.ts";
import type { Turn } from "../memory/index.ts";
import { ITEMS, THOUGHTS, type ChatMessage, type ChatRequest } from "../models/index.ts";
import { isObject, isText } from "../internal/fields.ts";
import { joinedOrder } from "../internal/order.ts";
import { hashInTurns, preparedDigest } from "./large-context.ts";
import { unsaid } from "./resent.ts";
import { besideCalls, lostError, lostResults, withoutLost, withoutOpenCalls } from "./results.ts";
import { isLarge, sizeOf } from "../internal/json-pieces.ts";

/** Fields of stored turns that are not sent to endpoints: reasoning, which only some accept, and fields that only Marrow uses. */
const NOT_SENT = new Set([
  "reasoning_content",
  "reasoning",
  "annotations",
  "incomplete",
  "omitted",
  "item",
  "langchain",
  "ai",
]);

/** Digest of the messages before the last one, and whether they contain more than instructions. */
export interface Context {
  readonly digest: string;
  readonly spoken: boolean;
}

/** Identifies all messages before the last one, so that an answer is only shared in the same context. */
export function contextOf(request: ChatRequest, history: readonly Turn[], lead?: number): Context {
  return contextAtOnce(withHistory(request.messages, history, lead));
}

/** The same in turns of the event loop where the messages are large and were not prepared. */
export function contextInTurns(
  request: ChatRequest,
  history: readonly Turn[],
  lead?: number,
): Context | Promise<Context> {
  const all = withHistory(request.messages, history, lead);
  const before = all.slice(0, -1);
  if (preparedDigest(all) !== undefined || !isLarge(before)) return contextAtOnce(all);
  return hashInTurns(before).then((digest) => toContext(before, digest));
}

function contextAtOnce(all: readonly ChatMessage[]): Context {
  const before = all.slice(0, -1);
  if (before.length === 0) return { digest: "", spoken: false };
  // The order of fields counts here: sorting them would cost more than the rare miss that it saves.
  return toContext(before, preparedDigest(all) ?? hash("sha256", JSON.stringify(before)));
}

function toContext(before: readonly ChatMessage[], digest: string): Context {
  return { digest: digest.slice(0, DIGEST_CHARS), spoken: before.some(({ role }) => !isInstruction(role)) };
}

const DIGEST_CHARS = 32;

/** Converts stored turns to messages for the model, without fields that are only stored. */
export function toMessages(turns: readonly Turn[]): readonly ChatMessage[] {
  return besideCalls(together(turns.filter(({ role }) => role !== "item").map(toSent)));
}

/**
 * Returns the error for a request's tool result without a call in the history or the request; `undefined` if there is none. `pathOf`
 * returns the path of the result, given its call id.
 */
export function lostIn(
  messages: readonly ChatMessage[],
  history: readonly Turn[],
  pathOf: (callId: unknown, at: number) => string = (_, at) => `messages.${at}.tool_call_id`,
): MarrowError | undefined {
  const all = withHistory(messages, history);
  const mine = new Set(messages);
  const found = lostResults(all).find(({ at }) => mine.has(all[at] as ChatMessage));
  return found && lostError(found, pathOf(found.callId, messages.indexOf(all[found.at] as ChatMessage)));
}

/**
 * Builds the messages for the model: the first `lead` messages (by default the initial instructions), the history, and the new messages, in
 * order. Tool results in the history without a call, and its calls without a result, are left out, because endpoints would refuse every later
 * turn.
 */
export function withHistory(
  messages: readonly ChatMessage[],
  history: readonly Turn[],
  lead: number = leadOf(messages),
): readonly ChatMessage[] {
  if (history.length === 0) return messages;
  const sent = history.filter(({ role }) => role !== "item").map(toSent);
  if (sent.length === 0) return messages;
  const said = messages.filter(({ role }) => !isInstruction(role));
  const held = sent.filter(({ role }) => !isInstruction(role));
  const fresh = unsaid(said, held);
  // A client that sent all that the session shows, or more, is asked with its own history.
  if (held.length > 0 && said.length - fresh.length >= held.length) return messages;
  // Instructions directly before the new messages belong to them; those of a repeated part precede the history.
  let from = fresh[0] === undefined ? messages.length : messages.indexOf(fresh[0]);
  while (from > lead && isInstruction(messages[from - 1]?.role ?? "")) from -= 1;
  const told = messages.slice(0, from).filter(({ role }) => isInstruction(role));
  const after = messages.slice(from);
  return [...told, ...withoutOpenCalls(together(withoutLost(sent)), after), ...after];
}

/**
 * Returns the newest turns that make up `messages` messages, with the instructions directly before them. Tool calls stored as turns of
 * their own count as one message with the assistant's turn before them. Pure.
 */
export function newestTurns(turns: readonly Turn[], messages: number): readonly Turn[] {
  let from = turns.length;
  for (let left = messages; from > 0; from -= 1) {
    const { role, ...turn } = turns[from - 1] as Turn;
    if (isInstruction(role) || role === "item") continue;
    if (left === 0) break;
    if (!isCallAlone({ role, ...turn }) || turns[from - 2]?.role !== "assistant") left -= 1;
  }
  return turns.slice(from);
}

/** Counts the instructions at the start of messages. */
function leadOf(messages: readonly ChatMessage[]): number {
  const first = messages.findIndex(({ role }) => !isInstruction(role));
  return first === -1 ? messages.length : first;
}

/**
 * Returns the newest turns of a session that can be sent on their own.
 *
 * If older ones are left out, the result begins with a user's turn: an answer without its question, or a tool result without its call,
 * would mislead the model. `most` is the number of turns read; fewer mean the whole session. Limited to {@link HISTORY_CHARS_MAX}
 * characters. Pure.
 */
export function wholeFrom(turns: readonly Turn[], most: number): readonly Turn[] {
  const fitting = newestFitting(turns);
  if (turns.length < most && fitting.length === turns.length) return turns;
  const start = fitting.findIndex(({ role }) => role === "user");
  return start === -1 ? [] : fitting.slice(start);
}

/**
 * Most characters of earlier turns sent to a model, approximately. An image of 2 MB in base64 fits, as in a body of the default limit. More
 * would block the event loop while they are read and sent.
 */
export const HISTORY_CHARS_MAX = 4_194_304;

/** Returns the newest turns with at most {@link HISTORY_CHARS_MAX} characters together. */
function newestFitting(turns: readonly Turn[]): readonly Turn[] {
  let left = HISTORY_CHARS_MAX;
  const first = turns.findLastIndex((turn) => (left -= sizeOf(toSent(turn))) < 0);
  return first === -1 ? turns : turns.slice(first + 1);
}

/** Returns true for the roles of instructions, which belong to a request and are not stored as turns. */
export function isInstruction(role: string): boolean {
  return role === "system" || role === "developer";
}

function toSent(turn: Turn): ChatMessage {
  const isAsSent = !Object.keys(turn).some((name) => NOT_SENT.has(name));
  const sent = isAsSent ? turn : withoutNotSent(turn);
  return sent.role === "assistant" ? asAccepted(sent) : sent;
}

/** Removes fields of a stored turn that are not sent, and keeps its items and reasoning under internal names. */
function withoutNotSent(turn: Turn): ChatMessage {
  const sent = Object.fromEntries(Object.entries(turn).filter(([name]) => !NOT_SENT.has(name)));
  const { role, item } = turn;
  const thoughts = [turn["reasoning_content"], turn["reasoning"]].find(isText);
  return {
    ...sent,
    role,
    ...(role === "assistant" && thoughts !== undefined && { [THOUGHTS]: thoughts }),
    ...(item !== undefined && { [ITEMS]: Array.isArray(item) ? (item as readonly unknown[]) : [item] }),
  };
}

/**
 * Converts an assistant's turn to the form that endpoints accept: it has a content if it calls nothing, no empty list of calls, and no call
 * without a name. Audio becomes its id, or its transcript once the id has expired.
 */
function asAccepted(message: ChatMessage): ChatMessage {
  const { content, tool_calls: calls, function_call: call, audio } = message;
  const all = Array.isArray(calls) ? (calls as readonly unknown[]) : [];
  const named = all.filter(isNamed);
  const hasCalls = named.length > 0;
  const isCalling = hasCalls || isObject(call);
  const isBare = ((content ?? null) === null || (Array.isArray(content) && content.length === 0)) && !isCalling;
  const isUsual = hasCalls ? named.length === all.length : calls === undefined;
  if (!isBare && isUsual && (audio ?? null) === null) return message;
  const { tool_calls: _, audio: __, [ITEMS]: ___, ...rest } = message;
  const { id, transcript, expires_at: endS } = isObject(audio) ? audio : {};
  const isHeard = isText(id) && !(typeof endS === "number" && endS * 1_000 <= Date.now());
  return {
    ...rest,
    role: message.role,
    ...(isHeard && { audio: { id } }),
    ...(isBare && !isHeard && { content: isText(transcript) ? transcript : "" }),
    ...(hasCalls && { tool_calls: named }),
  };
}

/** Returns true if a call names its tool. Calls of unknown kinds pass. */
function isNamed(call: unknown): boolean {
  if (!isObject(call)) return false;
  const called = call["function"] ?? call["custom"];
  return called === undefined || (isObject(called) && isText(called["name"]));
}

function isCallAlone({ role, content, tool_calls: calls }: ChatMessage): boolean {
  return role === "assistant" && Array.isArray(calls) && (content ?? null) === null;
}

/**
 * Merges tool calls stored as turns of their own into the assistant's message before them. Their results must follow one message, and many
 * endpoints refuse two consecutive assistant messages.
 */
function together(messages: readonly ChatMessage[]): ChatMessage[] {
  const joined: ChatMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role === "assistant" && isCallAlone(message)) {
      const [before, calls] = [last, message].map(({ tool_calls: made }) => (Array.isArray(made) ? made : []));
      const items = [last[ITEMS], message[ITEMS]];
      const thoughts = [last, message].flatMap(({ reasoning_details: details }) =>
        Array.isArray(details) ? (details as readonly unknown[]) : [],
      );
      const said = [last[THOUGHTS], message[THOUGHTS]].filter(isText);
      joined[joined.length - 1] = {
        ...last,
        tool_calls: [...(before as unknown[]), ...(calls as unknown[])],
        ...(thoughts.length > 0 && { reasoning_details: thoughts }),
        ...(said.length > 0 && { [THOUGHTS]: said.join("\n\n") }),
        ...joinedOrder(last, message),
        [ITEMS]: items.every(Array.isArray) ? items.flat() : undefined,
      };
    } else joined.push(message);
  }
  return joined;
}
