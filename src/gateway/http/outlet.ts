import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Departure } from "../../flow/index.ts";
import { recordingOf } from "./recording.ts";
import { tellStream } from "./stream-signal.ts";

/** Writes a response to a client that may read slowly, or leave. */
export interface Outlet {
  /** Whether the client left and nobody else needs the rest; nothing more is written. */
  readonly gone: boolean;
  /** Writes bytes. Await the returned promise, if any, before writing more. */
  write(bytes: string | Uint8Array): Promise<void> | undefined;
  end(): void;
}

/** Returns a signal that fires when the client leaves before the end of the response. */
export function goneOf(raw: ServerResponse): AbortSignal {
  const gone = new AbortController();
  departureOf(raw).addEventListener("abort", () => gone.abort());
  return gone.signal;
}

/** The same without an own signal, which few requests need: nothing is allocated until a listener is added. */
export function departureOf(raw: ServerResponse): Departure {
  return new ClosedAnswer(raw);
}

/** The departure of a caller without an HTTP response, which leaves by `signal`, and calls `end` once it has its answer. */
export function openDeparture(
  signal: AbortSignal = new AbortController().signal,
  drop: () => void = () => {},
): Departure & { end(): void } {
  const ended = new AbortController();
  return {
    get aborted() {
      return signal.aborted;
    },
    addEventListener: (type, listener, options) => signal.addEventListener(type, listener, options),
    removeEventListener: (type, listener) => signal.removeEventListener(type, listener),
    onEnd(listener) {
      if (ended.signal.aborted) listener();
      else ended.signal.addEventListener("abort", listener, { once: true });
    },
    drop,
    end: () => ended.abort(),
  };
}

/** The departure of a client whose answer is stored besides: that ends, too, once `end` was called. */
export function openStoredDeparture(raw: ServerResponse): Departure & { end(): void } {
  const client = new ClosedAnswer(raw);
  const stored = openDeparture();
  return {
    get aborted() {
      return client.aborted;
    },
    addEventListener: (type, listener) => client.addEventListener(type, listener),
    removeEventListener: (type, listener) => client.removeEventListener(type, listener),
    onEnd: (listener) => client.onEnd(() => stored.onEnd?.(listener)),
    drop: () => client.drop(),
    end: () => stored.end(),
  };
}

class ClosedAnswer implements Departure {
  readonly #raw: ServerResponse;
  #listeners: Map<() => void, () => void> | undefined;

  constructor(raw: ServerResponse) {
    this.#raw = raw;
  }

  // A recorded response is needed for retries with its key.
  get aborted(): boolean {
    const raw = this.#raw;
    return raw.destroyed && !raw.writableFinished && recordingOf(raw) === undefined;
  }

  addEventListener(_: "abort", listener: () => void): void {
    const raw = this.#raw;
    if (recordingOf(raw) !== undefined) return;
    const onClose = () => {
      if (!raw.writableFinished) listener();
    };
    (this.#listeners ??= new Map()).set(listener, onClose);
    raw.once("close", onClose);
  }

  onEnd(listener: () => void): void {
    if (this.#raw.closed) listener();
    else this.#raw.once("close", listener);
  }

  drop(): void {
    const { socket } = this.#raw.req;
    this.#raw.destroy();
    // An answer that waits for those before it has no connection of its own yet.
    if (socket instanceof Socket) socket.destroy();
  }

  removeEventListener(_: "abort", listener: () => void): void {
    const onClose = this.#listeners?.get(listener);
    if (onClose !== undefined) this.#raw.off("close", onClose);
  }
}

/** Opens an outlet; `onGone` is called once if the client leaves early. `isStream`: whether signals tell of it as of a stream. @default true */
export function openOutlet(raw: ServerResponse, onGone: () => void, isStream: boolean = true): Outlet {
  const recording = recordingOf(raw);
  let gone = raw.destroyed;
  let slow: PromiseWithResolvers<void> | undefined;
  const goOn = () => {
    slow?.resolve();
    slow = undefined;
  };
  const told = isStream ? tellStream(raw) : undefined;
  const onClose = () => {
    gone = true;
    outlet.gone = recording === undefined;
    told?.over();
    goOn();
    if (recording === undefined) onGone();
  };
  const outlet = {
    gone: false,
    write(bytes: string | Uint8Array): Promise<void> | undefined {
      // A comment only keeps the stream alive.
      if (typeof bytes !== "string" || !bytes.startsWith(":")) told?.wrote();
      if (gone) recording?.add(bytes);
      if (gone || raw.write(bytes)) return undefined;
      slow ??= Promise.withResolvers();
      return slow.promise;
    },
    end() {
      told?.over();
      raw.off("close", onClose);
      if (gone) recording?.end();
      else raw.end();
    },
  };
  if (gone) onClose();
  else raw.once("close", onClose);
  raw.on("drain", goOn);
  return outlet;
}
