import type { Command } from "./connection.ts";
import type { Answered } from "./driver.ts";

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
 * measures every argument, which is a tenth of the cost of a gateway request. This class has only what the queue needs, and calls back.
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

  toWritable(): string | Buffer {
    return toWire(this.#words);
  }

  resolve(reply: unknown): void {
    this.#answered(undefined, this.#bytes ? reply : toTexts(reply));
  }

  reject(error: unknown): void {
    this.#answered(error ?? new Error("the client gave up a command"), undefined);
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

/** Encodes a command in RESP: text if all arguments are text, else bytes. */
export function toWire(words: Command): string | Buffer {
  // Nearly all text is ASCII, where a word has as many bytes as characters: the whole is measured once in place of each word.
  const guessed = joined(words, (word) => word.length);
  const pieces = guessed.every(isAsciiOrBytes) ? guessed : joined(words, (word) => Buffer.byteLength(word));
  const [first] = pieces;
  return pieces.length === 1 && typeof first === "string" ? first : together(pieces);
}

/** A command's lines as few long texts, with the words that are bytes between them. */
function joined(words: Command, bytesOf: (word: string) => number): (string | Uint8Array)[] {
  const pieces: (string | Uint8Array)[] = [];
  let text = `*${words.length}\r\n`;
  for (const word of words) {
    if (typeof word === "string") text += `$${bytesOf(word)}\r\n${word}\r\n`;
    else {
      pieces.push(`${text}$${word.length}\r\n`, word);
      text = "\r\n";
    }
  }
  pieces.push(text);
  return pieces;
}

function isAsciiOrBytes(piece: string | Uint8Array): boolean {
  return typeof piece !== "string" || Buffer.byteLength(piece) === piece.length;
}

function together(pieces: readonly (string | Uint8Array)[]): Buffer {
  let size = 0;
  for (const piece of pieces) size += typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") at += bytes.write(piece, at, "utf8");
    else {
      bytes.set(piece, at);
      at += piece.length;
    }
  }
  return bytes;
}

/** An answer whose bytes are text; a list is changed in its place. */
function toTexts(reply: unknown): unknown {
  if (reply instanceof Buffer) return reply.toString("utf8");
  if (Array.isArray(reply)) {
    const list = reply as unknown[];
    for (let at = 0; at < list.length; at += 1) list[at] = toTexts(list[at]);
    return list;
  }
  if (typeof reply !== "object" || reply === null || reply instanceof Error) return reply;
  return Object.fromEntries(Object.entries(reply).map(([name, value]) => [name, toTexts(value)]));
}
