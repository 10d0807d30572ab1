import { MarrowError } from "../../errors.ts";
import type { ChatModel, ModelCall, StreamPart } from "../model.ts";

/** A model whose answers end at a deadline (by `performance.now()`) with `timeout`, streams too, whatever its endpoint does. */
export function withDeadline(model: ChatModel, atMs: number): ChatModel {
  function begin(call: ModelCall) {
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
    function fail(error: unknown): never {
      clearTimeout(timer);
      if (late && call.signal?.aborted !== true)
        throw new MarrowError("timeout", "the deadline of the request passed before its answer came", { cause: error });
      throw error;
    }
    const within = { ...call, signal: own.signal, deadlineMs: Math.min(atMs, call.deadlineMs ?? Infinity) };
    return { call: within, end: () => clearTimeout(timer), fail };
  }

  return {
    ...model,
    async complete(call) {
      const { call: within, end, fail } = begin(call);
      const answer = await model.complete(within).catch(fail);
      end();
      return answer;
    },
    async stream(call) {
      const { call: within, end, fail } = begin(call);
      const stream = await model.stream(within).catch(fail);
      const source = stream[Symbol.asyncIterator]();
      async function next(): Promise<IteratorResult<StreamPart>> {
        const result = await source.next().catch(fail);
        if (result.done === true || result.value.done) end();
        return result;
      }
      return { [Symbol.asyncIterator]: () => ({ next }), served: stream.served };
    },
  };
}
