import type { FastifyReply } from "fastify";
import { MarrowError } from "../../errors.ts";
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
  let touched = false;
  const timer = setInterval(() => {
    const isDue = !touched && !raw.destroyed && !raw.writableNeedDrain;
    touched = false;
    if (!isDue || (!raw.headersSent && recordingOf(raw) !== undefined)) return;
    if (!raw.headersSent) {
      reply.hijack();
      raw.writeHead(200, { ...head, ...EVENT_STREAM });
      alive.begun = true;
    }
    raw.write(sign);
  }, aliveMs);
  const alive = {
    begun: false,
    touch: () => void (touched = true),
    stop: () => clearInterval(timer),
  };
  return alive;
}

/**
 * Asks while a stream says that it lives. Once the head was written, whatever is no stream can be told within it only: `tellBroken` hears the
 * failure, or the refusal of a limit, and nothing comes back. `isStream` tells of an outcome whose stream goes on saying that it lives.
 */
export async function askAlive<T>(
  alive: Alive | undefined,
  ask: () => Promise<T>,
  {
    isStream,
    tellBroken,
  }: { readonly isStream: (outcome: T) => boolean; readonly tellBroken: (error: unknown) => void },
): Promise<T | undefined> {
  let outcome: T;
  try {
    outcome = await ask();
  } catch (error) {
    alive?.stop();
    if (alive?.begun !== true) throw error;
    tellBroken(error);
    return undefined;
  }
  if (isStream(outcome)) return outcome;
  alive?.stop();
  if (alive?.begun !== true) return outcome;
  tellBroken(new MarrowError("rate_limited", "a limit refused the request"));
  return undefined;
}

/** Head of a stream of events. */
export const EVENT_STREAM: { readonly "content-type": string; readonly "cache-control": string } = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
};
