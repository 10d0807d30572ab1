import { hash } from "node:crypto";
import { isObject, type Fields } from "../internal/fields.ts";
import { mapChanged } from "../internal/map-changed.ts";
import type { ChatRequest } from "./chat.ts";
import { saysOf } from "./refusal.ts";

/** Longest ids of calls in OpenAI's APIs, in characters; ids of other makers may be longer. */
export const CHAT_ID_CHARS_MAX = 40;
export const RESPONSES_ID_CHARS_MAX = 64;
const DIGEST_CHARS = 24;

/**
 * Returns the id of a call within a bound of at least 32 characters: a longer one ends with a digest of the whole. The same id always becomes
 * the same, so that calls and their results belong together in every request. Pure.
 */
export function shortCallId(id: string, charsMax: number): string {
  if (id.length <= charsMax) return id;
  return `${id.slice(0, charsMax - DIGEST_CHARS - 1)}_${hash("sha256", id, "base64url").slice(0, DIGEST_CHARS)}`;
}

/** Begins one answer: returns ids of its calls as they are, and a repeated one with a number, because a result is matched to its call by its id. */
export function createUniqueIds(): (id: string) => string {
  const used = new Set<string>();
  return (id) => {
    let unique = id;
    for (let number = 2; used.has(unique); number += 1) unique = `${id}_${number}`;
    used.add(unique);
    return unique;
  };
}

/** Characters of a digest in the name of a called tool. */
const NAME_DIGEST_CHARS = 12;

/**
 * Returns the name of a called tool in letters, digits, `_` and `-`, with at most `charsMax` characters (at least 32). A model may invent a name
 * that no tool could have, and an endpoint with this rule would refuse every later turn for it. Other characters become `_`, and a digest of the
 * whole follows, so that different names stay different. Pure.
 */
export function plainToolName(name: string, charsMax: number): string {
  if (name.length <= charsMax && /^[\w-]+$/.test(name)) return name;
  const kept = name.slice(0, charsMax - NAME_DIGEST_CHARS - 1).replaceAll(/[^\w-]/g, "_");
  return `${kept}_${hash("sha256", name, "hex").slice(0, NAME_DIGEST_CHARS)}`;
}

/** Shortens the ids of a chat's calls and results; returns the same object if none is longer. Pure. */
export function withShortCallIds(request: ChatRequest, charsMax: number): ChatRequest {
  const short = <T extends Fields>(one: T, field: string): T => {
    const id = one[field];
    return typeof id === "string" && id.length > charsMax ? { ...one, [field]: shortCallId(id, charsMax) } : one;
  };
  const messages = mapChanged(request.messages, (message) => {
    const told = short(message, "tool_call_id");
    const { tool_calls: calls } = told as Fields;
    if (!Array.isArray(calls)) return told;
    const all = mapChanged(calls as readonly Fields[], (call) => (isObject(call) ? short(call, "id") : call));
    return all === calls ? told : { ...told, tool_calls: all };
  });
  return messages === request.messages ? request : { ...request, messages };
}

/** Returns true if a refusal says, in the endpoint's own words, that the id of a call is too long, and the request has a longer one. */
export function refusesLongCallIds(request: ChatRequest, refusal: string): boolean {
  return (
    saysOf(request, refusal, OF_CALL_ID) &&
    saysOf(request, refusal, TOO_LONG) &&
    withShortCallIds(request, CHAT_ID_CHARS_MAX) !== request
  );
}

const OF_CALL_ID = /\btool_calls(?:\[\d+\]|\.\d+)?\.id\b|\btool_call_id\b/;
const TOO_LONG = /too long|above_max_length|max(?:imum)? length|at most \d+ char/i;
