import { MarrowError } from "../errors.ts";
import { BLOCK_TEXTS, isLong, readAnswer, readEvent, readLongEvent } from "./answer-bounds.ts";
import { withUsualCalls } from "./calls.ts";
import type { ChatChunk, ChatCompletion, ChatRequest } from "./chat.ts";
import { checkEventStream, isJson, type Endpoint } from "./endpoint.ts";
import { isRefusal, malformed, toFailure, unreadable } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { ChatModel, ModelCall, StreamPart } from "./model.ts";
import { cutEvent } from "./cut-event.ts";
import { partsOf } from "./long-parts.ts";
import { toParts, type PartReader } from "./parts.ts";
import { isObject, type Fields } from "../internal/fields.ts";
import type { LongText } from "../internal/long-text.ts";
import { createEventReader, toEvent, type EventData } from "./sse.ts";
import { toJsonBytes } from "../internal/json-pieces.ts";
import { recognized } from "./stream-as-whole.ts";
import { toWholeAnswer } from "./whole-answer.ts";
import { wholeAsStream } from "./whole-as-stream.ts";
import { estimateTokens } from "../internal/token-estimate.ts";

/** Translation between chat completions and another kind of API. Pure except for the lessons of `amend`. */
export interface Translation {
  readonly path: string;
  /** Converts the request for the endpoint. @throws MarrowError `invalid_input` for a value that cannot be carried */
  readonly toBody: (request: ChatRequest) => Fields;
  /** Reads a refusal: returns a body to try instead, and a function to call once it was accepted. */
  readonly amend: (
    body: Fields,
    refusal: string,
  ) => { readonly request: Fields; readonly learn: () => void } | undefined;
  /**
   * Returns the path in the chat of the field that a refusal of this body names; `undefined` if it names none, or one whose place in the
   * chat is not known.
   */
  readonly fieldOf: (refusal: Fields, body: Fields, request: ChatRequest) => string | undefined;
  /** Converts a whole answer. @throws MarrowError `model_failed` for an answer that is an error or unreadable */
  readonly toCompletion: (answer: Fields, request: ChatRequest) => ChatCompletion;
  /** Begins to read the events of a stream. */
  readonly openStream: (request: ChatRequest) => StreamReader;
}

/** Reads one stream of an endpoint's events. */
export interface StreamReader {
  /**
   * Converts a long event, in turns of the event loop, to events that say the same and are no long work for `read`. Its long strings are in
   * pieces, and may stay so where `read` passes them on in pieces.
   */
  split(event: Fields): Promise<Iterable<Fields>>;
  /** Converts an event to chunks, which may be made as they are taken. @throws MarrowError `model_failed` for an error event */
  read(event: Fields): Iterable<ChatChunk>;
  /** Whether the answer is complete. */
  readonly done: boolean;
  /** Name of the last event of a complete stream. */
  readonly last: string;
}

/** Makes a model from an endpoint with another API than chat completions; streams are translated event by event. */
export function translatedModel(
  endpoint: Endpoint,
  translationOf: (secrets: readonly string[]) => Translation,
): ChatModel & { close(): Promise<void> } {
  const translation = translationOf(endpoint.secrets);

  async function post({ request, signal }: ModelCall): Promise<HttpAnswer> {
    const tokens = estimateTokens([request.messages, request["tools"]]);
    const body = translation.toBody(request);
    const call = {
      path: translation.path,
      model: request.model,
      request: body,
      tokensOf: () => tokens,
      write: toJsonBytes,
      amend: translation.amend,
    };
    try {
      return await endpoint.post<Fields>(call, signal);
    } catch (error) {
      throw inChatNames(error, (refusal) => translation.fieldOf(refusal, body, request));
    }
  }

  async function readWhole(answer: HttpAnswer, call: ModelCall): Promise<ChatCompletion> {
    const given = await readAnswer(await endpoint.textOf(answer, call), BLOCK_TEXTS);
    if (!isObject(given)) throw malformed("its answer is not a JSON object");
    try {
      return withUsualCalls(translation.toCompletion(given, call.request));
    } catch (error) {
      throw unreadable(error);
    }
  }

  return {
    ...endpoint.port,

    async complete({ request: { stream: _, stream_options: __, ...request }, signal, room, keepsPieces }) {
      try {
        const { answer, isStream } = await recognized(await post({ request, signal }));
        if (!isStream) return await toWholeAnswer(await readWhole(answer, { request, room, signal }), { keepsPieces });
        const asked = { ...request, stream: true, stream_options: { include_usage: true } };
        const reader = readTranslated(translation.openStream(asked));
        const joined = await endpoint.joined(answer, { request: asked, signal, room }, reader);
        return await toWholeAnswer(joined, { keepsPieces });
      } catch (error) {
        return toFailure(error, signal);
      }
    },

    async stream({ request, signal, room }) {
      try {
        const asked = { ...request, stream: true };
        const answer = await post({ request: asked, signal });
        if (isJson(answer)) return wholeAsStream(await readWhole(answer, { request, room, signal }), request);
        checkEventStream(answer);
        return toParts(answer, signal, readTranslated(translation.openStream(asked)));
      } catch (error) {
        return toFailure(error, signal);
      }
    },
  };
}

/** Names the refused field of an endpoint's error as the chat does, or not at all. */
function inChatNames(error: unknown, fieldOf: (refusal: Fields) => string | undefined): unknown {
  if (!MarrowError.is(error, "model_failed")) return error;
  const { message, details, cause } = error;
  const said = details?.["error"];
  if (!isObject(said) || !isRefusal(Number(details?.["status"]))) return error;
  const { param: _, ...rest } = said;
  const param = fieldOf(said);
  return new MarrowError("model_failed", message, {
    details: { ...details, error: { ...rest, ...(param !== undefined && { param }) } },
    ...(cause !== undefined && { cause }),
  });
}

function readTranslated(stream: StreamReader): PartReader {
  const reader = createEventReader();
  let held: { readonly error: unknown } | undefined;
  /** The rest of a piece from a long event on. */
  let later: AsyncGenerator<StreamPart, undefined> | undefined;
  /** Whether the last part was made. */
  let isOver = false;

  /** Converts some events to a part, up to the first long one. @throws an event's error if nothing came before it */
  function toPart(events: readonly EventData[]): StreamPart | undefined {
    const chunks: ChatChunk[] = [];
    for (const [at, data] of events.entries()) {
      if (stream.done) continue;
      if (isLong(data)) {
        later = readFrom(data, events.slice(at + 1));
        break;
      }
      if (isNothing(data)) continue;
      try {
        for (const chunk of stream.read(toFields(readEvent(data)))) chunks.push(chunk);
      } catch (error) {
        if (chunks.length === 0) throw error;
        held = { error };
        break;
      }
    }
    if (chunks.length === 0 && !stream.done) return undefined;
    const said = chunks.map((chunk) => toEvent(JSON.stringify(chunk))).join("");
    isOver = stream.done && held === undefined;
    return { bytes: Buffer.from(isOver ? said + toEvent("[DONE]") : said), chunks, done: isOver };
  }

  /** Reads a long event, which is passed on in pieces, and those behind it in turns of the event loop. */
  async function* readFrom(long: LongText, others: readonly EventData[]): AsyncGenerator<StreamPart, undefined> {
    const event = toFields(await readLongEvent(long));
    yield* partsOf(chunksOf(cutEvent(event) ?? (await stream.split(event))));
    const part = toPart(others);
    if (part !== undefined) yield part;
    const behind = takeLater();
    if (behind !== undefined) yield* behind;
  }

  function* chunksOf(events: Iterable<Fields>): Generator<ChatChunk> {
    for (const event of events) yield* stream.read(event);
  }

  function takeLater(): AsyncGenerator<StreamPart, undefined> | undefined {
    const now = later;
    later = undefined;
    return now;
  }

  return {
    read: (piece) => toPart(reader.read(piece)),
    // The last event may lack its line end.
    end() {
      const last = reader.end();
      const part = last === undefined ? undefined : toPart([last]);
      if (part === undefined && later === undefined) throw malformed(`its stream ended before ${stream.last}`);
      return part;
    },
    later: takeLater,
    held: () => held,
    isDone: () => isOver,
  };
}

function isNothing(data: string): boolean {
  return data === "" || data.startsWith("[DONE]");
}

function toFields(event: unknown): Fields {
  if (!isObject(event)) throw malformed("an event of its stream is not a JSON object");
  return event;
}
