import { isObject } from "../internal/fields.ts";
import { refusesLongCallIds } from "./call-ids.ts";
import { DROPPED, HINTS, MESSAGE_HINTS, withoutSaid, type Change } from "./changes.ts";
import type { ChatRequest } from "./chat.ts";
import { isLackOfThoughts, isRefusalOfThoughts } from "./given-back.ts";
import { placeOf, refusedFields, saysOf, type RefusedField } from "./refusal.ts";
import { isNamed, SAID_PLACES, saidFields, type SaidField } from "./said-fields.ts";

/** The change that a refusal suggests. */
export interface Teaching {
  readonly change: Change;
  /**
   * Whether it holds for all requests to the model, because the endpoint does not support the field. Otherwise it applies to this request
   * only.
   */
  readonly isLasting: boolean;
}

/**
 * Derives a change of the request from a refusal. It holds for all requests only if the refusal says that a field which the gateway adds is
 * unknown or unsupported. A refusal of a value, its length or type, or of something within the field concerns only this request. Pure.
 */
export function teachingOf(request: ChatRequest, refusal: string): Teaching | undefined {
  if (isLackOfThoughts(request, refusal)) return { change: "+thoughts", isLasting: true };
  if (refusesLongCallIds(request, refusal)) return { change: "short ids", isLasting: false };
  const refused = refusedFields(request, refusal);
  const lasting = lastingChange(request, refused, refusal);
  if (lasting !== undefined) return { change: lasting, isLasting: true };
  const change = changeForThis(request, refused, refusal);
  return change === undefined ? undefined : { change, isLasting: false };
}

/**
 * Returns true if a refusal says that an endpoint does not support this field of a request at one of these places
 * (`messages.content.cache_control`). The words must be the endpoint's own and unconditional. Pure.
 */
export function refusesField(request: object, refusal: string, places: readonly string[]): boolean {
  return refusedFields(request, refusal).some((field) => field.unless === undefined && isAt(request, field, places));
}

function lastingChange(request: ChatRequest, refused: readonly RefusedField[], refusal: string): Change | undefined {
  const refuses = (...places: string[]) =>
    refused.some((field) => field.unless === undefined && isAt(request, field, places));
  for (const [from, to] of BOUNDS)
    if (request[from] != null && (refuses(from) || asksFor(request, refusal, to))) return to;
  for (const name of DROPPED) {
    if (request[name] == null) continue;
    if (refuses(...(WHOLE.get(name) ?? [name]))) return `-${name}`;
    const unless = refused.find((field) => isAt(request, field, [name]))?.unless;
    if (unless !== undefined && unless !== "other" && request[unless] !== true) return `-${name} unless ${unless}`;
  }
  if (HINTS.some((name) => request[name] != null && refuses(name))) return "-hints";
  if (MESSAGE_HINTS.some((name) => isOfItsRole(request, name) && refuses(...(HINT_PLACES.get(name) ?? []))))
    return "-hints";
  const said = saidFields(request).find((field) => refuses(toPlace(field)));
  return said && withoutSaid(said);
}

/** Finds a change for this request alone. The client's own values outside of messages are not changed; the client gets the refusal. */
function changeForThis(request: ChatRequest, refused: readonly RefusedField[], refusal: string): Change | undefined {
  const isConditional = (name: string) =>
    request[name] != null && refused.some((field) => isAt(request, field, [name]));
  for (const [from, to] of BOUNDS) if (isConditional(from)) return to;
  const dropped = DROPPED.find(isConditional);
  if (dropped !== undefined) return `-${dropped}`;
  if (isRefusalOfThoughts(request, refusal)) return withoutSaid({ place: "message", name: "reasoning_content" });
  if (REFUSED.test(refusal)) {
    const names = (field: string) => new RegExp(`\\b${field}\\b`).test(refusal);
    if (HINTS.some((name) => request[name] != null && names(name)) || MESSAGE_HINTS.some(names)) return "-hints";
  }
  const said = REFUSED.test(refusal) ? saidFields(request).find((field) => isNamed(refusal, field)) : undefined;
  return said && withoutSaid(said);
}

/** Pairs of names of an answer's bound: the refused one, and its replacement. */
const BOUNDS = [
  ["max_tokens", "max_completion_tokens"],
  ["max_completion_tokens", "max_tokens"],
] as const;

/** Places at which a field that the gateway fills is refused as a whole. */
const WHOLE: ReadonlyMap<string, readonly string[]> = new Map([
  ["stream_options", ["stream_options", "stream_options.include_usage"]],
]);

/** Places of hints that the gateway translates; elsewhere they are the client's own. */
const HINT_PLACES: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "cache_control",
    ["", "messages.", "messages.content.", "messages.tool_calls.", "tools."].map((before) => `${before}cache_control`),
  ],
  ["prompt_cache_breakpoint", ["messages.content.prompt_cache_breakpoint"]],
  ["reasoning_details", ["messages.reasoning_details"]],
  ["phases", ["messages.phases"]],
  ["is_error", ["messages.is_error"]],
]);

/** Roles of the messages to which the gateway adds these hints. */
const HINT_ROLES: ReadonlyMap<string, string> = new Map([
  ["cache_control", "tool"],
  ["is_error", "tool"],
  ["reasoning_details", "assistant"],
  ["phases", "assistant"],
]);

function isOfItsRole({ messages }: ChatRequest, hint: string): boolean {
  return messages.every((message) => message[hint] == null || message.role === HINT_ROLES.get(hint));
}

/** Words by which endpoints refuse fields, and sometimes values. */
const REFUSED =
  /unsupported|not supported|does not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|only allowed|extra_forbidden|extra (?:inputs|fields)|additional propert|invalid (?:field|parameter|argument)/i;

function toPlace({ place, name }: SaidField): string {
  return `${SAID_PLACES[place]}.${name}`;
}

/** Returns true if an endpoint asks for the bound under its other name. */
function asksFor(request: ChatRequest, refusal: string, name: string): boolean {
  return saysOf(request, refusal, new RegExp(`\\buse\\s+(?:the\\s+)?['"\`]?${name}\\b`, "i"));
}

/** Whether a refused field stands at one of these places. One that is named without its path must stand nowhere else in the request. */
function isAt(request: object, { path }: RefusedField, places: readonly string[]): boolean {
  const place = placeOf(path);
  if (path.length > 1) return places.some((one) => one === place || isTagged(one, path));
  const ends = places.filter((one) => one === place || one.endsWith(`.${place}`));
  if (ends.length === 0) return false;
  const found = placesIn(request, place);
  return found.size > 0 && [...found].every((one) => ends.includes(one));
}

/** Whether a validator put the kind of a part before the part's field (`messages.0.content.1.image_url.cache_control`). */
function isTagged(place: string, path: readonly string[]): boolean {
  if (!place.startsWith("messages.content.")) return false;
  const names = path.filter((name) => !/^\d+$/.test(name));
  const last = names.at(-1);
  return (
    names.length <= 5 && names[0] === "messages" && names.at(-3) === "content" && place === `messages.content.${last}`
  );
}

/** Most levels of a request that are searched; deeper values count as found. */
const DEPTH_MAX = 64;

/** The places of a request where a field of this name stands. */
function placesIn(request: object, name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const look = (value: unknown, at: string, depth: number): void => {
    if (depth > DEPTH_MAX) found.add(`${at}.…`);
    else if (Array.isArray(value)) for (const one of value as readonly unknown[]) look(one, at, depth + 1);
    else if (isObject(value))
      for (const [field, one] of Object.entries(value)) {
        const place = at === "" ? field : `${at}.${field}`;
        if (field === name && one !== undefined) found.add(place);
        look(one, place, depth + 1);
      }
  };
  look(request, "", 0);
  return found;
}
