import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import type { Asking } from "../cache/index.ts";
import { placedCalls, toEvent, type ChatChunk, type ChatCompletion, type ChatMessage } from "../models/index.ts";
import { ownField, type Fields } from "../internal/fields.ts";
import { orderAfter } from "../internal/order.ts";
import type { AnswerStream } from "./call.ts";
import type { Recorder } from "./recorder.ts";

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

/** Converts a whole answer to the chunks of a stream. */
export function toChunks({ id, created, model, choices, usage }: ChatCompletion): ChatChunk[] {
  const head = { id, object: "chat.completion.chunk", created, model };
  const chunks: ChatChunk[] = choices.flatMap(({ index, message, finish_reason: reason }) => {
    const { tool_calls: calls, ...rest } = message;
    const indexed = Array.isArray(calls) && { tool_calls: placedCalls(calls) };
    return [
      { ...head, choices: [{ index, delta: { ...rest, ...indexed }, finish_reason: null }] },
      { ...head, choices: [{ index, delta: {}, finish_reason: reason }] },
    ];
  });
  return usage === undefined || usage === null ? chunks : [...chunks, { ...head, choices: [], usage }];
}

/**
 * Reads along with the leader; `onRead` gets chunks before they are recorded. Returns whether the leader finished. In the same process the
 * leader's error is thrown here too.
 */
export async function* readAlong(
  { read }: Extract<Together, { readonly role: "follow" }>,
  recorder: Recorder,
  onRead: (chunks: readonly ChatChunk[]) => void,
): AsyncGenerator<ChatChunk, boolean> {
  const parts = read();
  for (;;) {
    const { done, value } = await parts.next();
    if (done === true) {
      if (value.kind === "failed") throw value.error;
      return value.kind === "whole";
    }
    const chunks = "chunks" in value ? value.chunks : toChunks(value.completion);
    onRead(chunks);
    yield* recorded(chunks, recorder);
  }
}

/** Passes chunks on and records them. */
export function* recorded(chunks: readonly ChatChunk[], recorder: Recorder): Generator<ChatChunk> {
  recorder.add(chunks);
  yield* chunks;
}

/**
 * Yields the part of a new answer after the text that was sent already.
 * @throws MarrowError `model_failed` if the new answer differs
 */
export async function* afterSaid(
  said: ChatMessage | undefined,
  chunks: Iterable<ChatChunk> | AsyncIterable<ChatChunk>,
): AsyncGenerator<ChatChunk> {
  const text = typeof said?.content === "string" ? said.content : "";
  let at = 0;
  for await (const chunk of chunks) {
    const [choice] = chunk.choices ?? [];
    if (at < text.length && choice !== undefined) {
      const piece = typeof choice.delta?.["content"] === "string" ? choice.delta["content"] : "";
      const known = text.slice(at, at + piece.length);
      at += known.length;
      const ended = typeof choice.finish_reason === "string" && at < text.length;
      if (!piece.startsWith(known) || ended)
        throw new MarrowError(
          "model_failed",
          "the answer was interrupted, and the repeated model call produced a different answer",
        );
      const rest = piece.slice(known.length);
      const delta = { ...unsaidBeside(said ?? {}, choice.delta ?? {}), ...(rest !== "" && { content: rest }) };
      if (Object.keys(delta).length > 0) yield { ...chunk, choices: [{ ...choice, delta }] };
    } else yield chunk;
  }
}

/** Returns the fields of a delta other than its text, such as tool calls, that were not sent yet. */
function unsaidBeside(said: Fields, { content: _, role: __, ...beside }: Fields): Fields {
  const fresh = Object.entries(beside).flatMap(([name, value]): [string, unknown][] => {
    const known = ownField(said, name);
    if (value === null || value === undefined) return [];
    if (name === "order") return [[name, orderAfter(value, said) ?? value]];
    if (known === null || known === undefined) return [[name, value]];
    if (Array.isArray(known) && Array.isArray(value))
      return value.length > known.length ? [[name, value.slice(known.length)]] : [];
    const isMore = typeof known === "string" && typeof value === "string" && value.startsWith(known);
    return isMore && value !== known ? [[name, value.slice(known.length)]] : [];
  });
  return Object.fromEntries(fresh);
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
