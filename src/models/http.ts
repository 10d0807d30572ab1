import { StringDecoder } from "node:string_decoder";
import type { Dispatcher } from "undici";
import { pushTo, type Pushing, type Sink } from "../internal/push.ts";
import { LongText } from "../internal/long-text.ts";
import { ownTurn } from "../internal/time-slice.ts";
import type { ModelCall } from "./model.ts";
import { createRoomTaker } from "./room.ts";

/** An answer with received headers and a pending body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Returns the next piece of the body, or `undefined` at its end. Rejects if the connection breaks. One call at a time. */
  next(): Promise<Buffer | undefined>;
  /** Passes further pieces to a sink instead of `next`. Call it once. */
  push(sink: Sink<Buffer>): Pushing;
  /** Returns the rest of the body; rejects if it exceeds the bound. */
  whole(bytesMax: number): Promise<Buffer>;
  /** Discards the rest. */
  abandon(): void;
}

/** Most pieces and bytes buffered for a slow reader before the connection is paused; one piece of the socket may have as many. */
const PIECES_MAX = 64;
const WAITING_BYTES_MAX = 65_536;
/** A longer piece goes to a sink in slices of so many bytes. */
const SLICE_BYTES = 16_384;
/** The work on one answer in one turn of the event loop: Node reads two megabytes of a socket in one go. */
const TURN_BYTES = 262_144;
const TURN_MS = 5;
/** From this size on a text stays in pieces, and is read in a turn of the event loop of its own. */
const LONG_BYTES = 131_072;
/** What a piece counts in bytes beside its own. */
const PIECE_BYTES = 128;

/**
 * Sends a request and resolves with its headers. Undici's own `request` wraps every body in a Node stream; this passes pieces on directly,
 * at about half the CPU per piece.
 */
export function sendRequest(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let controller: Dispatcher.DispatchController | undefined;
    let reader: PromiseWithResolvers<Buffer | undefined> | undefined;
    let sink: Sink<Buffer> | undefined;
    /** Whether the sink is paused, and whether it is being given a piece. */
    let [halted, giving] = [true, false];
    let ended = false;
    let failure: Error | undefined;
    let paused = false;
    /** Whether the connection waits for the next turn; what came in this one, and whether and since when its work is timed. */
    let [isResting, turnBytes, isTimed, sinceMs] = [false, 0, false, 0];
    let waitingBytes = 0;

    const abort = () => controller?.abort(new Error("the request was cancelled"));
    const finish = (error?: Error) => {
      ended = true;
      failure = error;
      signal?.removeEventListener("abort", abort);
      if (error === undefined) reader?.resolve(undefined);
      else reader?.reject(error);
      reader = undefined;
      give();
    };

    /** Takes a buffered piece. */
    function shift(): Buffer | undefined {
      const piece = pieces.shift();
      if (piece === undefined) return undefined;
      waitingBytes -= piece.length;
      // Never from within another answer's piece: undici's parsers do not run within each other.
      if (paused && !isResting && pieces.length === 0) queueMicrotask(goOn);
      return piece;
    }

    /** Resumes the connection, unless pieces wait for their reader. */
    function goOn(): void {
      if (!paused || ended || isResting || pieces.length > 0) return;
      paused = false;
      controller?.resume();
    }

    function pause(): void {
      if (paused) return;
      paused = true;
      controller?.pause();
    }

    /** Continues with this answer in the next turn, after other work. */
    function rest(): void {
      isResting = true;
      pause();
      setImmediate(() => {
        [isResting, turnBytes] = [false, 0];
        give();
        goOn();
      });
    }

    /** Times the rest of this turn. */
    function time(): void {
      [isTimed, sinceMs] = [true, performance.now()];
      setImmediate(() => {
        isTimed = false;
        if (!isResting) turnBytes = 0;
      });
    }

    /** Counts a piece, and ends the turn after too many bytes or too much time. */
    function count(piece: Buffer): void {
      turnBytes += piece.length + PIECE_BYTES;
      if (turnBytes < SLICE_BYTES || isResting) return;
      // Most pieces have a turn of their own: turns are told apart only once much came.
      if (!isTimed) time();
      else if (turnBytes >= TURN_BYTES || performance.now() - sinceMs >= TURN_MS) rest();
    }

    /** Passes buffered pieces to the sink, as many as it accepts in this turn. */
    function give(): void {
      if (giving || sink === undefined) return;
      giving = true;
      while (!halted && !isResting) {
        const piece = shift();
        if (piece === undefined) break;
        sink.take(piece);
        count(piece);
      }
      giving = false;
      if (halted || !ended || pieces.length > 0) return;
      const to = sink;
      sink = undefined;
      if (failure === undefined) to.end();
      else to.fail(failure);
    }

    function push(to: Sink<Buffer>): Pushing {
      sink = to;
      return {
        pause: () => void (halted = true),
        resume() {
          halted = false;
          give();
        },
      };
    }

    function next(): Promise<Buffer | undefined> {
      const piece = shift();
      if (piece !== undefined) return Promise.resolve(piece);
      if (failure !== undefined) return Promise.reject(failure);
      if (ended) return Promise.resolve(undefined);
      reader = Promise.withResolvers();
      return reader.promise;
    }

    if (signal?.aborted === true) return reject(new Error("the request was cancelled"));
    signal?.addEventListener("abort", abort, { once: true });
    dispatcher.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (signal?.aborted === true) abort();
      },
      onResponseStart(_, status, headers) {
        // 1xx heads announce another one.
        if (status >= 200) {
          const whole = (bytesMax: number) => wholeOf(next, abort, bytesMax);
          resolve({ status, headers, next, push, whole, abandon: abort });
        }
      },
      onResponseData(_, piece) {
        if (sink !== undefined) {
          const isNext = !halted && !isResting && !giving && pieces.length === 0;
          if (isNext && piece.length <= SLICE_BYTES) {
            sink.take(piece);
            return count(piece);
          }
          for (let at = 0; at < piece.length; at += SLICE_BYTES) {
            const slice = piece.length <= SLICE_BYTES ? piece : piece.subarray(at, at + SLICE_BYTES);
            pieces.push(slice);
            waitingBytes += slice.length;
          }
          give();
          if (pieces.length >= PIECES_MAX || waitingBytes >= WAITING_BYTES_MAX) pause();
          return;
        }
        count(piece);
        if (reader === undefined) {
          pieces.push(piece);
          waitingBytes += piece.length;
          if (pieces.length >= PIECES_MAX || waitingBytes >= WAITING_BYTES_MAX) pause();
          return;
        }
        reader.resolve(piece);
        reader = undefined;
      },
      onResponseEnd: () => finish(),
      onResponseError(_, error) {
        finish(error);
        reject(error);
      },
    });
  });
}

/** Returns an answer whose body is read by other functions. */
export function withBody(answer: HttpAnswer, { next, abandon }: Pick<HttpAnswer, "next" | "abandon">): HttpAnswer {
  const toResult = (value: Buffer | undefined): IteratorResult<Buffer, undefined> =>
    value === undefined ? { done: true, value } : { done: false, value };
  return {
    ...answer,
    next,
    push: (sink) => pushTo({ next: async () => toResult(await next()) }, sink),
    whole: (bytesMax) => wholeOf(next, abandon, bytesMax),
    abandon,
  };
}

async function wholeOf(next: HttpAnswer["next"], abandon: () => void, bytesMax: number): Promise<Buffer> {
  const all: Buffer[] = [];
  let bytes = 0;
  for (let piece = await next(); piece !== undefined; piece = await next()) {
    bytes += piece.length;
    all.push(piece);
    if (bytes > bytesMax) {
      abandon();
      throw new BodyTooLarge(bytesMax);
    }
  }
  return all.length === 1 ? (all[0] as Buffer) : Buffer.concat(all, bytes);
}

/**
 * The rest of a body as text without a byte order mark, decoded as it comes; a long one stays in pieces. Rejects when it is over the bound. A
 * long one is read on once `room` has room for it.
 */
export async function textOf(
  answer: HttpAnswer,
  bytesMax: number,
  call: Pick<ModelCall, "room" | "signal"> = {},
): Promise<string | LongText> {
  const first = await answer.next();
  let piece = first === undefined ? undefined : await answer.next();
  if (piece === undefined) return toText(first, bytesMax);
  const room = createRoomTaker(call, bytesMax, expectedBytes(answer));
  const decoder = new StringDecoder("utf8");
  let begin = decoder.write(first as Buffer);
  let bytes = (first as Buffer).length;
  const texts: string[] = [];
  const add = (text: string) => {
    // The first bytes may be less than a character.
    if (texts.length > 0) texts.push(text);
    else if ((begin += text) !== "") texts.push(withoutMark(begin));
  };
  add("");
  for (; piece !== undefined; piece = await answer.next()) {
    bytes += piece.length;
    if (bytes > bytesMax) {
      answer.abandon();
      throw new BodyTooLarge(bytesMax);
    }
    add(decoder.write(piece));
    const wait = room.grew(bytes);
    if (wait !== undefined) await abandoning(answer, wait);
  }
  await room.ended(bytes);
  add(decoder.end());
  if (bytes < LONG_BYTES) return texts.join("");
  // Of a hundred long answers that end at once each is read in a turn of its own.
  await ownTurn();
  return new LongText(texts);
}

/** Waits, and abandons the answer if there is nothing to wait for. */
export function abandoning(answer: HttpAnswer, wait: Promise<void>): Promise<void> {
  return wait.catch((error: unknown) => {
    answer.abandon();
    throw error;
  });
}

/** The bytes of a body, if its head tells them. */
function expectedBytes({ headers }: HttpAnswer): number | undefined {
  const told = headers["content-encoding"] === undefined ? Number(headers["content-length"]) : Number.NaN;
  return Number.isNaN(told) ? undefined : told;
}

/** The text of a body in one piece. */
function toText(body: Buffer | undefined, bytesMax: number): string {
  if (body !== undefined && body.length > bytesMax) throw new BodyTooLarge(bytesMax);
  return body === undefined ? "" : withoutMark(body.toString("utf8"));
}

/** Some servers send a byte order mark before JSON, which no parser reads. */
function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** The body exceeded its bound. */
export class BodyTooLarge extends Error {
  constructor(bytesMax: number) {
    super(`the body is over ${bytesMax} bytes`);
  }
}
