import { mapChanged } from "../internal/map-changed.ts";
import { pushTo, type Pushable } from "../internal/push.ts";
import { toExpectedCalls } from "./calls.ts";
import type { ChatChunk, ChatCompletion } from "./chat.ts";
import { forMaker, signed } from "./maker.ts";
import type { ChatModel, ModelAnswer, ModelCall, StreamPart } from "./model.ts";
import { toEvent } from "./sse.ts";
import { toWholeAnswer } from "./whole-answer.ts";

/**
 * Wraps a model to add its maker's name to output that only it can read again, and to remove other makers' output from requests. Stored
 * turns carry the name, so it is known in every process and after a restart. `kind`: whether the endpoint has chat completions itself. Its
 * stream is only rewritten for requests with tools, and only then includes the name.
 */
export function signedModel<M extends ChatModel>(model: M, maker: string, kind: "chat" | "translated"): M {
  function asked(call: ModelCall): ModelCall {
    const request = forMaker(call.request, maker);
    return request === call.request ? call : { ...call, request, body: undefined };
  }

  async function toAnswer(answer: ModelAnswer, call: ModelCall): Promise<ModelAnswer> {
    const completion = signedCompletion(answer.completion, maker);
    if (completion === answer.completion) return answer;
    return { ...answer, pieces: undefined, ...(await toWholeAnswer(completion, call)) };
  }

  /**
   * Converts a part. `isWritten`: its bytes are its chunks, event by event; otherwise they are the endpoint's own, which may end within an
   * event.
   */
  function toPart(part: StreamPart, isWritten: boolean): StreamPart {
    // A part that only appends text has no other fields.
    if (part.grows !== undefined) return part;
    const chunks = mapChanged(part.chunks, (chunk) => signedChunk(chunk, maker));
    if (chunks === part.chunks) return part;
    if (!isWritten) return { ...part, chunks };
    const events = chunks.map((chunk) => toEvent(JSON.stringify(chunk))).join("");
    return { ...part, chunks, bytes: Buffer.from(part.done ? events + toEvent("[DONE]") : events) };
  }

  return {
    ...model,
    maker,
    complete: async (call) => toAnswer(await model.complete(asked(call)), call),
    async stream(call) {
      const stream = await model.stream(asked(call));
      const isWritten = kind === "translated" || toExpectedCalls(call.request).names.size > 0;
      const change = (part: StreamPart) => toPart(part, isWritten);
      return { ...stream, [Symbol.asyncIterator]: () => mapParts(stream[Symbol.asyncIterator](), change) };
    },
  };
}

function signedCompletion(completion: ChatCompletion, maker: string): ChatCompletion {
  const choices = mapChanged(completion.choices, (choice) => {
    const message = signed(choice.message, maker);
    return message === choice.message ? choice : { ...choice, message };
  });
  return choices === completion.choices ? completion : { ...completion, choices };
}

function signedChunk(chunk: ChatChunk, maker: string): ChatChunk {
  const known = Array.isArray(chunk.choices) ? chunk.choices : [];
  const choices = mapChanged(known, (choice) => {
    const delta = choice.delta && signed(choice.delta, maker);
    return delta === choice.delta ? choice : { ...choice, delta };
  });
  return choices === known ? chunk : { ...chunk, choices };
}

function mapParts(source: Pushable<StreamPart>, change: (part: StreamPart) => StreamPart): Pushable<StreamPart> {
  return {
    async next() {
      const result = await source.next();
      return result.done === true ? result : { done: false, value: change(result.value) };
    },
    push: (sink) =>
      pushTo(source, {
        take: (part) => sink.take(change(part)),
        end: () => sink.end(),
        fail: (error) => sink.fail(error),
      }),
  };
}
