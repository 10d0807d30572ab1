import { pushTo, type Pushable } from "../internal/push.ts";
import type { ChatModel, ForwardedAnswer, StreamPart } from "./model.ts";
import type { Places } from "./places.ts";

/** Limits a model's concurrency: each call holds a slot from before the request until its answer is complete, fails, or is abandoned. */
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

/** Wraps a stream to call `onOver` when it ends, also when its reader abandons it. `toFailure` converts its error. @default unchanged */
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

/** The same for a forwarded answer. */
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
