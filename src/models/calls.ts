import type { ChatChunk, ChatCompletion, ChatMessage } from "./chat.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A call while it grows: its place, as it is told from here on, and what is known of it. */
interface Call {
  readonly place: number;
  id: string;
  name: string;
  given: string;
}

/**
 * Puts the calls of tools in a stream's chunks into one shape, whichever their maker: a place for each call, arguments as text. A new id at a
 * known place begins another call, and so does a name without an id after whole arguments; no place means the one in the list. Chunks without
 * calls come back as they are.
 */
export function createCallReader(): (chunk: ChatChunk) => ChatChunk {
  const calls: Call[] = [];
  /** The call that grows at each place of the maker's. */
  const open = new Map<number, Call>();

  function read(delta: Fields, at: number): Fields {
    const index = typeof delta["index"] === "number" ? delta["index"] : at;
    const named = (delta["function"] ?? delta["custom"] ?? {}) as Fields;
    const id = textOf(delta["id"]);
    const name = textOf(named["name"]);
    const piece = argumentsOf(named["arguments"]);
    let call = open.get(index);
    if (call === undefined || begins(call, id, name)) {
      call = { place: calls.length, id, name, given: "" };
      calls.push(call);
      open.set(index, call);
    }
    if (call.id === "") call.id = id;
    call.name = joinedName(call.name, name, call.given !== "");
    call.given += piece ?? "";
    const told = delta["function"] != null && piece !== undefined ? { function: { ...named, arguments: piece } } : {};
    return { ...delta, ...told, index: call.place };
  }

  return (chunk) => {
    if (chunk.choices?.some(({ delta }) => Array.isArray(delta?.["tool_calls"])) !== true) return chunk;
    const choices = chunk.choices.map((choice) => {
      const made = choice.delta?.["tool_calls"];
      if (!Array.isArray(made) || (choice.index ?? 0) !== 0) return choice;
      return { ...choice, delta: { ...choice.delta, tool_calls: (made as readonly Fields[]).map(read) } };
    });
    return { ...chunk, choices };
  };
}

/**
 * The name of a call after one more piece of it. Some makers send it in pieces, some send it whole again with each piece of the arguments;
 * once there are arguments (`isGiven`), it has come to its end. Pure.
 */
export function joinedName(known: string, piece: unknown, isGiven: boolean): string {
  if (typeof piece !== "string" || piece === "") return known;
  if (known === "" || piece.startsWith(known)) return piece;
  return isGiven ? known : known + piece;
}

/** Whether a piece is another call's than the one that grows at its place. */
function begins(call: Call, id: string, name: string): boolean {
  if (id !== "") return call.id !== "" && id !== call.id;
  return call.id === "" && name !== "" && call.name !== "" && isWhole(call.given);
}

function isWhole(given: string): boolean {
  try {
    JSON.parse(given);
    return true;
  } catch {
    return false;
  }
}

/** A whole answer whose calls have their arguments as text. The same object where nothing needs to change. */
export function withTextArguments(completion: ChatCompletion): ChatCompletion {
  if (!completion.choices.some(({ message }) => callsOf(message).some(isOdd))) return completion;
  const choices = completion.choices.map((choice) => {
    const calls = callsOf(choice.message).map((call) => {
      const named = call["function"] as Fields;
      return isOdd(call) ? { ...call, function: { ...named, arguments: argumentsOf(named["arguments"]) } } : call;
    });
    return calls.length === 0 ? choice : { ...choice, message: { ...choice.message, tool_calls: calls } };
  });
  return { ...completion, choices };
}

function callsOf(message: ChatMessage | null | undefined): readonly Fields[] {
  return Array.isArray(message?.["tool_calls"]) ? (message["tool_calls"] as readonly Fields[]) : [];
}

/** Arguments as an object, as some makers give them. */
function isOdd(call: Fields | null): boolean {
  const given = (call?.["function"] as Fields | null | undefined)?.["arguments"];
  return typeof given === "object" && given !== null;
}

function argumentsOf(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  return typeof given === "string" ? given : JSON.stringify(given);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
