import { estimateTokens } from "../internal/token-estimate.ts";
import { openCalls, toExpectedCalls, withUsualCalls, type ExpectedCalls } from "./calls.ts";
import type { ChatChunk } from "./chat.ts";
import { createDialect, type DialectOptions } from "./dialect.ts";
import { checkEventStream, createEndpoint, isJson, toBearer, type EndpointOptions } from "./endpoint.ts";
import { createRepeats } from "./growth.ts";
import { toOpenaiInfo } from "./listed.ts";
import { malformed, toFailure, unreadable } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { ChatModel, ModelCall, StreamPart } from "./model.ts";
import { toChunk, toCompletion } from "./received.ts";
import { wholeAsStream } from "./whole-as-stream.ts";
import { isText } from "../internal/fields.ts";
import { createEventReader, toEvent, upToLineEnd } from "./sse.ts";

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
        const completion = withUsualCalls(given, toExpectedCalls(call.request));
        return { text: completion === given ? text : JSON.stringify(completion), completion };
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },

    async stream(call) {
      try {
        const answer = await post(call);
        if (isJson(answer)) {
          const given = toCompletion(await endpoint.textOf(answer), endpoint.secrets);
          return wholeAsStream(withUsualCalls(given, toExpectedCalls(call.request)), call.request);
        }
        checkEventStream(answer);
        return toParts(answer, call.signal, endpoint.secrets, toExpectedCalls(call.request));
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },
  };
}

/**
 * The pieces of a stream as they came. Those of a request that names tools are written anew, event by event: makers stream calls in shapes that
 * OpenAI's clients do not read.
 */
function toParts(
  answer: HttpAnswer,
  signal: AbortSignal | undefined,
  secrets: readonly string[],
  expected: ExpectedCalls,
): AsyncIterable<StreamPart> {
  const [reader, calls, repeats] = [createEventReader(), openCalls(expected), createRepeats()];
  const isWrittenAnew = expected.names.size > 0;
  /** Answers that have begun, and whether each has its end. */
  const ended = new Map<number, boolean>();
  let done = false;
  let isFirst = true;
  /** What an event said that came in one piece with others before it: those are told first. */
  let held: { readonly error: unknown } | undefined;

  /** The chunks of a piece up to an event that is an error. @throws what that says where nothing came before it */
  function readAll(events: readonly string[], came: Buffer): StreamPart {
    const [chunks, anew]: [ChatChunk[], string[]] = [[], []];
    for (const [at, event] of events.entries()) {
      if (event === "") continue;
      try {
        const chunk = read(event);
        const last = chunk === undefined && isWrittenAnew ? calls.end() : undefined;
        const told = chunk?.told ?? last;
        if (told !== undefined) chunks.push(told);
        if (!isWrittenAnew) continue;
        const asItCame = chunk?.isSame === true && !event.includes("\n");
        if (told !== undefined) anew.push(toEvent(asItCame ? event : JSON.stringify(told)));
        if (chunk === undefined) anew.push(toEvent(DONE));
      } catch (error) {
        // What comes behind the end is no part of the answer.
        if (!done && chunks.length === 0) throw error;
        if (!done) held = { error };
        return {
          bytes: write(at === 0 ? came.subarray(0, 0) : upToLineEnd(came, reader.lineEndsAfter(at - 1))),
          chunks,
          done,
        };
      }
    }
    return { bytes: write(came), chunks, done };

    function write(bytes: Buffer): Buffer {
      if (isWrittenAnew) return Buffer.from(anew.join(""));
      return events.some(isOdd) ? withoutOdd(bytes) : bytes;
    }
  }

  /** The part that a piece is. Most events repeat the one before them but for their text: they say the same to whoever reads them, also of calls. */
  function toPart(bytes: Buffer): StreamPart {
    const isWhole = reader.isBetweenEvents();
    const text = reader.decode(bytes);
    return (isWhole ? repeats.read(text, bytes) : undefined) ?? readAll(reader.readText(text), bytes);
  }

  /** What an event says, and whether that is what came; `undefined` for the last one. */
  function read(data: string): { readonly told: ChatChunk; readonly isSame: boolean } | undefined {
    if (data.trimStart().startsWith(DONE)) {
      repeats.note(data, undefined);
      if (ended.size === 0) throw malformed("its stream has no choices");
      done = true;
      return undefined;
    }
    const chunk = toChunk(data, secrets);
    const told = calls.read(chunk);
    repeats.note(data, done || told !== chunk ? undefined : chunk);
    if (Array.isArray(told.choices))
      for (const { index = 0, finish_reason: reason } of told.choices)
        ended.set(index, isText(reason) || ended.get(index) === true);
    return { told, isSame: told === chunk };
  }

  /** What a stream that just ends is lacking. One whose answers all have their end is whole: some endpoints send no `[DONE]`. */
  function atEnd(): IteratorResult<StreamPart> {
    if (done) return { done: true, value: undefined };
    const last = reader.end();
    // The last line may lack its end: what follows must not be glued to it.
    const part = readAll(last === undefined ? [] : [last], Buffer.from(last === undefined ? "" : "\n\n"));
    if (!done && (ended.size === 0 || ![...ended.values()].every(Boolean)))
      throw malformed("its stream ended before [DONE]");
    const bytes = done ? part.bytes : Buffer.concat([part.bytes, Buffer.from(toEvent("[DONE]"))]);
    done = true;
    return { done: false, value: { bytes, chunks: part.chunks, done } };
  }

  async function next(): Promise<IteratorResult<StreamPart>> {
    for (;;) {
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
        const part = toPart(bytes);
        // Half an event is told when it is whole.
        if (part.bytes.length > 0 || part.done) return { done: false, value: part };
      } catch (error) {
        answer.abandon();
        throw unreadable(error);
      }
    }
  }

  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** Whether an event says nothing, which by the standard is none, or is an end that is not written as clients expect it. */
function isOdd(event: string): boolean {
  return event === "" || (event.length > DONE.length && event.trimStart().startsWith(DONE));
}

/** Bytes without such events, and with the usual end. */
function withoutOdd(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1").replaceAll(/^data: ?\r?\n\r?\n/gm, "");
  return Buffer.from(text.replaceAll(/^data:[ \t]*\[DONE\][^\r\n]*/gm, `data: ${DONE}`), "latin1");
}

const DONE = "[DONE]";
