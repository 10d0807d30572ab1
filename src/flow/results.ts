import { MarrowError } from "../errors.ts";
import { wordOf } from "../internal/describe.ts";
import type { Turn } from "../memory/index.ts";
import { isObject, isText } from "../internal/fields.ts";
import { ITEMS, type ChatMessage } from "../models/index.ts";

/** A tool result without a call: the call does not exist, or was answered already. */
export interface LostResult {
  /** Its index among the messages. */
  readonly at: number;
  readonly callId: unknown;
  readonly why: "no call" | "answered";
}

type Said = Turn | ChatMessage;

/** Finds tool results that answer no open call before them; endpoints refuse such a conversation. Pure. */
export function lostResults(messages: readonly Said[]): readonly LostResult[] {
  // Some models count their calls anew in each turn, so an id may be open more than once, and again.
  const open = new Map<unknown, number>();
  const lost: LostResult[] = [];
  for (const [at, message] of messages.entries()) {
    const calls = message["tool_calls"];
    if (Array.isArray(calls))
      for (const call of calls as readonly ({ readonly id?: unknown } | null)[])
        open.set(call?.id, (open.get(call?.id) ?? 0) + 1);
    if (message.role !== "tool") continue;
    const callId = message["tool_call_id"];
    const waiting = open.get(callId);
    if (waiting === undefined || waiting === 0) {
      lost.push({ at, callId, why: waiting === undefined ? "no call" : "answered" });
    } else open.set(callId, waiting - 1);
  }
  return lost;
}

/** Removes tool results without a call. */
export function withoutLost<T extends Said>(messages: readonly T[]): readonly T[] {
  const lost = new Set(lostResults(messages).map(({ at }) => at));
  return lost.size === 0 ? messages : messages.filter((_, at) => !lost.has(at));
}

/**
 * Removes the calls of earlier messages that have no result, neither there nor in `after`, and messages that consist of nothing else. A client may
 * give up a tool call and go on; endpoints refuse every later turn of a history that leaves one open. Pure.
 */
export function withoutOpenCalls(
  messages: readonly ChatMessage[],
  after: readonly ChatMessage[],
): readonly ChatMessage[] {
  const open = openCalls([...messages, ...after], messages.length);
  if (open.size === 0) return messages;
  return messages.flatMap((message) => {
    const calls = (message["tool_calls"] ?? []) as readonly unknown[];
    if (!Array.isArray(calls) || !calls.some((call) => open.has(call))) return [message];
    const left = calls.filter((call) => !open.has(call));
    const { tool_calls: _, order: __, [ITEMS]: items, ...rest } = message;
    const isSaid = [rest.content, rest["refusal"]].some((said) =>
      Array.isArray(said) ? said.length > 0 : isText(said),
    );
    if (left.length === 0 && !isSaid) return [];
    const ids = new Set(calls.filter((call) => open.has(call)).map((call) => (call as { readonly id?: unknown }).id));
    const kept = items?.filter((item) => !isObject(item) || !ids.has(item["call_id"]));
    return [
      {
        ...rest,
        role: message.role,
        ...(left.length > 0 && { tool_calls: left }),
        ...(kept !== undefined && { [ITEMS]: kept }),
      },
    ];
  });
}

/** The calls among the first messages that have no result. */
function openCalls(messages: readonly ChatMessage[], before: number): ReadonlySet<unknown> {
  const waiting = new Map<unknown, unknown[]>();
  const open = new Set<unknown>();
  for (const [at, message] of messages.entries()) {
    if (message.role === "tool") {
      open.delete(waiting.get(message["tool_call_id"])?.shift());
      continue;
    }
    const calls = message["tool_calls"];
    if (!Array.isArray(calls)) continue;
    for (const call of calls as readonly unknown[]) {
      if (!isObject(call)) continue;
      const known = waiting.get(call["id"]);
      if (known === undefined) waiting.set(call["id"], [call]);
      else known.push(call);
      if (at < before) open.add(call);
    }
  }
  return open;
}

/** Moves each tool result directly after its call, as endpoints require. Pure. */
export function besideCalls(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const results = new Map<unknown, number[]>();
  for (const [at, { role, tool_call_id: id }] of messages.entries())
    if (role === "tool") results.set(id, [...(results.get(id) ?? []), at]);
  if (results.size === 0) return messages;
  const ordered: ChatMessage[] = [];
  const placed = new Set<number>();
  for (const [at, message] of messages.entries()) {
    if (placed.has(at)) continue;
    ordered.push(message);
    const calls = message["tool_calls"];
    if (!Array.isArray(calls)) continue;
    const behind = (calls as readonly ({ readonly id?: unknown } | null)[]).flatMap((call) => {
      const next = results.get(call?.id)?.find((one) => one > at && !placed.has(one));
      if (next === undefined) return [];
      placed.add(next);
      return [next];
    });
    for (const one of behind.toSorted((a, b) => a - b)) ordered.push(messages[one] as ChatMessage);
  }
  return ordered;
}

/** Builds the error for a tool result without a call, worded like OpenAI's API. */
export function lostError({ callId, why }: Omit<LostResult, "at">, path: string): MarrowError {
  const id = wordOf(callId);
  const message =
    why === "no call"
      ? `No tool call found for function call output with call_id ${id}.`
      : `The tool call with call_id ${id} has an output already.`;
  return new MarrowError("invalid_input", message, { details: { path } });
}
