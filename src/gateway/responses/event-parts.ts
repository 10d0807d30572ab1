import { LongText } from "../../internal/long-text.ts";
import { endOfCharacter } from "../../internal/whole-character.ts";

/** Longest event that is stored in one part of a job's output, in characters: a part may have no more. */
const EVENT_CHARS_MAX = 8_388_608;
/** Characters of each part of a longer event, about. */
const PART_CHARS = 1_048_576;
/** Begins each part of a longer event but the last. No JSON begins so. */
const MORE = "+";

/** Returns the text of an event as the parts in which it is stored: one, unless it is longer than a part may be. */
export function toParts(event: string | LongText): readonly (string | LongText)[] {
  if (event.length <= EVENT_CHARS_MAX) return [event];
  const parts = typeof event === "string" ? cut(event) : grouped(event);
  return parts.map((part, at) => (at < parts.length - 1 ? new LongText([MORE, ...part.pieces]) : part));
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

function cut(text: string): LongText[] {
  const parts: LongText[] = [];
  for (let from = 0; from < text.length;) {
    const end = endOfCharacter(text, Math.min(text.length, from + PART_CHARS));
    parts.push(new LongText([text.slice(from, end)]));
    from = end;
  }
  return parts;
}

/** Whoever cut the text into pieces cut no character. */
function grouped({ pieces }: LongText): LongText[] {
  const parts: LongText[] = [];
  let some: string[] = [];
  let chars = 0;
  for (const piece of pieces) {
    some.push(piece);
    chars += piece.length;
    if (chars < PART_CHARS) continue;
    parts.push(new LongText(some));
    [some, chars] = [[], 0];
  }
  if (some.length > 0) parts.push(new LongText(some));
  return parts;
}
