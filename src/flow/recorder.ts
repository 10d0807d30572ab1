import { textIn } from "../internal/content-text.ts";
import { estimateTokens } from "../internal/token-estimate.ts";
import { isObject, isText } from "../internal/fields.ts";
import { joinedName, type ChatChunk, type ChatCompletion, type Growth, type Usage } from "../models/index.ts";

/** Puts the whole answer together from the events of its stream, beside the stream. */
export interface Recorder {
  add(chunks: readonly ChatChunk[]): void;
  /** Adds what repeats the chunk before it, but for this text. */
  grow(growth: Growth): void;
  /** What came so far, as a completion; `finish_reason` is null while it has not ended. */
  completion(): ChatCompletion;
  /** Lets go of the text, and keeps none from now on: only ids, usage and, where no usage comes, an estimate of it. */
  drop(): void;
}

/** Fields that this recorder reads itself; all others are kept as they come. */
const READ = {
  // OpenAI's `obfuscation` says nothing: it only hides how long each piece of a stream is.
  chunk: new Set(["id", "object", "created", "model", "choices", "usage", "obfuscation"]),
  // Some makers send the whole message so far beside each piece of it.
  choice: new Set(["index", "delta", "finish_reason", "message"]),
  delta: new Set(["role", "content", "tool_calls"]),
};

/** Records the first choice of a stream; a second one, or tool calls, mark it as what is never stored. */
export function createRecorder(model: string): Recorder {
  const first: { id?: string | undefined; created?: number | undefined; model?: string | undefined } = {};
  const [beside, ofChoice, ofMessage] = [newFields(), newFields(), newFields()];
  let content: string | undefined;
  const calls: Call[] = [];
  let others = 0;
  let finish: string | null = null;
  let usage: Usage | null | undefined;
  /** Tokens of what is not kept, by estimate; `undefined` while everything is. */
  let dropped: number | undefined;

  function addDelta(delta: Readonly<Record<string, unknown>>): void {
    if (dropped !== undefined) {
      dropped += estimateTokens(delta);
      return;
    }
    const said = delta["content"];
    if (typeof said === "string") content = (content ?? "") + said;
    else if (said !== undefined && said !== null) content = (content ?? "") + textIn(said);
    keepUnknown(ofMessage, delta, READ.delta);
    const made = delta["tool_calls"];
    if (!Array.isArray(made)) return;
    for (const [place, call] of (made as readonly Delta[]).entries()) addCall(call, call.index ?? place);
  }

  /** A new id at a known index begins another call; what is empty changes nothing. */
  function addCall({ index: _, id, function: named, custom, ...rest }: Delta, index: number): void {
    const known = calls.findLast((call) => call.index === index);
    const isNew = known === undefined || (isText(id) && isText(known.fields["id"]) && id !== known.fields["id"]);
    const call = isNew ? { index, fields: newFields() } : known;
    if (isNew) calls.push(call);
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
        if (dropped === undefined) keepUnknown(beside, chunk, READ.chunk);
        for (const choice of chunk.choices ?? []) {
          const { index = 0, delta, finish_reason: reason } = choice;
          if (index !== 0) {
            others = Math.max(others, index);
            continue;
          }
          if (delta !== undefined && delta !== null) addDelta(delta);
          if (dropped === undefined) keepUnknown(ofChoice, choice, READ.choice);
          if (typeof reason === "string") finish = reason;
        }
      }
    },
    grow({ field, text }) {
      if (dropped !== undefined) dropped += estimateTokens(text);
      else if (field === "content") content = (content ?? "") + text;
      else ofMessage[field] = joined(ofMessage[field], text);
    },
    completion() {
      const toolCalls = calls.map(({ fields }) => fields);
      const message = {
        role: "assistant",
        content: content ?? null,
        ...ofMessage,
        ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
      };
      const empty = (index: number) => ({ index, message: { role: "assistant", content: null }, finish_reason: null });
      return {
        ...beside,
        id: first.id ?? "",
        object: "chat.completion",
        created: first.created ?? 0,
        model: first.model ?? model,
        choices: [
          { index: 0, message, ...ofChoice, finish_reason: finish },
          ...Array.from({ length: others }, (_, at) => empty(at + 1)),
        ],
        usage: usage ?? (dropped === undefined ? usage : ({ completion_tokens: dropped } as Usage)),
      };
    },
    drop() {
      dropped = estimateTokens(recorder.completion().choices);
      content = undefined;
      calls.length = 0;
      for (const fields of [beside, ofChoice, ofMessage]) for (const name of Object.keys(fields)) delete fields[name];
    },
  };
  return recorder;
}

/** A call as it is put together. */
interface Call {
  readonly index: number;
  readonly fields: Record<string, unknown>;
}

/** A piece of a call. */
interface Delta extends Readonly<Record<string, unknown>> {
  readonly index?: number;
  readonly id?: unknown;
  readonly function?: Readonly<Record<string, unknown>> | null;
  readonly custom?: Readonly<Record<string, unknown>> | null;
}

/** Fields by names that an endpoint chose. */
function newFields(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/**
 * Keeps fields that are not read here, as a whole answer would have them: pieces of text and lists are joined, objects merged field by field,
 * of other values the last one stays.
 */
function keepUnknown(kept: Record<string, unknown>, from: object, read: ReadonlySet<string>): void {
  // Once for each chunk of a stream: no list of pairs is made for fields that are read elsewhere.
  for (const name of Object.keys(from)) {
    if (read.has(name)) continue;
    const value = (from as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === null) continue;
    kept[name] = WHOLE.has(name) ? value : joined(kept[name], value);
  }
}

/** Fields that every chunk repeats whole. */
const WHOLE = new Set(["system_fingerprint", "service_tier", "provider", "citations", "search_results", "x_groq"]);

function joined(known: unknown, more: unknown): unknown {
  if (typeof known === "string" && typeof more === "string") return known + more;
  if (Array.isArray(known) && Array.isArray(more)) return [...(known as unknown[]), ...(more as unknown[])];
  if (isObject(known) && isObject(more)) {
    const merged = { ...known };
    for (const [name, value] of Object.entries(more)) if (value !== null) merged[name] = joined(known[name], value);
    return merged;
  }
  return more;
}

/** What is given to the tool comes in pieces, and so may the name before it. */
function mergeNamed(known: unknown, more: Readonly<Record<string, unknown>>, field: "arguments" | "input"): object {
  const before = (known ?? {}) as Readonly<Record<string, unknown>>;
  const piece = typeof more[field] === "string" ? more[field] : "";
  const given = typeof before[field] === "string" ? before[field] : "";
  const told = isText(before["name"]) ? before["name"] : "";
  const name = joinedName(told, more["name"], given !== "");
  return { ...before, ...more, name: name === "" ? before["name"] : name, [field]: given + piece };
}
