import { pushTo, type Pushable } from "../internal/push.ts";
import type { ChatModel, ForwardedAnswer, StreamPart } from "./model.ts";
import type { Places } from "./places.ts";

/** A model each call of which has one of some places, from before its endpoint is asked until its answer is whole, broke, or is given up. */
export function withPlaces<M extends ChatModel>(model: M, places: Places): M {
  const forward = model.forward?.bind(model);
  return {
    ...model,
    places,
    async complete(call) {
      const leave = await places.take(call.asker, call.signal);
      return model.complete(call).finally(leave);
    },
    async stream(call) {
      const leave = await places.take(call.asker, call.signal);
      try {
        const stream = await model.stream(call);
        return {
          ...stream,
          [Symbol.asyncIterator]: () => untilOver(stream[Symbol.asyncIterator](), leave, call.signal),
        };
      } catch (error) {
        leave();
        throw error;
      }
    },
    ...(forward !== undefined && {
      async forward(path, body, signal, deadlineMs, asker) {
        const leave = await places.take(asker, signal);
        try {
          return answerUntilOver(await forward(path, body, signal, deadlineMs, asker), leave);
        } catch (error) {
          leave();
          throw error;
        }
      },
    }),
  };
}

/** A stream that tells when it is over, also when its reader lets go of it. `toFailure`: what breaks it, as it is told. @default as it is */
export function untilOver(
  source: Pushable<StreamPart>,
  onOver: () => void,
  signal?: AbortSignal,
  toFailure: (error: unknown) => unknown = (error) => error,
): Pushable<StreamPart> {
  if (signal?.aborted === true) onOver();
  else signal?.addEventListener("abort", onOver, { once: true });
  const over = () => {
    signal?.removeEventListener("abort", onOver);
    onOver();
  };
  return {
    async next() {
      try {
        const result = await source.next();
        if (result.done === true || result.value.done) over();
        return result;
      } catch (error) {
        over();
        throw toFailure(error);
      }
    },
    push: (sink) =>
      pushTo(source, {
        take(part) {
          if (part.done) over();
          sink.take(part);
        },
        end() {
          over();
          sink.end();
        },
        fail(error) {
          over();
          sink.fail(toFailure(error));
        },
      }),
  };
}

/** The same of an answer that is handed on. */
export function answerUntilOver(answer: ForwardedAnswer, onOver: () => void): ForwardedAnswer {
  return {
    ...answer,
    async next() {
      try {
        const piece = await answer.next();
        if (piece === undefined) onOver();
        return piece;
      } catch (error) {
        onOver();
        throw error;
      }
    },
    abandon() {
      onOver();
      answer.abandon();
    },
  };
}
