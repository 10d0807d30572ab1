import type { Writable } from "node:stream";
import type { Argument, Command } from "./connection.ts";
import type { Answered } from "./driver.ts";
import { NotSent, Written } from "./failure.ts";
import { CLOSED, IN_PLACE } from "./ioredis-once.ts";

/**
 * Returns true for a command without special treatment in the client: no state, no timer, no conversion of its reply. Lower-case verbs are
 * left to the client, whose transformers use these names.
 */
export function isOrdinary(verb: string): boolean {
  return verb.charCodeAt(0) < LOWER_A && !SPECIAL.has(verb);
}

const LOWER_A = 0x61;
/** Commands that the client treats specially by name: they block, subscribe, open transactions, or change the connection. */
const SPECIAL: ReadonlySet<string> = new Set(
  [
    "AUTH HELLO SELECT CLIENT READONLY INFO QUIT PING MONITOR RESET MULTI EXEC DISCARD WATCH UNWATCH HIMPORT",
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE",
    "BLPOP BRPOP BRPOPLPUSH BLMOVE BLMOVEM BZPOPMIN BZPOPMAX BZMPOP BLMPOP XREAD XREADGROUP",
  ].flatMap((verbs) => verbs.split(" ")),
);

/**
 * A command in the client's queue. The client's own class makes a promise, closures and a copy of the arguments for each command and
 * measures every argument, which is a tenth of the cost of a gateway request. This class has only what the queue needs, and calls back. It is
 * written once, as an `OnceCommand`.
 */
export class QueuedCommand {
  readonly name: string;
  /** Absent: the reply is passed to a callback. */
  readonly promise: undefined = undefined;
  readonly inTransaction = false;
  /** Suppresses the client's own tracing; traced commands use the client's class instead. */
  readonly isTraced = true;
  readonly #words: Command;
  readonly #bytes: boolean;
  readonly #answered: Answered;
  #isWritten = false;
  /** Whether it has failed. A reply that comes later is one to what was written in its place. */
  #isOver = false;

  constructor(words: Command, bytes: boolean, answered: Answered) {
    this.name = toLower(words[0] as string);
    this.#words = words;
    this.#bytes = bytes;
    this.#answered = answered;
  }

  /** The arguments, for the client's errors. */
  get args(): Command {
    return this.#words.slice(1);
  }

  /** Ignored: ordinary commands do not depend on the protocol. */
  setReplyContext(): void {}

  /** The client writes what is returned to the same stream next. */
  toWritable(stream: Pick<Writable, "write">): Buffer {
    if (this.#isWritten) {
      this.lose();
      return IN_PLACE;
    }
    this.#isWritten = true;
    return toWire(this.#words, (part) => void stream.write(part));
  }

  resolve(reply: unknown): void {
    if (!this.#isOver) this.#answered(undefined, this.#bytes ? reply : toTexts(reply));
  }

  reject(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const why = error ?? new Error("the client gave up a command");
    this.#answered(this.#isWritten ? new Written(why) : new NotSent(why), undefined);
  }

  /** The server answered with an error: that is its reply, also if the client would send it again (`reconnectOnError`). */
  refuse(error: Error): void {
    this.reject(error);
  }

  /** Its connection ended before the reply. */
  lose(): void {
    if (this.#isWritten) this.reject(new Error(CLOSED));
  }
}

/** Lowercase verbs, which the client reads several times per command. */
const lowered = new Map<string, string>();
const LOWERED_MAX = 512;

function toLower(verb: string): string {
  let name = lowered.get(verb);
  if (name !== undefined) return name;
  name = verb.toLowerCase();
  if (lowered.size < LOWERED_MAX) lowered.set(verb, name);
  return name;
}

/** Bytes of the memory that commands are encoded into, one behind the other. */
const ROOM_BYTES = 65_536;
/** Bytes before and after a word at most: `$`, nine digits, and two line ends. */
const BESIDE_WORD_BYTES = 16;
/** Words up to this length are copied here: a call of the runtime takes as long as about so many characters. */
const COPIED_CHARS_MAX = 16;

/** Never written over, because a socket may still hold what was encoded: when it is full, another takes its place. */
let room: Buffer = Buffer.allocUnsafeSlow(ROOM_BYTES);
let used = 0;

/** Bytes of this length are not copied: copying several megabytes into new memory takes several milliseconds for each. */
const APART_FROM_BYTES = 65_536;

/** Encodes a command in RESP: passes on the parts that come before the end, if there are any, and returns the end. */
export function toWire(words: Command, pass: (part: Uint8Array) => void): Buffer {
  let most = BESIDE_WORD_BYTES;
  // A character has at most three bytes.
  for (const word of words) most += BESIDE_WORD_BYTES + (typeof word === "string" ? 3 * word.length : word.length);
  if (most > ROOM_BYTES / 4) return toParts(words, pass);
  if (used + most > ROOM_BYTES) {
    room = Buffer.allocUnsafeSlow(ROOM_BYTES);
    used = 0;
  }
  const start = used;
  used = encode(words, room, start);
  return room.subarray(start, used);
}

/** A long command has memory of its own, of just its size without its long bytes, which are passed on as they are. */
function toParts(words: Command, pass: (part: Uint8Array) => void): Buffer {
  let size = BESIDE_WORD_BYTES;
  for (const word of words) size += BESIDE_WORD_BYTES + (isApart(word) ? 0 : Buffer.byteLength(word));
  const bytes = Buffer.allocUnsafeSlow(size);
  let [from, at] = [0, putNumber(bytes, 0, ARRAY, words.length)];
  for (const word of words) {
    if (isApart(word)) {
      at = putNumber(bytes, at, BULK, word.length);
      pass(bytes.subarray(from, at));
      pass(word);
      from = at;
    } else at = putWord(bytes, at, word);
    at = putLineEnd(bytes, at);
  }
  return bytes.subarray(from, at);
}

function isApart(word: Argument): word is Buffer {
  return typeof word !== "string" && word.length >= APART_FROM_BYTES;
}

/** Writes a command from a place on; returns where it ends. */
function encode(words: Command, into: Buffer, start: number): number {
  let at = putNumber(into, start, ARRAY, words.length);
  for (const word of words) at = putLineEnd(into, putWord(into, at, word));
  return at;
}

function putWord(into: Buffer, at: number, word: Argument): number {
  return typeof word === "string" ? putText(into, at, word) : putBytes(into, at, word);
}

const [ARRAY, BULK, ZERO, CR, LF] = [0x2a, 0x24, 0x30, 0x0d, 0x0a] as const;
const ASCII_MAX = 0x7f;

function putLineEnd(into: Buffer, at: number): number {
  into[at] = CR;
  into[at + 1] = LF;
  return at + 2;
}

/** Writes a mark, a number and a line end. */
function putNumber(into: Buffer, start: number, mark: number, number: number): number {
  let at = start;
  into[at] = mark;
  let unit = 1;
  while (unit * 10 <= number) unit *= 10;
  for (let left = number; unit >= 1; unit = Math.floor(unit / 10)) {
    const digit = Math.floor(left / unit);
    at += 1;
    into[at] = ZERO + digit;
    left -= digit * unit;
  }
  return putLineEnd(into, at + 1);
}

function putBytes(into: Buffer, at: number, word: Uint8Array): number {
  const start = putNumber(into, at, BULK, word.length);
  into.set(word, start);
  return start + word.length;
}

/** Nearly all text is ASCII, where a word has as many bytes as characters: other text is found out by writing it, and written again. */
function putText(into: Buffer, at: number, word: string): number {
  const { length } = word;
  const start = putNumber(into, at, BULK, length);
  if (length <= COPIED_CHARS_MAX) {
    let copied = 0;
    for (let code = 0; copied < length; copied += 1) {
      code = word.charCodeAt(copied);
      if (code > ASCII_MAX) break;
      into[start + copied] = code;
    }
    if (copied === length) return start + length;
  }
  const size = into.write(word, start, "utf8");
  if (size === length) return start + length;
  const again = putNumber(into, at, BULK, size);
  return again + into.write(word, again, "utf8");
}

/** Converts an answer whose bytes are text; a list is changed in its place. */
export function toTexts(reply: unknown): unknown {
  if (reply instanceof Buffer) return reply.toString("utf8");
  if (Array.isArray(reply)) {
    const list = reply as unknown[];
    for (let at = 0; at < list.length; at += 1) list[at] = toTexts(list[at]);
    return list;
  }
  if (typeof reply !== "object" || reply === null || reply instanceof Error) return reply;
  return Object.fromEntries(Object.entries(reply).map(([name, value]) => [name, toTexts(value)]));
}
