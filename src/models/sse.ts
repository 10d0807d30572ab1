import { StringDecoder } from "node:string_decoder";
import { LongText } from "../internal/long-text.ts";
import { overBound } from "./failures.ts";

/** The data of one event. What has {@link LONG_CHARS} characters or more stays in pieces. */
export type EventData = string | LongText;

/** Reads the data of server-sent events from pieces cut anywhere. */
export interface EventReader {
  /** Takes a piece and returns the data of the events that ended in it. */
  read(piece: Uint8Array): EventData[];
  /** Decodes the text of a piece, to inspect it before `readText`. Call it once per piece. */
  decode(piece: Uint8Array): string;
  /** The same as `read`, for a decoded piece. */
  readText(text: string): EventData[];
  /** Returns true if the data so far ends with a whole event, so that the next piece begins one. */
  isBetweenEvents(): boolean;
  /** Returns the bytes of line ends after this event in the last piece, which gives its end position however the piece is encoded. */
  lineEndsAfter(event: number): number;
  /** Returns the data of an event that the stream ended in, before its last line end; `undefined` without one. */
  end(): EventData | undefined;
}

/** Longest readable event, in characters; a longer one is an error. */
export const EVENT_CHARS_MAX: number = 16 * 1024 * 1024;
/** From this size on the data of an event stays in pieces, of about so many characters. */
export const LONG_CHARS = 131_072;
const PIECE_CHARS = 16_384;

/**
 * Makes a reader of server-sent events: LF, CRLF or CR line ends, several `data` lines in one event; comments, other fields and a byte
 * order mark are skipped. UTF-8 characters may be cut anywhere. A line of markup or JSON without a field name is an error, because skipping
 * it would lose a message.
 * @source https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventReader(): EventReader {
  const decoder = new StringDecoder("utf8");
  /** Pieces of an incomplete line. They contain no line end, but the last one may end in a CR that may be half of a CRLF. */
  let open: string[] = [];
  let openChars = 0;
  let endsInCr = false;
  let data: EventData | undefined;
  let isFirst = true;
  /** Bytes of line ends in the last piece: up to the end of each event, and in total. */
  let [ends, lineEnds]: [number[], number] = [[], 0];

  function keep(piece: string): void {
    const last = open.length - 1;
    // Tiny pieces are joined, or one event would have a million of them.
    if (last >= 0 && (open[last] as string).length + piece.length <= PIECE_CHARS) open[last] += piece;
    else if (piece !== "") open.push(piece);
    openChars += piece.length;
    endsInCr = piece.endsWith("\r");
    if (openChars + (data?.length ?? 0) > EVENT_CHARS_MAX)
      throw overBound(`an event of its stream has over ${EVENT_CHARS_MAX} characters`);
  }

  const reader: EventReader = {
    read: (piece) => reader.readText(reader.decode(piece)),

    decode(piece) {
      const come = decoder.write(piece);
      if (!isFirst || come === "") return come;
      isFirst = false;
      return come.charCodeAt(0) === 0xfeff ? come.slice(1) : come;
    },

    isBetweenEvents: () => open.length === 0 && data === undefined && !endsInCr,

    readText(come) {
      const events: EventData[] = [];
      [ends, lineEnds] = [[], 0];
      // A line that comes in many pieces is put together once, when it ends: no character is looked at again for each piece.
      if (!endsInCr && !come.includes("\n") && !come.includes("\r")) {
        keep(come);
        return events;
      }
      /** Pieces before the end of a long line. */
      let before: readonly string[] = openChars < LONG_CHARS ? NONE : withoutCr(open);
      const text =
        before !== NONE ? (endsInCr ? `\r${come}` : come) : open.length === 0 ? come : [...open, come].join("");
      [open, openChars] = [[], 0];
      let start = 0;
      // One search a line: a regular expression for all three ends takes several times as long, once for each piece of each stream.
      let cr = text.indexOf("\r");
      for (let lf = text.indexOf("\n"); lf !== -1 || cr !== -1;) {
        const isCr = cr !== -1 && (lf === -1 || cr < lf);
        if (isCr && cr === text.length - 1) break;
        const end = isCr ? cr : lf;
        const line = text.slice(start, end);
        const length = isCr && lf === cr + 1 ? 2 : 1;
        start = end + length;
        lineEnds += length;
        if (isCr) cr = text.indexOf("\r", start);
        if (lf !== -1 && lf < start) lf = text.indexOf("\n", start);
        if (before !== NONE) {
          const pieces = [...before, line];
          checkLine(pieces[0] as string);
          data = withLine(data, valueOf(pieces));
          before = NONE;
        } else if (line === "") {
          if (data !== undefined) {
            events.push(data);
            ends.push(lineEnds);
          }
          data = undefined;
        } else if (line.startsWith("data:"))
          data = withLine(data, line.length < LONG_CHARS ? toValue(line) : toData([toValue(line)]));
        else checkLine(line);
      }
      for (const piece of before) keep(piece);
      keep(text.slice(start));
      if (endsInCr) lineEnds += 1;
      return events;
    },

    lineEndsAfter: (event) => lineEnds - (ends[event] ?? lineEnds),

    end() {
      const last = withLine(data, open.length === 0 ? undefined : valueOf(withoutCr(open)));
      [open, openChars, data] = [[], 0, undefined];
      return last;
    },
  };
  return reader;
}

const [OPEN_OBJECT, LESS_THAN] = [0x7b, 0x3c];
const NONE: readonly string[] = [];
const FIELD = "data: ";

/** The value of a line that begins with the name of the field. */
function toValue(line: string): string {
  return line.slice(line.charCodeAt(5) === 32 ? 6 : 5);
}

/** @throws for a line that is no field, by its beginning */
function checkLine(line: string): void {
  if (line.charCodeAt(0) === OPEN_OBJECT || line.charCodeAt(0) === LESS_THAN)
    throw new Error("a line of the stream is no field of an event");
}

/** Returns the value of a `data` line in pieces, as one text if it is short; `undefined` for another line. */
function valueOf(pieces: readonly string[]): EventData | undefined {
  const all = [...pieces];
  let first = "";
  while (first.length < FIELD.length && all.length > 0) first += all.shift() as string;
  if (!first.startsWith("data:")) return undefined;
  return toData([toValue(first), ...all]);
}

function toData(pieces: readonly string[]): EventData {
  const long = new LongText(pieces);
  return long.length < LONG_CHARS ? pieces.join("") : long;
}

/** Appends a line to the data of an event. */
function withLine(data: EventData | undefined, line: EventData | undefined): EventData | undefined {
  if (data === undefined || line === undefined) return line ?? data;
  if (typeof data === "string" && typeof line === "string" && data.length + line.length < LONG_CHARS)
    return `${data}\n${line}`;
  return toData([...piecesOf(data), "\n", ...piecesOf(line)]);
}

function piecesOf(data: EventData): readonly string[] {
  return typeof data === "string" ? [data] : data.pieces;
}

function withoutCr(pieces: readonly string[]): readonly string[] {
  const last = pieces.at(-1) ?? "";
  return last.endsWith("\r") ? [...pieces.slice(0, -1), last.slice(0, -1)] : pieces;
}

/**
 * Returns the part of a piece up to the line end that has this many bytes of line ends after it. Empty if that is in the previous piece.
 */
export function upToLineEnd(piece: Buffer, lineEnds: number): Buffer {
  let [at, left] = [piece.length, lineEnds];
  for (; at > 0; at -= 1) {
    const byte = piece[at - 1];
    if (byte !== LF && byte !== CR) continue;
    if (left === 0) break;
    left -= 1;
  }
  return piece.subarray(0, at);
}

const [LF, CR] = [0x0a, 0x0d];

/** Encodes one event for the wire. */
export function toEvent(data: string): string {
  return `data: ${data}\n\n`;
}
