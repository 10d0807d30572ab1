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
  const listeners = new Map<() => void, () => void>();
  return {
    // A recorded answer is wanted by whoever asks again with its key.
    get aborted() {
      return raw.destroyed && !raw.writableFinished && recordingOf(raw) === undefined;
    },
    addEventListener(_, listener) {
      if (recordingOf(raw) !== undefined) return;
      const onClose = () => {
        if (!raw.writableFinished) listener();
      };
      listeners.set(listener, onClose);
      raw.once("close", onClose);
    },
    removeEventListener(_, listener) {
      const onClose = listeners.get(listener);
      if (onClose !== undefined) raw.off("close", onClose);
    },
  };
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
    told?.over();
    goOn();
    if (recording === undefined) onGone();
  };
  if (gone) onClose();
  else raw.once("close", onClose);
  raw.on("drain", goOn);
  return {
    get gone() {
      return gone && recording === undefined;
    },
    write(bytes) {
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
}
