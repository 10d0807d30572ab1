import { MarrowError } from "../errors.ts";
import { concatInTurns } from "../internal/json-pieces.ts";
import { EVENT_CHARS_MAX, type ChatChunk, type ChatRequest, type ModelCall, type StreamPart } from "../models/index.ts";
import { wantsUsage } from "./replay.ts";

const CLOSE_OBJECT = 0x7d;
const FIELD = '"stream_options":{"include_usage":true}';

/** From this size on, the bytes of a request are put together in turns of the event loop. */
const LONG_BYTES = 262_144;

/**
 * Makes a streaming call end with its usage, even if the client did not request it, so that its cost is known and a stored answer has
 * counts. The client's bytes are reused if one field can be appended.
 */
export function askUsage(call: ModelCall): ModelCall | Promise<ModelCall> {
  const { request, body } = call;
  if (wantsUsage(request)) return call;
  const options = request["stream_options"] as Readonly<Record<string, unknown>> | null | undefined;
  const asked: ChatRequest = { ...request, stream_options: { ...options, include_usage: true } };
  if (body === undefined || Object.hasOwn(request, "stream_options"))
    return { ...call, request: asked, body: undefined };
  const end = body.lastIndexOf(CLOSE_OBJECT);
  const pieces = [body.subarray(0, end), Buffer.from(`,${FIELD}}`)];
  if (body.length < LONG_BYTES) return { ...call, request: asked, body: Buffer.concat(pieces) };
  return concatInTurns(pieces).then((bytes) => ({ ...call, request: asked, body: bytes }));
}

/** Most buffered bytes of one event; a character has up to three. */
const HELD_BYTES_MAX = 3 * EVENT_CHARS_MAX;
/** Buffered bytes from which an event's first comments are dropped: whoever reads the event later would read them all in one go. */
const COMMENT_BYTES_MAX = 65_536;

/**
 * Passes a stream's bytes on in whole events, so that an error after a broken stream is not appended to half an event. Most pieces end with
 * an event and pass unchanged. An event in many pieces is joined once: only new bytes are searched for its end.
 */
export function createEventHolder(): (part: StreamPart) => Uint8Array {
  let held: Buffer[] = [];
  let [heldBytes, seam, looksAt] = [0, NOTHING, COMMENT_BYTES_MAX];

  /** Drops the comments with which a long event begins. Looks at twice as much each time that none were whole. */
  function dropComments(): void {
    if (heldBytes < looksAt || held[0]?.[0] !== COMMENT) return;
    const all = Buffer.concat(held);
    const rest = all.subarray(endOfComments(all));
    looksAt = rest.length < all.length ? COMMENT_BYTES_MAX : 2 * all.length;
    [held, heldBytes] = [rest.length > 0 ? [rest] : [], rest.length];
  }

  function hold(piece: Buffer): Buffer {
    if (piece.length > 0) held.push(piece);
    heldBytes += piece.length;
    dropComments();
    if (heldBytes > HELD_BYTES_MAX)
      throw new MarrowError("model_failed", `an event of the model's stream is larger than ${HELD_BYTES_MAX} bytes`, {
        details: { status: 502 },
      });
    seam = piece.length < SEAM_BYTES ? Buffer.concat([seam, piece]).subarray(-SEAM_BYTES) : piece.subarray(-SEAM_BYTES);
    return NOTHING;
  }

  return ({ bytes, done }) => {
    const piece = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (held.length === 0 && (done || endsEvent(piece))) {
      seam = NOTHING;
      return piece;
    }
    const end = done ? piece.length : endOfEvents(seam, piece);
    if (end === 0 && !done) return hold(piece);
    const whole = piece.subarray(0, end);
    const all = held.length === 0 ? whole : Buffer.concat([...held, whole]);
    [held, heldBytes, seam, looksAt] = [[], 0, NOTHING, COMMENT_BYTES_MAX];
    hold(piece.subarray(end));
    return all;
  };
}

/**
 * Removes the event that contains only usage from a stream's bytes, for a client that did not request it. Other pieces pass unchanged;
 * bytes after the last whole event wait for its end.
 */
export function createUsageFilter(): (part: StreamPart) => Uint8Array {
  const hold = createEventHolder();
  return (part) => {
    const whole = hold(part);
    return part.grows === undefined && part.chunks.some(isUsageAlone)
      ? Buffer.from(withoutUsage(Buffer.from(whole).toString("utf8")))
      : whole;
  };
}

/** Returns true for a chunk that contains only usage. */
function isUsageAlone({ choices, usage }: ChatChunk): boolean {
  const isEmpty = choices === undefined || choices === null || (Array.isArray(choices) && choices.length === 0);
  return usage !== undefined && usage !== null && isEmpty;
}

/** Returns the end of the last whole event in a piece, 0 without one; `seam` is the end of the bytes before it. */
function endOfEvents(seam: Buffer, piece: Buffer): number {
  if (endsEvent(piece)) return piece.length;
  const inPiece = lastEnd(piece);
  if (inPiece > 0 || seam.length === 0) return inPiece;
  return Math.max(0, lastEnd(Buffer.concat([seam, piece.subarray(0, SEAM_BYTES)])) - seam.length);
}

/** Returns true if a piece ends with a blank line, as most do. */
function endsEvent(piece: Buffer): boolean {
  return piece.length > 1 && piece[piece.length - 1] === LF && piece[piece.length - 2] === LF;
}

/** Returns the end of the last blank line, 0 without one. */
function lastEnd(bytes: Buffer): number {
  // One pass from the end, from one line end to the one before it: most bytes of a large event are none.
  let [lf, cr] = [bytes.length, bytes.length];
  for (let at = bytes.length; at > 0;) {
    if (lf >= at) lf = bytes.lastIndexOf(LF, at - 1);
    if (cr >= at) cr = bytes.lastIndexOf(CR, at - 1);
    at = Math.max(lf, cr);
    const before = bytes[at - 1];
    if (
      bytes[at] === CR
        ? before === CR
        : bytes[at] === LF && (before === LF || (before === CR && endsLine(bytes, at - 2)))
    )
      return at + 1;
  }
  return 0;
}

/** Returns true if a CRLF ends at this place. */
function endsLine(bytes: Buffer, at: number): boolean {
  return at > 0 && bytes[at] === LF && bytes[at - 1] === CR;
}

/** Returns the end of the comment lines with which bytes begin, 0 without one. */
function endOfComments(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === COMMENT) {
    const end = bytes.indexOf(LF, at);
    if (end < 0) break;
    at = end + 1;
  }
  return at;
}

const [LF, CR, COMMENT] = [0x0a, 0x0d, 0x3a];
/** Bytes of a blank line that the previous piece may have begun. */
const SEAM_BYTES = 3;
const NOTHING: Buffer = Buffer.alloc(0);

function withoutUsage(text: string): string {
  // The blank lines that end events stay with them.
  const events = text.split(/(?<=\r?\n\r?\n)/);
  return events.filter((event) => !event.includes('"usage"') || !isUsageEvent(event)).join("");
}

function isUsageEvent(event: string): boolean {
  const data = event
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5))
    .join("\n");
  try {
    return isUsageAlone(JSON.parse(data) as ChatChunk);
  } catch {
    return false;
  }
}
