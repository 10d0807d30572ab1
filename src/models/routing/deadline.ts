import { MarrowError } from "../../errors.ts";
import type { ChatModel } from "../model.ts";
import { untilOver } from "../placed.ts";

/** Limits a model's answers, including streams, by a deadline (by `performance.now()`), with error `timeout`. */
export function withDeadline(model: ChatModel, atMs: number): ChatModel {
  function begin<C extends Bounded>(call: C) {
    const own = new AbortController();
    let late = false;
    const abort = () => own.abort();
    if (call.signal?.aborted === true) abort();
    else call.signal?.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(
      () => {
        late = true;
        abort();
      },
      Math.max(0, atMs - performance.now()),
    );
    function toFailure(error: unknown): unknown {
      clearTimeout(timer);
      if (!late || call.signal?.aborted === true) return error;
      return new MarrowError("timeout", "the deadline of the request passed before its answer came", {
        cause: error,
        details: { attempts: attemptsOf(error) },
      });
    }
    function fail(error: unknown): never {
      throw toFailure(error);
    }
    const within = { ...call, signal: own.signal, deadlineMs: Math.min(atMs, call.deadlineMs ?? Infinity) };
    return { call: within, end: () => clearTimeout(timer), toFailure, fail };
  }

  const forward = model.forward?.bind(model);
  return {
    ...model,
    async complete(call) {
      const { call: within, end, fail } = begin(call);
      const answer = await model.complete(within).catch(fail);
      end();
      return answer;
    },
    async stream(call) {
      const { call: within, end, toFailure, fail } = begin(call);
      const stream = await model.stream(within).catch(fail);
      const source = untilOver(stream[Symbol.asyncIterator](), end, undefined, toFailure);
      return { [Symbol.asyncIterator]: () => source, served: stream.served };
    },
    ...(forward !== undefined && {
      async forward(path, body, signal, deadlineMs, asker) {
        const { call: within, end, fail } = begin<Bounded>({ signal, deadlineMs });
        const answer = await forward(path, body, within.signal, within.deadlineMs, asker).catch(fail);
        return {
          ...answer,
          async next() {
            const piece = await answer.next().catch(fail);
            if (piece === undefined) end();
            return piece;
          },
          abandon() {
            end();
            answer.abandon();
          },
        };
      },
    }),
  };
}

/** The part of a call that bounds its time. */
interface Bounded {
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
}

/** Returns the number of calls made before the deadline; a model with one endpoint makes one. */
function attemptsOf(error: unknown): number {
  const attempts = MarrowError.is(error) ? error.details?.["attempts"] : undefined;
  return typeof attempts === "number" ? attempts : 1;
}
