import { estimateTokens } from "../internal/token-estimate.ts";
import { createCallReader, withTextArguments } from "./calls.ts";
import type { ChatChunk } from "./chat.ts";
import { createDialect, type DialectOptions } from "./dialect.ts";
import { checkEventStream, createEndpoint, toBearer, toOpenaiInfo, type EndpointOptions } from "./endpoint.ts";
import { malformed, toFailure, unreadable } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { ChatModel, ModelCall, StreamPart } from "./model.ts";
import { toChunk, toCompletion } from "./received.ts";
import { isText } from "../internal/fields.ts";
import { createEventReader, toEvent } from "./sse.ts";

/** Where an OpenAI-compatible endpoint is. */
export interface OpenaiModelOptions extends DialectOptions, EndpointOptions {}

/** A model behind any endpoint that speaks OpenAI's chat completions, over a pool of kept connections. */
export function openaiModel(options: OpenaiModelOptions): ChatModel & { close(): Promise<void> } {
  const endpoint = createEndpoint(options, { headers: toBearer, listPath: "/models", toInfo: toOpenaiInfo });
  const dialect = createDialect(options);

  /** Asks in the endpoint's dialect; a refusal that names a field is learned from, and the request asked again without it. */
  function post({ request: asked, body, signal }: ModelCall): Promise<HttpAnswer> {
    const request = dialect.adapt(asked);
    return endpoint.post(
      {
        path: "/chat/completions",
        model: request.model,
        request,
        tokensOf: ({ messages, tools }) => estimateTokens([messages, tools]),
        write: (now) => (now === asked ? body : undefined) ?? JSON.stringify(now),
        amend: (now, refusal) => dialect.amend(now, refusal),
      },
      signal,
    );
  }

  return {
    ...endpoint.port,

    async complete(call) {
      try {
        const text = await endpoint.textOf(await post(call));
        const given = toCompletion(text, endpoint.secrets);
        const completion = withTextArguments(given);
        return { text: completion === given ? text : JSON.stringify(completion), completion };
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },

    async stream(call) {
      try {
        const answer = await post(call);
        checkEventStream(answer);
        return toParts(answer, call.signal, endpoint.secrets);
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },
  };
}

function toParts(
  answer: HttpAnswer,
  signal: AbortSignal | undefined,
  secrets: readonly string[],
): AsyncIterable<StreamPart> {
  const [reader, toPlaced] = [createEventReader(), createCallReader()];
  /** Answers that have begun, and whether each has its end. */
  const ended = new Map<number, boolean>();
  let done = false;
  let isFirst = true;
  /** What an event said that came in one piece with others before it: those are told first. */
  let held: { readonly error: unknown } | undefined;

  /** The chunks of a piece up to an event that is an error. @throws what that says where nothing came before it */
  function readBefore(events: readonly string[], bytes: Buffer): IteratorResult<StreamPart> {
    const chunks: ChatChunk[] = [];
    for (const event of events) {
      try {
        chunks.push(...read(event));
      } catch (error) {
        const said = bytes.indexOf(event.slice(0, 64));
        const cut = said === -1 ? -1 : bytes.lastIndexOf("data:", said);
        if (chunks.length === 0 || cut < 1) throw error;
        held = { error };
        return { done: false, value: { bytes: bytes.subarray(0, cut), chunks, done: false } };
      }
    }
    return { done: false, value: { bytes, chunks, done } };
  }

  function readAll([event]: readonly string[]): readonly ChatChunk[] {
    return event === undefined ? [] : read(event);
  }

  function read(data: string): readonly ChatChunk[] {
    if (data === "[DONE]") {
      if (ended.size === 0) throw malformed("its stream has no choices");
      done = true;
      return [];
    }
    const chunk = toPlaced(toChunk(data, secrets));
    if (!Array.isArray(chunk.choices)) return [chunk];
    for (const { index = 0, finish_reason: reason } of chunk.choices)
      ended.set(index, isText(reason) || ended.get(index) === true);
    return [chunk];
  }

  /** What a stream that just ends is lacking. One whose answers all have their end is whole: some endpoints send no `[DONE]`. */
  function atEnd(): IteratorResult<StreamPart> {
    if (done) return { done: true, value: undefined };
    const last = reader.end();
    const chunks = last === undefined ? [] : read(last);
    if (!done && (ended.size === 0 || ![...ended.values()].every(Boolean)))
      throw malformed("its stream ended before [DONE]");
    // The last line may lack its end: what follows must not be glued to it.
    const lacking = `${last === undefined ? "" : "\n\n"}${done ? "" : toEvent("[DONE]")}`;
    done = true;
    return { done: false, value: { bytes: Buffer.from(lacking), chunks, done } };
  }

  async function next(): Promise<IteratorResult<StreamPart>> {
    let bytes: Buffer | undefined;
    if (held !== undefined) {
      answer.abandon();
      throw unreadable(held.error);
    }
    try {
      bytes = await answer.next();
    } catch (error) {
      return toFailure(error, signal);
    }
    try {
      if (bytes === undefined) return atEnd();
      // Clients that read a byte order mark as part of the first line would lose its event.
      if (isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
      isFirst = false;
      const events = reader.read(bytes);
      if (events.length > 1) return readBefore(events, bytes);
      const chunks = readAll(events);
      return { done: false, value: { bytes, chunks, done } };
    } catch (error) {
      answer.abandon();
      throw unreadable(error);
    }
  }

  return { [Symbol.asyncIterator]: () => ({ next }) };
}
