import { textIn, thoughtsIn } from "../internal/content-text.ts";
import { asRead, isWords, LongText, withMore } from "../internal/long-text.ts";
import { createOrder, inTurn } from "../internal/order.ts";
import { estimateTokens } from "../internal/token-estimate.ts";
import { isObject, isText, textOr } from "../internal/fields.ts";
import { joinedName } from "./calls.ts";
import type { ChatChunk, ChatCompletion, Usage } from "./chat.ts";
import type { Growth } from "./growth.ts";

/** Assembles the whole answer from the events of its stream. */
export interface Recorder {
  add(chunks: readonly ChatChunk[]): void;
  /** Adds a chunk that repeats the previous one except for this text. */
  grow(growth: Growth): void;
  /** Returns the answer so far as a completion; `finish_reason` is null until it has ended. */
  completion(): ChatCompletion;
  /** Drops the recorded text and records no more: only ids, usage and, without usage, an estimate of it. */
  drop(): void;
}

/** Fields that this recorder interprets; all others are stored unchanged. */
const READ = {
  // OpenAI's `obfuscation` carries no information: it only hides the length of each piece.
  chunk: new Set(["id", "object", "created", "model", "choices", "usage", "obfuscation"]),
  // Some makers send the whole message so far beside each piece of it.
  choice: new Set(["index", "delta", "finish_reason", "message"]),
  delta: new Set(["role", "content", "tool_calls", "order"]),
};

/** Makes a recorder of a stream's first choice. A second choice, or tool calls, mark the answer as not cacheable. */
export function createRecorder(model: string): Recorder {
  const first: { id?: string | undefined; created?: number | undefined; model?: string | undefined } = {};
  const [beside, ofChoice, ofMessage] = [newFields(), newFields(), newFields()];
  let content: string | LongText | undefined;
  const calls: Call[] = [];
  const order = createOrder();
  /** The newest call at each place. */
  const newest = new Map<number, Call>();
  /** Lists and objects that only this recorder holds, so they may grow in place. */
  let own = new WeakSet<object>();
  let others = 0;
  let finish: string | null = null;
  let usage: Usage | null | undefined;
  /** Estimated tokens of dropped text; `undefined` while everything is recorded. */
  let dropped: number | undefined;

  function addDelta(delta: Readonly<Record<string, unknown>>): void {
    if (dropped !== undefined) {
      dropped += estimateTokens(delta);
      return;
    }
    for (const piece of inTurn(delta)) addPiece(piece);
  }

  function addPiece(delta: Readonly<Record<string, unknown>>): void {
    const given = delta["content"];
    const said = typeof given === "string" ? delta : toPlain(delta);
    if (typeof said["content"] === "string") content = withMore(content ?? "", said["content"]);
    keepUnknown(ofMessage, said, READ.delta, own);
    const [made, before] = [said["tool_calls"], calls.length];
    if (Array.isArray(made))
      for (const [place, call] of (made as readonly Delta[]).entries()) addCall(call, call.index ?? place);
    order.add(said, calls.length - before);
  }

  /** A new id at a known index begins another call; empty values change nothing. */
  function addCall({ index: _, id, function: named, custom, ...rest }: Delta, index: number): void {
    const known = newest.get(index);
    const isNew = known === undefined || (isText(id) && isText(known.fields["id"]) && id !== known.fields["id"]);
    const call = isNew ? { index, fields: newFields() } : known;
    if (isNew) {
      calls.push(call);
      newest.set(index, call);
    }
    for (const [field, value] of Object.entries({ id, ...rest }))
      if (value !== undefined && value !== null && value !== "") call.fields[field] = value;
    if (named != null) call.fields["function"] = mergeNamed(call.fields["function"], named, "arguments");
    if (custom != null) call.fields["custom"] = mergeNamed(call.fields["custom"], custom, "input");
  }

  const recorder: Recorder = {
    add(chunks) {
      for (const chunk of chunks) {
        first.id ??= chunk.id;
        first.created ??= chunk.created;
        first.model ??= chunk.model;
        usage = chunk.usage ?? usage;
        if (dropped === undefined) keepUnknown(beside, chunk, READ.chunk, own);
        for (const choice of chunk.choices ?? []) {
          const { index = 0, delta, finish_reason: reason } = choice;
          if (index !== 0) {
            others = Math.max(others, index);
            continue;
          }
          if (delta !== undefined && delta !== null) addDelta(delta);
          if (dropped === undefined) keepUnknown(ofChoice, choice, READ.choice, own);
          if (typeof reason === "string") finish = reason;
        }
      }
    },
    grow({ field, text }) {
      if (dropped !== undefined) dropped += estimateTokens(text);
      else if (field === "content") content = withMore(content ?? "", text);
      else ofMessage[field] = grown(ofMessage[field], text, own);
      if (dropped === undefined) order.grow(field, text.length);
    },
    completion() {
      own = new WeakSet();
      const toolCalls = calls.map(({ fields }) => toRead(fields));
      const message = {
        role: "assistant",
        content: content === undefined ? null : asRead(content),
        ...toRead(ofMessage),
        ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
        ...order.told(),
      };
      const empty = (index: number) => ({ index, message: { role: "assistant", content: null }, finish_reason: null });
      return {
        ...toRead(beside),
        id: first.id ?? "",
        object: "chat.completion",
        created: first.created ?? 0,
        model: first.model ?? model,
        choices: [
          { index: 0, message, ...toRead(ofChoice), finish_reason: finish },
          ...Array.from({ length: others }, (_, at) => empty(at + 1)),
        ],
        usage: usage ?? (dropped === undefined ? usage : ({ completion_tokens: dropped } as Usage)),
      };
    },
    drop() {
      dropped = estimateTokens(recorder.completion().choices.map(({ message }) => message));
      content = undefined;
      calls.length = 0;
      order.drop();
      newest.clear();
      for (const fields of [beside, ofChoice, ofMessage]) for (const name of Object.keys(fields)) delete fields[name];
    },
  };
  return recorder;
}

/** Converts a delta whose content is a list of parts: its text stays in `content`, its reasoning goes to `reasoning_content`. */
function toPlain(delta: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { content, ...rest } = delta;
  if (content === undefined || content === null) return delta;
  const thoughts = thoughtsIn(content);
  const known = textOr(rest["reasoning_content"]);
  return { ...rest, content: textIn(content), ...(thoughts !== "" && { reasoning_content: known + thoughts }) };
}

/** A call while it is assembled. */
interface Call {
  readonly index: number;
  readonly fields: Record<string, unknown>;
}

/** A part of a call. */
interface Delta extends Readonly<Record<string, unknown>> {
  readonly index?: number;
  readonly id?: unknown;
  readonly function?: Readonly<Record<string, unknown>> | null;
  readonly custom?: Readonly<Record<string, unknown>> | null;
}

/** Makes an object for fields whose names an endpoint chose. */
function newFields(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/**
 * Merges unknown fields as a whole answer would have them: texts and lists are concatenated, objects merged by field, and of other values
 * the last one stays.
 */
function keepUnknown(
  kept: Record<string, unknown>,
  from: object,
  read: ReadonlySet<string>,
  own: WeakSet<object>,
): void {
  // Runs for each chunk, so it avoids a list of entries.
  for (const name of Object.keys(from)) {
    if (read.has(name)) continue;
    const value = (from as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === null) continue;
    kept[name] = WHOLE.has(name) ? value : grown(kept[name], value, own);
  }
}

/** Fields that every chunk repeats completely. */
const WHOLE = new Set(["system_fingerprint", "service_tier", "provider", "citations", "search_results", "x_groq"]);

/** Appends to a field. Its text, which may be the whole answer's, is in pieces once it is long. */
function grown(known: unknown, more: unknown, own: WeakSet<object>): unknown {
  return isWords(known) && typeof more === "string" ? withMore(known, more) : joined(known, more, own);
}

/** Appends to a known value. Lists and objects in `own` grow in place: a copy for each chunk would make a long stream quadratic. */
function joined(known: unknown, more: unknown, own: WeakSet<object>): unknown {
  if (typeof known === "string" && typeof more === "string") return known + more;
  if (Array.isArray(known) && Array.isArray(more)) {
    const list = own.has(known) ? (known as unknown[]) : owned([...(known as unknown[])], own);
    for (const item of more as readonly unknown[]) list.push(item);
    return list;
  }
  if (isObject(known) && isObject(more)) {
    const merged = own.has(known) ? (known as Record<string, unknown>) : owned(Object.assign(newFields(), known), own);
    for (const [name, value] of Object.entries(more))
      if (value !== null) merged[name] = joined(merged[name], value, own);
    return merged;
  }
  return more;
}

function owned<T extends object>(made: T, own: WeakSet<object>): T {
  own.add(made);
  return made;
}

/** The tool's arguments arrive in parts, and its name may too. */
function mergeNamed(known: unknown, more: Readonly<Record<string, unknown>>, field: "arguments" | "input"): object {
  const before = (known ?? {}) as Readonly<Record<string, unknown>>;
  const piece = typeof more[field] === "string" ? more[field] : "";
  const given = isWords(before[field]) ? before[field] : "";
  const told = isText(before["name"]) ? before["name"] : "";
  const name = joinedName(told, more["name"], given !== "");
  return { ...before, ...more, name: name === "" ? before["name"] : name, [field]: withMore(given, piece) };
}

/** Fields of a message or a call for their readers: with strings in place of all but the longest texts. */
function toRead(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let read: Record<string, unknown> | undefined;
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    const told = value instanceof LongText ? asRead(value) : NAMED.has(name) && isObject(value) ? toRead(value) : value;
    if (told === value) continue;
    read ??= Object.assign(newFields(), fields);
    read[name] = told;
  }
  return read ?? fields;
}

/** Fields of a call that have its name and its arguments. */
const NAMED: ReadonlySet<string> = new Set(["function", "custom"]);
