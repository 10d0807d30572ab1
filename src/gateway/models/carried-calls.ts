import { parseExact } from "../../internal/exact-json.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { CALL_FIELDS, CALLED_FIELDS, callsOf, type ChatMessage } from "../../models/index.ts";

/**
 * Marks provider-specific fields of a call, such as `extra_content`, in which Gemini signs a call and without which it refuses the result.
 * APIs other than chat completions have no place for them, so they are sent with the reasoning before the call.
 */
const FORMAT = "marrow-call-v1";

/**
 * Moves the provider-specific fields of a message's or delta's calls to its reasoning (`reasoning_details`). One instance per answer: it
 * tracks the calls that have begun.
 */
export function createCallCarrier(): (delta: Fields) => Fields {
  const ids = new Map<unknown, string>();
  return (delta) => {
    const calls = delta["tool_calls"];
    if (!Array.isArray(calls)) return delta;
    const entries = (calls as readonly unknown[]).flatMap((call, at): readonly Fields[] => {
      if (!isObject(call)) return [];
      const index = call["index"] ?? at;
      if (isText(call["id"])) ids.set(index, call["id"]);
      const [id, more] = [ids.get(index), besideOf(call)];
      if (id === undefined || more === undefined) return [];
      return [{ type: "reasoning.encrypted", format: FORMAT, id, data: JSON.stringify(more) }];
    });
    if (entries.length === 0) return delta;
    const details = delta["reasoning_details"];
    return { ...delta, reasoning_details: [...(Array.isArray(details) ? (details as unknown[]) : []), ...entries] };
  };
}

/**
 * Puts carried fields back on their calls: on the call of the same message, else of the assistant's messages directly before, of those
 * after it in the same tool loop, or of the nearest one before. Models may reuse ids of calls in each turn. Pure.
 */
export function withCallsBack(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!messages.some(carries)) return messages;
  const all = [...messages];
  for (const [at, message] of messages.entries()) {
    if (!carries(message)) continue;
    const details = message["reasoning_details"] as readonly unknown[];
    const { reasoning_details: _, ...rest } = all[at] as ChatMessage;
    const others = details.filter((detail) => !isCarried(detail));
    all[at] = { ...rest, ...(others.length > 0 && { reasoning_details: others }) };
    for (const detail of details) {
      if (!isCarried(detail)) continue;
      const place = placeOf(all, at, detail["id"]);
      const holder = all[place];
      if (holder !== undefined) all[place] = withBeside(holder, detail);
    }
  }
  return all;
}

/** Returns true for an entry of `reasoning_details` that belongs to a call. */
export function isCarried(detail: unknown): detail is Fields {
  return isObject(detail) && detail["format"] === FORMAT;
}

/** Returns the index of the message with the call that a carried entry belongs to; -1 without one. */
function placeOf(all: readonly ChatMessage[], at: number, id: unknown): number {
  const has = (nth: number) => callsOf(all[nth]).some((call) => call["id"] === id);
  for (let nth = at; all[nth]?.role === "assistant"; nth -= 1) if (has(nth)) return nth;
  for (let nth = at + 1; nth < all.length && all[nth]?.role !== "user"; nth += 1) if (has(nth)) return nth;
  return all.findLastIndex((_, nth) => nth < at && has(nth));
}

/** Returns the fields of a call other than its name and arguments; `undefined` without any. */
function besideOf(call: Fields): Fields | undefined {
  const more = unknownOf(call, CALL_FIELDS);
  const called = isObject(call["function"]) ? unknownOf(call["function"], CALLED_FIELDS) : {};
  const all = { ...more, ...(Object.keys(called).length > 0 && { function: called }) };
  return Object.keys(all).length === 0 ? undefined : all;
}

function unknownOf(fields: Fields, known: ReadonlySet<string>): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !known.has(name) && value !== null && value !== undefined),
  );
}

function withBeside(message: ChatMessage, { id, data }: Fields): ChatMessage {
  const more = parsed(data);
  const calls = callsOf(message);
  const at = calls.findLastIndex((call) => call["id"] === id);
  if (more === undefined || at === -1) return message;
  const beside = besideOf(more);
  const changed = calls.map((call, nth) => {
    if (nth !== at || beside === undefined) return call;
    const { function: named, ...rest } = beside;
    return {
      ...call,
      ...rest,
      ...(isObject(named) && isObject(call["function"]) && { function: { ...call["function"], ...named } }),
    };
  });
  return { ...message, tool_calls: changed };
}

function parsed(data: unknown): Fields | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const value = parseExact(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function carries({ reasoning_details: details }: ChatMessage): boolean {
  return Array.isArray(details) && details.some(isCarried);
}
