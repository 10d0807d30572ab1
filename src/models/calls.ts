import { randomUUID } from "node:crypto";
import { toJsonText } from "../internal/json-pieces.ts";
import { createJsonEnd } from "../internal/json-end.ts";
import { isObject, isText, type Fields } from "../internal/fields.ts";
import { isWords, type LongText } from "../internal/long-text.ts";
import { CALLS_MAX, tooMany } from "./answer-bounds.ts";
import { createUniqueIds } from "./call-ids.ts";
import { malformed } from "./failures.ts";
import type { ChatChunk, ChatCompletion, ChatMessage, ChatRequest } from "./chat.ts";

/** Fields of a tool call that every chat completions endpoint supports. Others are specific to a provider. */
export const CALL_FIELDS: ReadonlySet<string> = new Set(["id", "type", "index", "function", "custom"]);
/** The same for the called function. */
export const CALLED_FIELDS: ReadonlySet<string> = new Set(["name", "arguments"]);

/** The part of a request that determines how calls in its answer are read. */
export interface ExpectedCalls {
  /**
   * Names of its tools. A name that arrives in parts is sent once it equals one of them or is complete. Without any, names are sent as they
   * arrive.
   */
  readonly names: ReadonlySet<string>;
  /** Whether it has `tools` and not `functions`: an older server's `function_call` is then sent as a tool call. */
  readonly isModern: boolean;
}

/** A call under construction. */
interface Call {
  /** Its index in the output. */
  readonly place: number;
  id: string;
  /** Its id as it arrived, which another call of the answer may have too. */
  givenId: string;
  /** Whether its id was generated here. */
  isMade: boolean;
  name: string;
  /** The part of the name that was sent; `undefined` while its start is buffered. */
  toldName: string | undefined;
  /** Buffered fields of its start. */
  head: Fields;
  isGiven: boolean;
  readonly end: ReturnType<typeof createJsonEnd>;
}

const NOTHING_KNOWN: ExpectedCalls = { names: new Set(), isModern: false };

/** Reads the expected calls from a request. */
export function toExpectedCalls(request: ChatRequest): ExpectedCalls {
  const { tools, functions } = request;
  const names = (Array.isArray(tools) ? (tools as readonly (Fields | null)[]) : []).flatMap((tool) => {
    const name = ((tool?.["function"] ?? tool?.["custom"]) as Fields | null | undefined)?.["name"];
    return isText(name) ? [name] : [];
  });
  return { names: new Set(names), isModern: Array.isArray(tools) && functions == null };
}

/**
 * Converts tool calls in a stream's chunks to the form that OpenAI's clients expect, for any provider: an index for each call, id and name
 * sent once, arguments as text.
 *
 * A new id at a known index begins another call, and so does a name without an id after complete arguments. Without an index, the position
 * in the list counts. A call without an id gets one. Chunks that already have this form, or no calls, are returned unchanged.
 */
export function createCallReader(expected: ExpectedCalls = NOTHING_KNOWN): (chunk: ChatChunk) => ChatChunk {
  return openCalls(expected).read;
}

/** The same, with a finish reason for answers without one. */
export function openCalls(expected: ExpectedCalls): CallReader {
  const choices = new Map<number, ReturnType<typeof createChoiceReader>>();
  let head: Fields = {};

  function read(chunk: ChatChunk): ChatChunk {
    if (!Array.isArray(chunk.choices)) return chunk;
    const told = chunk.choices.map((given) => {
      const { index: at, delta } = given;
      // A place that is none is the first one's.
      const choice = at === undefined || typeof at === "number" ? given : { ...given, index: 0 };
      const { index = 0 } = choice;
      let reader = choices.get(index);
      if (reader === undefined && !hasCalls(delta ?? {})) return choice;
      if (reader === undefined) choices.set(index, (reader = createChoiceReader(expected)));
      const { id, created, model } = chunk;
      head = { id, object: "chat.completion.chunk", created, model };
      return reader.read(choice);
    });
    return told.every((choice, at) => choice === chunk.choices?.[at]) ? chunk : { ...chunk, choices: told };
  }

  function end(): ChatChunk | undefined {
    const open = [...choices].filter(([, reader]) => !reader.isOver());
    const ends = open.map(([index, { read: tell, isCut }]) =>
      tell({ index, delta: {}, finish_reason: isCut() ? "length" : "tool_calls" }),
    );
    return ends.length === 0 ? undefined : { ...head, choices: ends };
  }

  return { read, end };
}

/** Reads the tool calls in a stream's chunks. */
export interface CallReader {
  /** Returns the chunk to send. */
  readonly read: (chunk: ChatChunk) => ChatChunk;
  /**
   * Returns the last chunk to send at the stream's end: the finish reason of answers with calls that had none, and the buffered parts of
   * calls.
   */
  readonly end: () => ChatChunk | undefined;
}

type Choice = NonNullable<ChatChunk["choices"]>[number];

function hasCalls(delta: Fields): boolean {
  return Array.isArray(delta["tool_calls"]) || delta["function_call"] != null;
}

function createChoiceReader({ names, isModern }: ExpectedCalls) {
  let count = 0;
  let isOver = false;
  const byId = new Map<string, Call>();
  const calls: Call[] = [];
  /** The call under construction at each of the provider's indexes. */
  const open = new Map<number, Call>();
  /** Calls whose start is buffered. */
  const heldBack = new Set<Call>();
  const unique = createUniqueIds();

  /** Returns true if no other tool's name begins with this one. */
  const isSettled = (name: string) =>
    names.size === 0 || (names.has(name) && ![...names].some((other) => other !== name && other.startsWith(name)));

  /** Returns the buffered starts. */
  function release(): readonly Fields[] {
    return [...heldBack].map((call) => begin(call, call.head));
  }

  /** Returns the final parts of an answer's calls: buffered ones, and empty arguments of calls that got none. */
  function finish(): readonly Fields[] {
    isOver = true;
    return calls.flatMap((call) => {
      checkName(call.name);
      const isGiven = call.isGiven || names.size === 0 || call.head["custom"] != null;
      call.isGiven = true;
      if (heldBack.has(call)) return [begin(call, call.head, isGiven ? undefined : NOTHING_GIVEN)];
      if (isGiven) return [];
      return [{ index: call.place, function: { arguments: NOTHING_GIVEN } }];
    });
  }

  function begin(call: Call, fields: Fields, piece?: string): Fields {
    call.toldName = call.name;
    heldBack.delete(call);
    const { function: named, custom } = fields;
    if (named == null && custom != null) return { ...fields, index: call.place, id: call.id };
    const told = { ...(named as Fields | undefined), name: call.name, arguments: piece ?? "" };
    return { type: "function", ...fields, index: call.place, id: call.id, function: told };
  }

  /** Returns the parts of a call to send for one delta: buffered ones, then its own. */
  function read(delta: Fields, at: number): readonly Fields[] {
    const named = (delta["function"] ?? delta["custom"] ?? {}) as Fields;
    const [id, name] = [textOf(delta["id"]), textOf(named["name"])];
    const given = argumentsOf(named["arguments"]);
    // Long arguments of a stream come in chunks of their own.
    const piece = given === undefined ? undefined : String(given);
    const isPlaced = typeof delta["index"] === "number";
    const index = isPlaced ? (delta["index"] as number) : at;
    // Without an index, a known id selects its call.
    const known = isPlaced ? undefined : byId.get(id);
    let call = known ?? open.get(index);
    if (known !== undefined) open.set(index, known);
    const before: Fields[] = [];
    if (call === undefined || begins(call, id, name) || (id === "" && isOther(call, name))) {
      if (count === CALLS_MAX) throw tooMany(CALLS_MAX, "tool calls");
      call = newCall(count, id, unique);
      count += 1;
      calls.push(call);
      open.set(index, call);
      before.push(...release());
      heldBack.add(call);
    } else if (id !== "" && call.isMade && call.toldName === undefined)
      Object.assign(call, { id: unique(id), givenId: id, isMade: false });
    if (!call.isMade) byId.set(call.givenId, call);
    call.name = joinedName(call.name, name, call.isGiven);
    call.isGiven ||= piece !== undefined && piece !== "";
    if (piece !== undefined) call.end.add(piece);
    if (call.toldName !== undefined) return [...before, more(call, delta, named, piece)];
    call.head = withoutEmpty({ ...call.head, ...delta });
    if (delta["custom"] == null && !call.isGiven && !isSettled(call.name)) return before;
    const told = begin(call, call.head, piece);
    return [...before, isSame(told, delta) ? delta : told];
  }

  /** Returns true if a piece is another tool's name and not a continuation of the known one, because a name alone can also begin a call. */
  function isOther(call: Call, name: string): boolean {
    if (call.isGiven || !call.isMade || !names.has(call.name) || !names.has(name)) return false;
    return !name.startsWith(call.name) && ![...names].some((one) => one.startsWith(call.name + name));
  }

  function more(call: Call, delta: Fields, named: Fields, piece: string | undefined): Fields {
    const isTyped = delta["type"] === undefined || isText(delta["type"]);
    const isPlain = !isText(delta["id"]) && !isText(named["name"]) && isTyped && delta["index"] === call.place;
    if (isPlain && (piece === undefined || piece === named["arguments"])) return delta;
    const { id: _, type: __, function: ___, ...rest } = delta;
    const { name: ____, ...given } = named;
    // A partly sent name is continued only before the arguments.
    const late = call.name.slice(call.toldName?.length ?? 0);
    call.toldName = call.name;
    const told = { ...(late !== "" && { name: late }), ...given, ...(piece !== undefined && { arguments: piece }) };
    return { ...rest, index: call.place, ...(delta["function"] != null && { function: told }) };
  }

  function readChoice(choice: Choice): Choice {
    const { delta, finish_reason: reason } = choice;
    const legacy = isModern && delta?.["function_call"] != null ? delta["function_call"] : undefined;
    const made = Array.isArray(delta?.["tool_calls"]) ? (delta["tool_calls"] as readonly Fields[]) : [];
    const pieces = legacy === undefined ? made : [...made, { index: 0, function: legacy }];
    const told = pieces.flatMap((piece, at) => read(piece, at));
    if (isText(reason)) told.push(...finish());
    const isLegacyEnd = isModern && (reason === "function_call" || (reason === "stop" && count > 0));
    const isSaid = told.length === made.length && told.every((one, at) => one === made[at]);
    if (isSaid && legacy === undefined && !isLegacyEnd) return choice;
    const { tool_calls: _, function_call, ...rest } = delta ?? {};
    return {
      ...choice,
      delta: {
        ...rest,
        ...(legacy === undefined && function_call !== undefined && { function_call }),
        ...(told.length > 0 && { tool_calls: told }),
      },
      ...(isLegacyEnd && { finish_reason: "tool_calls" }),
    };
  }

  /** Returns true if the arguments of a call have begun, and not ended. */
  const isCut = () => calls.some(({ isGiven, end }) => isGiven && !end.isWhole());

  return { read: readChoice, isOver: () => isOver, isCut };
}

/** Arguments of a call without any. */
const NOTHING_GIVEN = "{}";

function newCall(place: number, id: string, unique: (id: string) => string): Call {
  return {
    place,
    id: id === "" ? madeId() : unique(id),
    givenId: id,
    isMade: id === "",
    name: "",
    toldName: undefined,
    head: {},
    isGiven: false,
    end: createJsonEnd(),
  };
}

/** Makes an id for a call without one, because clients answer a call by its id. */
function madeId(): string {
  return `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
}

/**
 * Returns the name of a call after one more piece. Some providers send it in parts, others repeat it with each part of the arguments; once
 * there are arguments (`isGiven`), it is complete. Pure.
 */
export function joinedName(known: string, piece: unknown, isGiven: boolean): string {
  if (typeof piece !== "string" || piece === "") return known;
  if (known === "" || piece.startsWith(known)) return piece;
  return isGiven ? known : known + piece;
}

/** Returns true if a piece belongs to another call than the current one at its index. */
function begins(call: Call, id: string, name: string): boolean {
  if (id !== "" && !call.isMade) return id !== call.givenId;
  return call.isMade && name !== "" && call.name !== "" && call.end.isWhole();
}

/**
 * Converts the calls of a whole answer to the form that OpenAI's clients expect: an id of its own, a type, arguments as text, no index, and a
 * finish reason of `tool_calls` in place of `stop`. Returns the same object if nothing changes.
 */
export function withUsualCalls(
  completion: ChatCompletion,
  { isModern }: ExpectedCalls = NOTHING_KNOWN,
): ChatCompletion {
  const choices = completion.choices.map((choice) => {
    const { message, finish_reason: reason } = choice;
    const calls = callsOf(message);
    // Some endpoints end an answer with calls like any other.
    const ended = calls.length > 0 && reason === "stop" ? "tool_calls" : reason;
    const legacy = isModern && calls.length === 0 ? message["function_call"] : undefined;
    if (legacy != null) {
      const { function_call: _, ...rest } = message;
      const call = toUsual({ function: legacy });
      return {
        ...choice,
        message: { ...rest, role: message.role, tool_calls: [call] },
        finish_reason: reason === "function_call" ? "tool_calls" : reason,
      };
    }
    const unique = createUniqueIds();
    const usual = calls.map((call) => withUniqueId(toUsual(call), unique));
    return ended === reason && usual.every((call, at) => call === calls[at])
      ? choice
      : { ...choice, message: { ...message, tool_calls: usual }, finish_reason: ended };
  });
  return choices.every((choice, at) => choice === completion.choices[at]) ? completion : { ...completion, choices };
}

function withUniqueId(call: Fields, unique: (id: string) => string): Fields {
  const id = unique(String(call["id"]));
  return id === call["id"] ? call : { ...call, id };
}

function toUsual(given: Fields): Fields {
  const call = withoutIndex(given);
  const named = call["function"] as Fields | null | undefined;
  checkName((named ?? (call["custom"] as Fields | null | undefined))?.["name"]);
  const isUsual = isText(call["id"]) && isText(call["type"]);
  if (named == null) return isUsual ? call : { ...call, id: isText(call["id"]) ? call["id"] : madeId() };
  const text = named["arguments"];
  if (isUsual && isWords(text)) return call;
  return {
    ...call,
    id: isText(call["id"]) ? call["id"] : madeId(),
    type: isText(call["type"]) ? call["type"] : "function",
    function: { ...named, arguments: argumentsOf(text) ?? "{}" },
  };
}

/** A client cannot run a call without a name, and no endpoint takes it back. @throws MarrowError `model_failed` */
export function checkName(name: unknown): void {
  if (!isText(name)) throw malformed("a tool call of its answer has no name");
}

/** The index of a call belongs to streams. In a stored turn it would go back to endpoints, and some refuse it. */
function withoutIndex(call: Fields): Fields {
  if (!Object.hasOwn(call, "index")) return call;
  const { index: _, ...rest } = call;
  return rest;
}

/** Returns the tool calls of a message; an empty list if one of them is not an object. Pure. */
export function callsOf(message: ChatMessage | null | undefined): readonly Fields[] {
  const calls = message?.["tool_calls"];
  return Array.isArray(calls) && calls.every(isObject) ? calls : [];
}

/** Converts the calls of a whole answer to those of a stream, each with its index. */
export function placedCalls(calls: readonly unknown[]): readonly Fields[] {
  return calls.map((call, index) => ({ index, ...(call as object) }));
}

/** Returns a tool's arguments as text. */
export function argumentsOf(given: unknown): string | LongText | undefined {
  if (given === undefined || given === null) return undefined;
  return isWords(given) ? given : JSON.stringify(given);
}

/** Writes a field that has arguments as an object as text, in turns of the event loop where it is large. */
export async function withTextOf(fields: Fields, name: string): Promise<Fields> {
  const given = fields[name];
  return typeof given === "object" && given !== null ? { ...fields, [name]: await toJsonText(given) } : fields;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Removes empty fields, which must not overwrite earlier values. */
function withoutEmpty(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== ""));
}

/** Returns true if the start of a call can be sent unchanged. */
function isSame(told: Fields, delta: Fields): boolean {
  const [one, other] = [told["function"], delta["function"]] as readonly (Fields | null | undefined)[];
  const isLike = (field: string) => told[field] === delta[field];
  return (
    ["index", "id", "type"].every(isLike) &&
    // Parts that came before the call's id are sent with it.
    Object.keys(told).every((field) => field === "function" || field === "custom" || isLike(field)) &&
    one?.["name"] === other?.["name"] &&
    one?.["arguments"] === other?.["arguments"]
  );
}
