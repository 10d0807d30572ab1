import type { ServerResponse } from "node:http";
import type { Departure } from "../../flow/index.ts";
import { recordingOf } from "./recording.ts";
import { tellStream } from "./stream-signal.ts";

/** The way of an answer to who asked, who may read slowly, or leave. */
export interface Outlet {
  /** They left, and nobody else wants the rest: nothing is written any more. */
  readonly gone: boolean;
  /** Writes; what it answers, if anything, is to be waited for before more is written. */
  write(bytes: string | Uint8Array): Promise<void> | undefined;
  end(): void;
}

/** Fires when whoever asked leaves before the answer's end. */
export function goneOf(raw: ServerResponse): AbortSignal {
  const gone = new AbortController();
  departureOf(raw).addEventListener("abort", () => gone.abort());
  return gone.signal;
}

/** The same without a signal of its own, which most requests have no use for: nothing is made before somebody listens. */
export function departureOf(raw: ServerResponse): Departure {
  return new ClosedAnswer(raw);
}

class ClosedAnswer implements Departure {
  readonly #raw: ServerResponse;
  #listeners: Map<() => void, () => void> | undefined;

  constructor(raw: ServerResponse) {
    this.#raw = raw;
  }

  // A recorded answer is wanted by whoever asks again with its key.
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

  removeEventListener(_: "abort", listener: () => void): void {
    const onClose = this.#listeners?.get(listener);
    if (onClose !== undefined) this.#raw.off("close", onClose);
  }
}

/** Opens the way; `onGone` hears, once, that they left before its end. */
export function openOutlet(raw: ServerResponse, onGone: () => void): Outlet {
  const recording = recordingOf(raw);
  let gone = raw.destroyed;
  let slow: PromiseWithResolvers<void> | undefined;
  const goOn = () => {
    slow?.resolve();
    slow = undefined;
  };
  const told = tellStream(raw);
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
      // A comment only says that the stream lives.
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
