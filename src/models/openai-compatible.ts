import { toJsonBytes } from "../internal/json-pieces.ts";
import { estimateTokens } from "../internal/token-estimate.ts";
import { readAnswer } from "./answer-bounds.ts";
import { toExpectedCalls, withUsualCalls } from "./calls.ts";
import { readChatParts } from "./chat-parts.ts";
import { createDialect, type DialectOptions } from "./dialect.ts";
import { checkEventStream, createEndpoint, isJson, toBearer, type EndpointOptions } from "./endpoint.ts";
import { thoughtsFieldOf } from "./given-back.ts";
import { toOpenaiInfo } from "./listed.ts";
import { toFailure } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { ChatModel, ModelCall } from "./model.ts";
import { toParts, type PartReader } from "./parts.ts";
import { toCompletion } from "./received.ts";
import { withoutSaidField, type SaidField } from "./said-fields.ts";
import { recognized } from "./stream-as-whole.ts";
import { withUsualMessages } from "./usual-messages.ts";
import { toWholeAnswer } from "./whole-answer.ts";
import { wholeAsStream } from "./whole-as-stream.ts";

/** In which order a message was said: chat completions have no word for it. */
const ORDER: SaidField = { place: "message", name: "order" };
/** The index of a call belongs to streams: an endpoint may refuse it in a message. */
const INDEX: SaidField = { place: "call", name: "index" };

/** Options of an OpenAI-compatible endpoint. */
export interface OpenaiModelOptions extends DialectOptions, EndpointOptions {}

/** Calls a model through any endpoint with OpenAI's chat completions, over a pool of connections. */
export function openaiModel(options: OpenaiModelOptions): ChatModel & { close(): Promise<void> } {
  const endpoint = createEndpoint(options, { headers: toBearer, listPath: "/models", toInfo: toOpenaiInfo });
  const dialect = createDialect(options);

  /** Sends a call in the endpoint's dialect. After a refusal that names a field, sends it again without the field. */
  function post({ request: asked, body, signal }: ModelCall): Promise<HttpAnswer> {
    const request = dialect.adapt(withoutSaidField(withoutSaidField(asked, ORDER), INDEX));
    return endpoint.post(
      {
        path: "/chat/completions",
        model: request.model,
        request,
        tokensOf: ({ messages, tools }) => estimateTokens([messages, tools]),
        write: (now) => (now === asked ? body : undefined) ?? toJsonBytes(now),
        amend: (now, refusal) => dialect.amend(now, refusal),
      },
      signal,
    );
  }

  /** Records the field of a model's reasoning. Returns whether this message has one. */
  function noteThoughts(model: string, said: object | undefined): boolean {
    const field = said && thoughtsFieldOf(said as Readonly<Record<string, unknown>>);
    if (field !== undefined) dialect.thinks(model, field);
    return field !== undefined;
  }

  function readParts({ request }: ModelCall): PartReader {
    const onDelta = (delta: object) => noteThoughts(request.model, delta);
    return readChatParts(endpoint.secrets, toExpectedCalls(request), onDelta);
  }

  return {
    ...endpoint.port,

    async complete(call) {
      try {
        const { answer, isStream } = await recognized(await post(call));
        if (isStream) {
          const joined = await endpoint.joined(answer, call, readParts(call));
          return await toWholeAnswer(withUsualCalls(joined, toExpectedCalls(call.request)), call);
        }
        const text = await endpoint.textOf(answer, call);
        const given = toCompletion(await readAnswer(text), endpoint.secrets);
        noteThoughts(call.request.model, given.choices[0]?.message);
        const completion = withUsualCalls(withUsualMessages(given), toExpectedCalls(call.request));
        return await toWholeAnswer(completion, call, completion === given ? text : undefined);
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },

    async stream(call) {
      try {
        const answer = await post(call);
        if (isJson(answer)) {
          const given = toCompletion(await readAnswer(await endpoint.textOf(answer, call)), endpoint.secrets);
          noteThoughts(call.request.model, given.choices[0]?.message);
          return wholeAsStream(withUsualCalls(withUsualMessages(given), toExpectedCalls(call.request)), call.request);
        }
        checkEventStream(answer);
        return toParts(answer, call.signal, readParts(call));
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },
  };
}
