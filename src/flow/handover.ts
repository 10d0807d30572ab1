import type { Pushable, Sink } from "../internal/push.ts";

/** Passes a stream's bytes to its reader, pulled or pushed, and buffers those that are not requested yet. */
export interface Handover extends Required<Pick<Pushable<Uint8Array>, "next" | "push">> {
  /** Returns true while the reader waits for bytes. */
  isWaiting(): boolean;
  give(bytes: Uint8Array): void;
  /** Ends the stream, or fails it, after the buffered bytes. */
  end(broken?: { readonly error: unknown }): void;
  /** Called when the reader left. A sink gets nothing more; a pulling reader may continue. */
  leave(): void;
}

/** Makes a handover. Calls `onChange` when the reader starts or stops waiting. */
export function createHandover(onChange: () => void): Handover {
  const ahead: Uint8Array[] = [];
  let puller: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined;
  let sink: Sink<Uint8Array> | undefined;
  let [isPushing, isPaused, isGiving, isOver] = [false, true, false, false];
  let broken: { readonly error: unknown } | undefined;

  /** Passes buffered bytes to a sink, as many as it accepts, and then the end. */
  function flush(): void {
    if (isGiving) return;
    isGiving = true;
    while (sink !== undefined && !isPaused && ahead.length > 0) sink.take(ahead.shift() as Uint8Array);
    isGiving = false;
    if (sink === undefined || isPaused || !isOver) return;
    const to = sink;
    sink = undefined;
    if (broken === undefined) to.end();
    else to.fail(broken.error);
  }

  return {
    isWaiting: () => (isPushing ? sink !== undefined && !isPaused : puller !== undefined),

    give(bytes) {
      if (puller !== undefined) {
        puller.resolve({ done: false, value: bytes });
        puller = undefined;
      } else if (sink !== undefined && !isPaused && ahead.length === 0 && !isGiving) sink.take(bytes);
      else if (!isPushing || sink !== undefined) ahead.push(bytes);
    },

    end(as) {
      isOver = true;
      broken = as;
      flush();
      if (puller === undefined) return;
      puller.resolve(next());
      puller = undefined;
    },

    leave() {
      sink = undefined;
      if (isPushing) ahead.length = 0;
    },

    next,

    push(to) {
      isPushing = true;
      sink = to;
      return {
        pause() {
          isPaused = true;
          onChange();
        },
        resume() {
          isPaused = false;
          flush();
          onChange();
        },
      };
    },
  };

  function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const bytes = ahead.shift();
    if (bytes !== undefined) return Promise.resolve({ done: false, value: bytes });
    if (!isOver) {
      const pulling = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>();
      puller = pulling;
      onChange();
      return pulling.promise;
    }
    if (broken === undefined) return Promise.resolve({ done: true, value: undefined });
    const { error } = broken;
    broken = undefined;
    return Promise.reject(error);
  }
}
