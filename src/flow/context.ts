import { hash } from "node:crypto";
import type { MarrowError } from "../errors.ts";
import type { Turn } from "../memory/index.ts";
import { ITEMS, THOUGHTS, type ChatMessage, type ChatRequest } from "../models/index.ts";
import { isObject, isText } from "../internal/fields.ts";
import { preparedDigest } from "./large-context.ts";
import { unsaid } from "./resent.ts";
import { besideCalls, lostError, lostResults, withoutLost } from "./results.ts";
import { sizeOf } from "../internal/json-pieces.ts";

/** Fields of a kept turn that are not sent as such: thoughts, which only some endpoints take back, and what only Marrow says of an answer. */
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

/** What stands before the last message: a digest of it, and whether anything was said, or only instructed. */
export interface Context {
  readonly digest: string;
  readonly spoken: boolean;
}

/** Names everything that stands before the last message, so that an answer serves only in the same context. */
export function contextOf(request: ChatRequest, history: readonly Turn[], lead?: number): Context {
  const all = withHistory(request.messages, history, lead);
  const before = all.slice(0, -1);
  if (before.length === 0) return { digest: "", spoken: false };
  // The order of fields counts here: sorting them would cost more than the rare miss that it saves.
  const digest = (preparedDigest(all) ?? hash("sha256", JSON.stringify(before))).slice(0, 32);
  return { digest, spoken: before.some(({ role }) => !isInstruction(role)) };
}

/** Turns as messages that a model is given, without what is kept beside them. */
export function toMessages(turns: readonly Turn[]): readonly ChatMessage[] {
  return besideCalls(together(turns.filter(({ role }) => role !== "item").map(toSent)));
}

/**
 * The error for a tool's result in a request that answers no call, neither of the history nor of the request; `undefined` where there is none.
 * `pathOf` names its place, given its call.
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
 * What the model is given: the first `lead` messages (without a number: the instructions that the request begins with), then what was said
 * before, then what is said now, in its order. Results in the history that answer no call are left out: endpoints would refuse every later
 * turn for one.
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
  // Instructions right before what is new belong to that; those of a part that was sent again stand before the history.
  let from = fresh[0] === undefined ? messages.length : messages.indexOf(fresh[0]);
  while (from > lead && isInstruction(messages[from - 1]?.role ?? "")) from -= 1;
  const told = messages.slice(0, from).filter(({ role }) => isInstruction(role));
  return [...told, ...together(withoutLost(sent)), ...messages.slice(from)];
}

/**
 * The newest turns that come to so many messages, with the instructions right before them. Calls that stand as turns of their own are one message
 * with the assistant's turn before them. Pure.
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

/** How many instructions messages begin with. */
function leadOf(messages: readonly ChatMessage[]): number {
  const first = messages.findIndex(({ role }) => !isInstruction(role));
  return first === -1 ? messages.length : first;
}

/**
 * The newest turns of a session, beginning with what a user said when older ones were left out: a model must not see an answer without its
 * question, or the result of a tool without its call. `most`: how many turns were asked for; fewer are the whole session.
 * Turns of more than {@link HISTORY_CHARS_MAX} characters together are not all given. Pure.
 */
export function wholeFrom(turns: readonly Turn[], most: number): readonly Turn[] {
  const fitting = newestFitting(turns);
  if (turns.length < most && fitting.length === turns.length) return turns;
  const start = fitting.findIndex(({ role }) => role === "user");
  return start === -1 ? [] : fitting.slice(start);
}

/**
 * Characters of earlier turns that a model is given, about: a photo of 2 MB in base64 fits, as in a body at its default bound. More would hold
 * the event loop while they are read and sent.
 */
export const HISTORY_CHARS_MAX = 4_194_304;

/** The newest turns that have no more than {@link HISTORY_CHARS_MAX} characters together. */
function newestFitting(turns: readonly Turn[]): readonly Turn[] {
  let left = HISTORY_CHARS_MAX;
  const first = turns.findLastIndex((turn) => (left -= sizeOf(toSent(turn))) < 0);
  return first === -1 ? turns : turns.slice(first + 1);
}

/** Instructions belong to a request and are never kept as turns. */
export function isInstruction(role: string): boolean {
  return role === "system" || role === "developer";
}

function toSent(turn: Turn): ChatMessage {
  const isAsSent = !Object.keys(turn).some((name) => NOT_SENT.has(name));
  const sent = isAsSent ? turn : withoutNotSent(turn);
  return sent.role === "assistant" ? asAccepted(sent) : sent;
}

/** What is sent of a turn, beside the items that it was made of. */
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
 * An assistant's turn as endpoints take it back: a content where it calls nothing, no empty list of calls, no call without a name, and of what was spoken its id, or its
 * transcript once the id has expired.
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

/** Whether a call says which tool is called; one of another kind than are known here says it in its own way. */
function isNamed(call: unknown): boolean {
  if (!isObject(call)) return false;
  const called = call["function"] ?? call["custom"];
  return called === undefined || (isObject(called) && isText(called["name"]));
}

function isCallAlone({ role, content, tool_calls: calls }: ChatMessage): boolean {
  return role === "assistant" && Array.isArray(calls) && (content ?? null) === null;
}

/**
 * Calls of tools that were kept as turns of their own join the assistant's message before them: their results must follow one message, and
 * many endpoints refuse two of an assistant in a row.
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
        [ITEMS]: items.every(Array.isArray) ? items.flat() : undefined,
      };
    } else joined.push(message);
  }
  return joined;
}
