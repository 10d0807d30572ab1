import { LongText } from "../../internal/long-text.ts";
import { isLarge, jsonTextsInTurns } from "../../internal/json-pieces.ts";
import type { Work } from "../../queue/index.ts";
import type { ResponseEvent } from "./shape.ts";

/** Characters of each part of a longer event, about: it is made and stored part by part, so that none of it is in memory twice. */
const PART_CHARS = 1_048_576;
/** Begins each part of a longer event but the last. No JSON begins so. */
const MORE = "+";

/** Yields the text of an event as the parts in which it is stored: one, unless it is long. Each is made in turns of the event loop once it is asked for. */
export async function* toParts(event: ResponseEvent): AsyncGenerator<string | LongText> {
  let pieces: string[] = [];
  let chars = 0;
  for await (const piece of jsonTextsInTurns(event)) {
    if (chars >= PART_CHARS) {
      yield new LongText([MORE, ...pieces]);
      [pieces, chars] = [[], 0];
    }
    pieces.push(piece);
    chars += piece.length;
  }
  yield new LongText(pieces);
}

/** Writes an event as parts of a job's output, no faster than they are stored. Returns its characters. */
export async function writeEvent({ write, room }: Pick<Work, "write" | "room">, event: ResponseEvent): Promise<number> {
  if (!isLarge(event)) {
    const text = JSON.stringify(event);
    write(text);
    await room();
    return text.length;
  }
  let chars = 0;
  for await (const part of toParts(event)) {
    chars += part.length;
    write(part);
    await room();
  }
  return chars;
}

/** A stored event, as it is sent again. */
export class StoredEvent {
  readonly number: number;
  readonly #pieces: readonly string[];

  constructor(pieces: readonly string[], number: number) {
    this.number = number;
    this.#pieces = pieces;
  }

  /** Yields the text of a server-sent event, in pieces, with the event's number. */
  *toTexts(): Generator<string> {
    const [first = "", ...rest] = this.#pieces;
    const [head = "", type = ""] = HEAD.exec(first) ?? [];
    yield `event: ${type}\ndata: ${head},"sequence_number":${this.number}${first.slice(head.length)}`;
    yield* rest;
    yield "\n\n";
  }
}

/** The type of an event, which is its first field. */
const HEAD = /^\{"type":"([\w.]{1,128})"/;

/** Puts the parts of events together again. */
export interface PartsReader {
  /** Returns the pieces of an event with its last part, otherwise `undefined`. */
  add(part: string): readonly string[] | undefined;
  /** Forgets an event that came in part. */
  clear(): void;
}

/** Makes a reader of what {@link toParts} returned. */
export function createPartsReader(): PartsReader {
  let pieces: string[] = [];
  return {
    add(part) {
      const isLast = !part.startsWith(MORE);
      pieces.push(isLast ? part : part.slice(MORE.length));
      if (!isLast) return undefined;
      const whole = pieces;
      pieces = [];
      return whole;
    },
    clear: () => void (pieces = []),
  };
}
