import { mapChanged } from "../internal/map-changed.ts";
import { hash } from "node:crypto";
import { isObject, type Fields } from "../internal/fields.ts";
import { CALL_FIELDS, CALLED_FIELDS } from "./calls.ts";
import type { ChatMessage, ChatRequest } from "./chat.ts";
import { MAKER, makerOf, noteMaker } from "./known-makers.ts";

/** Makes a short name of an endpoint: the same in every process, and without its address. */
export function toMaker(kind: string, baseUrl: string): string {
  return hash("sha256", `${kind}\n${baseUrl.replace(/\/+$/, "")}`).slice(0, 12);
}

/**
 * Adds the maker's name to each entry and call of a message or delta that only that maker reads; returns the same object if there are none.
 */
export function signed<T extends Fields>(said: T, maker: string): T {
  const { reasoning_details: details, tool_calls: calls } = said;
  const entries = mapObjects(details, (detail) => {
    noteMaker(detail, maker);
    return { ...detail, [MAKER]: maker };
  });
  const marked = mapObjects(calls, (call) => (saysMore(call) ? { ...call, [MAKER]: maker } : call));
  if (entries === details && marked === calls) return said;
  return {
    ...said,
    ...(entries !== details && { reasoning_details: entries }),
    ...(marked !== calls && { tool_calls: marked }),
  };
}

/**
 * Prepares a request for an endpoint: removes signed or encrypted parts of other endpoints, and the names of makers. Parts without a maker
 * are unchanged. Returns the same object if nothing changes.
 */
export function forMaker(request: ChatRequest, maker: string): ChatRequest {
  return mapAssistants(request, (message) => {
    const { reasoning_details: details, tool_calls: calls } = message;
    const own = Array.isArray(details) ? ownDetails(details, maker) : details;
    const plain = mapObjects(calls, (call) => {
      if (!Object.hasOwn(call, MAKER)) return call;
      const { [MAKER]: made, ...rest } = call;
      return made === maker ? rest : bareCall(rest);
    });
    if (own === details && plain === calls) return message;
    const { reasoning_details: _, ...rest } = message;
    return {
      ...(rest as ChatMessage),
      ...(Array.isArray(own) && own.length > 0 && { reasoning_details: own }),
      ...(plain !== undefined && { tool_calls: plain }),
    };
  });
}

/** Removes all entries of `reasoning_details`; returns the same object if there are none. Pure. */
export function withoutDetails(request: ChatRequest): ChatRequest {
  return mapAssistants(request, (message) => {
    if (message["reasoning_details"] === undefined) return message;
    const { reasoning_details: _, ...rest } = message;
    return rest;
  });
}

/** Returns the maker of the newest reasoning in the request's tool loop, that is, since the user's last message; `undefined` if unknown. */
export function loopMakerOf({ messages }: ChatRequest): string | undefined {
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const { role, reasoning_details: details, tool_calls: calls } = messages[at] as ChatMessage;
    if (role === "user") return undefined;
    if (role !== "assistant") continue;
    for (const one of [...listOf(details), ...listOf(calls)]) {
      const maker = isObject(one) ? makerOf(one) : undefined;
      if (maker !== undefined) return maker;
    }
  }
  return undefined;
}

/** Keeps the entries that the endpoint made or whose maker is unknown; returns the same list if all can be sent unchanged. */
function ownDetails(details: readonly unknown[], maker: string): readonly unknown[] {
  const own = details.filter((detail) => !isObject(detail) || (makerOf(detail) ?? maker) === maker);
  const plain = mapObjects(own, (detail) => {
    if (!Object.hasOwn(detail, MAKER)) return detail;
    const { [MAKER]: _, ...rest } = detail;
    return rest;
  }) as readonly unknown[];
  return plain.length === details.length && plain === own ? details : plain;
}

/** Removes the parts of a call that only its maker reads. */
function bareCall(call: Fields): Fields {
  const bare = pick(call, CALL_FIELDS);
  return isObject(bare["function"]) ? { ...bare, function: pick(bare["function"], CALLED_FIELDS) } : bare;
}

function saysMore(call: Fields): boolean {
  const called = call["function"];
  return has(call, CALL_FIELDS) || (isObject(called) && has(called, CALLED_FIELDS));
}

function has(fields: Fields, known: ReadonlySet<string>): boolean {
  return Object.entries(fields).some(([name, value]) => !known.has(name) && value !== null && value !== undefined);
}

function pick(fields: Fields, known: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => known.has(name)));
}

function mapAssistants(request: ChatRequest, change: (message: ChatMessage) => ChatMessage): ChatRequest {
  const { messages } = request;
  const changed = mapChanged(messages, (message) => (message.role === "assistant" ? change(message) : message));
  return changed === messages ? request : { ...request, messages: changed };
}

/** Maps the objects of a list; returns the same value if nothing changes, or if it is not a list. */
function mapObjects(list: unknown, change: (one: Fields) => Fields): unknown {
  if (!Array.isArray(list)) return list;
  return mapChanged(list as readonly unknown[], (one) => (isObject(one) ? change(one) : one));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
