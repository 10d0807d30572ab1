import type { FastifyReply } from "fastify";
import { recordingOf } from "./recording.ts";

/** Keeps a stream alive while its model thinks: proxies and clients close what is silent. */
export interface Alive {
  /** Whether the head was written, because the model was silent from the start. */
  readonly begun: boolean;
  /** Something was written. */
  touch(): void;
  stop(): void;
}

/**
 * Writes a sign of life, a comment line, whenever nothing was written for so long, the head before it where that is missing: a status of 200, so what fails later is told in the
 * stream. Only whole events may be written beside it. An answer that is recorded for its key gets none before its head.
 */
export function keepAlive(
  reply: FastifyReply,
  {
    aliveMs,
    head,
    sign = ": alive\n\n",
  }: { readonly aliveMs: number; readonly head: Readonly<Record<string, string>>; readonly sign?: string },
): Alive {
  const { raw } = reply;
  let [begun, touched] = [false, false];
  const timer = setInterval(() => {
    const isDue = !touched && !raw.destroyed && !raw.writableNeedDrain;
    touched = false;
    if (!isDue || (!raw.headersSent && recordingOf(raw) !== undefined)) return;
    if (!raw.headersSent) {
      reply.hijack();
      raw.writeHead(200, { ...head, ...EVENT_STREAM });
      begun = true;
    }
    raw.write(sign);
  }, aliveMs);
  return {
    get begun() {
      return begun;
    },
    touch: () => void (touched = true),
    stop: () => clearInterval(timer),
  };
}

/** Head of a stream of events. */
export const EVENT_STREAM: { readonly "content-type": string; readonly "cache-control": string } = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
};
