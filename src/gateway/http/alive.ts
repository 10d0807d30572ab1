import type { FastifyReply } from "fastify";
import { MarrowError } from "../../errors.ts";
import { recordingOf } from "./recording.ts";

/** Keeps a stream alive while its model is silent, because proxies and clients close silent connections. */
export interface Alive {
  /** Whether the headers were written, because the model was silent at first. */
  readonly begun: boolean;
  /** Reports that data was written. `isOpen`: it ends within an event, whose rest follows; no comment is written before that. @default false */
  touch(isOpen?: boolean): void;
  stop(): void;
}

/**
 * Writes a comment line after each period of silence, and the headers before it if they are missing. Their status is 200, so a later
 * failure is reported in the stream. Other writers may only write whole events. An answer recorded for an idempotency key gets no comment
 * before its headers.
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
  let [touched, isWithin] = [false, false];
  const timer = setInterval(() => {
    const isDue = !touched && !isWithin && !raw.destroyed && !raw.writableNeedDrain;
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
    touch(isOpen = false) {
      [touched, isWithin] = [true, isOpen];
    },
    stop: () => clearInterval(timer),
  };
  return alive;
}

/**
 * Awaits a result while keeping its stream alive. Once the headers were written, any result other than a stream must be reported within it:
 * `tellBroken` gets the failure or the limit's refusal, and nothing is returned. `isStream` tells whether the outcome is a stream that
 * needs further comments.
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

/** Headers of an event stream. */
export const EVENT_STREAM: { readonly "content-type": string; readonly "cache-control": string } = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
};
