import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import type { Asking } from "../cache/index.ts";
import {
  cutChunk,
  placedCalls,
  toEvent,
  type ChatChunk,
  type ChatCompletion,
  type ChatMessage,
  type Recorder,
} from "../models/index.ts";
import { isObject, ownField, type Fields } from "../internal/fields.ts";
import { withStrings } from "../internal/long-text.ts";
import { orderAfter } from "../internal/order.ts";
import type { AnswerStream } from "./call.ts";

/** Content of a flight between requests: parts of a stream, or the whole answer. */
export type Told = { readonly chunks: readonly ChatChunk[] } | { readonly completion: ChatCompletion };

/** Role of a request in a flight: leader, follower, or the answer exists already. */
export type Together =
  | Exclude<Asking<Told>, { readonly role: "made" }>
  | { readonly role: "made"; readonly completion: ChatCompletion };

/** The leader. */
export type Leading = Extract<Together, { readonly role: "lead" }>;
/** Any role but the leader. */
export type Sharing = Exclude<Together, Leading>;

/** Converts a whole answer to the chunks of a stream: a long one to many, made as they are taken. */
export function* toChunks({ id, created, model, choices, usage }: ChatCompletion): Generator<ChatChunk> {
  const head = { id, object: "chat.completion.chunk", created, model };
  for (const { index, message, finish_reason: reason } of choices) {
    const { tool_calls: calls, ...rest } = message;
    const indexed = Array.isArray(calls) && { tool_calls: placedCalls(calls) };
    yield* cutChunk({ ...head, choices: [{ index, delta: { ...rest, ...indexed }, finish_reason: null }] });
    yield { ...head, choices: [{ index, delta: {}, finish_reason: reason }] };
  }
  if (usage !== undefined && usage !== null) yield { ...head, choices: [], usage };
}

/** What a reader of another request's answer does with it. */
export interface Reading {
  readonly recorder: Recorder;
  /** Gets each chunk before it is recorded. */
  readonly onRead: (chunk: ChatChunk) => void;
  /** Waits until there is room for an answer that is whole already. */
  readonly onWhole: (completion: ChatCompletion) => Promise<void>;
}

/** Reads along with the leader. Returns whether the leader finished. In the same process the leader's error is thrown here too. */
export async function* readAlong(
  { read }: Extract<Together, { readonly role: "follow" }>,
  { recorder, onRead, onWhole }: Reading,
): AsyncGenerator<ChatChunk, boolean> {
  const parts = read();
  for (;;) {
    const { done, value } = await parts.next();
    if (done === true) {
      if (value.kind === "failed") throw value.error;
      return value.kind === "whole";
    }
    if ("completion" in value) await onWhole(value.completion);
    for (const chunk of "chunks" in value ? cutChunks(value.chunks) : toChunks(value.completion)) {
      onRead(chunk);
      recorder.add([chunk]);
      yield chunk;
    }
  }
}

/** Cuts long chunks as they are taken: a piece of any length is turned into bytes for each of its readers. */
function* cutChunks(chunks: readonly ChatChunk[]): Generator<ChatChunk> {
  for (const chunk of chunks) yield* cutChunk(chunk);
}

/** Passes chunks on and records them. */
export function* recorded(chunks: Iterable<ChatChunk>, recorder: Recorder): Generator<ChatChunk> {
  for (const chunk of chunks) {
    recorder.add([chunk]);
    yield chunk;
  }
}

/**
 * Yields the part of a new answer after what was sent already: text, thoughts, and everything else.
 * @throws MarrowError `model_failed` if the text of the new answer differs
 */
export async function* afterSaid(
  sent: ChatMessage | undefined,
  chunks: Iterable<ChatChunk> | AsyncIterable<ChatChunk>,
): AsyncGenerator<ChatChunk> {
  const said = withStrings(sent);
  const text = typeof said?.content === "string" ? said.content : "";
  const unsaid = unsaidBeside(said ?? {});
  let at = 0;
  for await (const chunk of chunks) {
    const [choice, ...others] = chunk.choices ?? [];
    if (said === undefined || choice === undefined) {
      yield chunk;
      continue;
    }
    const piece = typeof choice.delta?.["content"] === "string" ? choice.delta["content"] : "";
    const known = text.slice(at, at + piece.length);
    at += known.length;
    const isLast = typeof choice.finish_reason === "string";
    if (!piece.startsWith(known) || (isLast && at < text.length))
      throw new MarrowError(
        "model_failed",
        "the answer was interrupted, and the repeated model call produced a different answer",
      );
    const rest = piece.slice(known.length);
    const delta = { ...unsaid(choice.delta ?? {}), ...(rest !== "" && { content: rest }) };
    if (isLast || Object.keys(delta).length > 0) yield { ...chunk, choices: [{ ...choice, delta }, ...others] };
  }
}

/**
 * Returns a function that takes what was sent out of one delta after another, in fields other than the text. Texts such as thoughts continue
 * after what was sent as long as they repeat it; different ones are left out, because what was sent cannot be taken back.
 */
function unsaidBeside(said: Fields): (delta: Fields) => Fields {
  const texts = new Map<string, string | undefined>();
  const counts = new Map<string, number>();
  for (const [name, value] of Object.entries(said)) {
    if (typeof value === "string") texts.set(name, value);
    if (Array.isArray(value)) counts.set(name, value.length);
  }

  function afterText(name: string, piece: string): string {
    const left = texts.has(name) ? texts.get(name) : "";
    if (left === undefined) return "";
    const known = left.slice(0, piece.length);
    texts.set(name, piece.startsWith(known) ? left.slice(known.length) : undefined);
    return piece.startsWith(known) ? piece.slice(known.length) : "";
  }

  /** Items with an index, as fragments of tool calls have, are told by it; others by how many were sent. */
  function afterList(name: string, items: readonly unknown[]): readonly unknown[] {
    const known = ownField(said, name);
    const sent = Array.isArray(known) ? known.length : 0;
    return items.filter((item) => {
      if (isObject(item) && typeof item["index"] === "number") return item["index"] >= sent;
      const left = counts.get(name) ?? 0;
      if (left > 0) counts.set(name, left - 1);
      return left === 0;
    });
  }

  return ({ content: _, role: __, ...beside }) => {
    const fresh = Object.entries(beside).flatMap(([name, value]): [string, unknown][] => {
      if (value === null || value === undefined) return [];
      if (name === "order") return [[name, orderAfter(value, said) ?? value]];
      if (typeof value === "string") {
        const rest = afterText(name, value);
        return rest === "" ? [] : [[name, rest]];
      }
      if (Array.isArray(value)) {
        const rest = afterList(name, value);
        return rest.length === 0 ? [] : [[name, rest]];
      }
      return (ownField(said, name) ?? undefined) === undefined ? [[name, value]] : [];
    });
    return Object.fromEntries(fresh);
  };
}

/** Copies another request's answer with a new id. */
export function withNewId(completion: ChatCompletion): ChatCompletion {
  return { ...completion, id: newId() };
}

/** Converts chunks to an event stream. `onLeft` is called if the client leaves, and returns whether they are read to their end. */
export function toEventStream(
  chunks: AsyncGenerator<ChatChunk>,
  first: IteratorResult<ChatChunk, unknown>,
  withUsage: boolean,
  onLeft: () => boolean,
): AnswerStream {
  const id = newId();
  let pending: IteratorResult<ChatChunk, unknown> | undefined = first;
  let over = false;

  async function next(): Promise<IteratorResult<Uint8Array>> {
    while (!over) {
      const { done, value } = pending ?? (await chunks.next());
      pending = undefined;
      if (done === true) {
        over = true;
        return { done: false, value: Buffer.from(toEvent("[DONE]")) };
      }
      if (withUsage || value.choices === undefined || value.choices.length > 0)
        return { done: false, value: Buffer.from(toEvent(JSON.stringify({ ...value, id }))) };
    }
    return { done: true, value: undefined };
  }

  return {
    [Symbol.asyncIterator]: () => ({ next }),
    async abandon() {
      if (over) return;
      const wanted = onLeft();
      try {
        if (!wanted) await chunks.return(undefined);
        else while ((await next()).done !== true);
      } catch {
        // The recipient is gone.
      }
    },
  };
}

function newId(): string {
  return `chatcmpl-${randomUUID()}`;
}
