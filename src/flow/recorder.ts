import type { ChatChunk, ChatCompletion, Usage } from "../models/index.ts";

/** Puts the whole answer together from the events of its stream, beside the stream. */
export interface Recorder {
  add(chunks: readonly ChatChunk[]): void;
  /** What came so far, as a completion; `finish_reason` is null while it has not ended. */
  completion(): ChatCompletion;
}

/** Fields of a delta whose pieces are joined. */
const JOINED = ["content", "reasoning_content", "reasoning", "refusal"];

/** Choices and calls of tools that are told apart: what an endpoint numbers beyond is no index. */
const INDEX_MAX = 1_024;

/** Records the first choice of a stream; a second one, or tool calls, mark it as what is never stored. */
export function createRecorder(model: string): Recorder {
  const first: { id?: string | undefined; created?: number | undefined; model?: string | undefined } = {};
  const joined: Record<string, string> = {};
  const calls: Record<number, Record<string, unknown>> = {};
  let others = 0;
  let finish: string | null = null;
  let usage: Usage | null | undefined;

  function addDelta(delta: Readonly<Record<string, unknown>>): void {
    for (const name of JOINED) {
      const piece = delta[name];
      if (typeof piece === "string") joined[name] = (joined[name] ?? "") + piece;
    }
    for (const call of (delta["tool_calls"] ?? []) as { index?: number; function?: Record<string, string> }[]) {
      const index = call.index ?? 0;
      if (!Number.isInteger(index) || index < 0 || index > INDEX_MAX) continue;
      const known = (calls[index] ?? {}) as { function?: Record<string, string> };
      calls[index] = { ...known, ...call, function: mergeFunction(known.function, call.function) };
    }
  }

  return {
    add(chunks) {
      for (const chunk of chunks) {
        first.id ??= chunk.id;
        first.created ??= chunk.created;
        first.model ??= chunk.model;
        usage = chunk.usage ?? usage;
        for (const { index = 0, delta, finish_reason: reason } of chunk.choices ?? []) {
          if (index !== 0) others = Math.max(others, Math.min(INDEX_MAX, Number.isInteger(index) ? index : 1));
          else if (delta !== undefined && delta !== null) addDelta(delta);
          if (index === 0 && typeof reason === "string") finish = reason;
        }
      }
    },
    completion() {
      const toolCalls = Object.values(calls).map(({ index: _, ...call }) => call);
      const message = {
        role: "assistant",
        content: joined["content"] ?? null,
        ...Object.fromEntries(JOINED.slice(1).flatMap((name) => (joined[name] ? [[name, joined[name]]] : []))),
        ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
      };
      const empty = (index: number) => ({ index, message: { role: "assistant", content: null }, finish_reason: null });
      return {
        id: first.id ?? "",
        object: "chat.completion",
        created: first.created ?? 0,
        model: first.model ?? model,
        choices: [
          { index: 0, message, finish_reason: finish },
          ...Array.from({ length: others }, (_, at) => empty(at + 1)),
        ],
        usage,
      };
    },
  };
}

/** Name and id come once, arguments in pieces. */
function mergeFunction(known: Record<string, string> = {}, more: Record<string, string> = {}): Record<string, string> {
  return { ...known, ...more, arguments: (known["arguments"] ?? "") + (more["arguments"] ?? "") };
}
