import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { LARGE_JSON_CHARS, sizeOf, toJsonBytes } from "../internal/json-pieces.ts";
import { createTimeSlice } from "../internal/time-slice.ts";
import { encodeLargeRecordBody, encodeRecordBody, readRecord, type Reply, type Unreadable } from "../redis/index.ts";
import { checkJsonBytes, toJson } from "./json.ts";

/** Turns in one append. */
export const APPEND_MAX = 1_000;

/**
 * One turn of a conversation, in the form of OpenAI's chat messages: `role` and whatever that role carries (content,
 * tool calls, a tool call's id, a name, metadata, attachments by reference). Kept as given; must be JSON.
 */
export interface Turn {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

/** A turn with its place in its session. */
export interface Kept {
  /** Counted from 1; never given to another turn, unless the session is rewound. */
  readonly sequence: number;
  readonly turn: Turn;
  /** True of a question whose answer is still to come, or was lost with the process that waited for it. */
  readonly incomplete?: true | undefined;
  /** In what `read` gives: why it cannot be read; its role is `unreadable` then, and it can be removed. */
  readonly unreadable?: Unreadable | undefined;
}

/** The newest turns of a session; questions without their answer are not among them. */
export interface Window {
  /** Sequence number of the newest turn; 0 when nothing was said yet. */
  readonly version: number;
  /** Oldest first. Unless some were taken out or are incomplete, the last one has sequence number `version`. */
  readonly turns: readonly Turn[];
  /**
   * Changes when what stands up to `version` does: by `rewind`, by `remove`, by an answer that takes its place behind its question, or because
   * the session began anew. Empty: no session.
   */
  readonly epoch: string;
  /** When the session began, in milliseconds since 1970; `undefined`: no session. What is appended with it goes to no later one of its id. */
  readonly createdAtMs: number | undefined;
}

/** A range of a session's turns. */
export interface Reading {
  readonly version: number;
  readonly epoch: string;
  /** As in {@link Window}. */
  readonly createdAtMs: number | undefined;
  /** Sequence number of the oldest turn that is kept; older ones were trimmed. */
  readonly oldest: number;
  /** Oldest first. */
  readonly turns: readonly Kept[];
  /** What older turns came to, as it was kept with `summarize`. */
  readonly summary?: Summary | undefined;
}

/** What the turns up to one came to. */
export interface Summary {
  readonly text: string;
  /** Sequence number of the last turn that it sums up. */
  readonly to: number;
}

const COLON = 0x3a;
const TILDE = 0x7e;

/** One turn or many as a list. @throws MarrowError `invalid_input` */
export function checkTurns(turns: Turn | readonly Turn[]): readonly Turn[] {
  const list = (Array.isArray(turns) ? turns : [turns]) as readonly Turn[];
  if (list.length < 1 || list.length > APPEND_MAX) refuse("turns", `1 to ${APPEND_MAX} turns`, turns, "invalid_input");
  return list;
}

/** The elements of turns as {@link toElement} makes them: at once, or in slices where that takes long. */
export function toElements(
  turns: readonly Turn[],
  bytesMax: number,
  count: (turn: Turn) => number,
): Buffer[] | Promise<Buffer[]> {
  const slice = createTimeSlice();
  const elements: Buffer[] = [];
  function goOn(): Buffer[] | Promise<Buffer[]> {
    while (elements.length < turns.length) {
      const at = elements.length;
      const element = toElement(turns[at] as Turn, `turns[${at}]`, bytesMax, count);
      if (element instanceof Promise)
        return element.then((made) => {
          elements.push(made);
          return goOn();
        });
      elements.push(element);
      const rest = slice();
      if (rest !== undefined) return rest.then(goOn);
    }
    return elements;
  }
  return goOn();
}

/**
 * Checks a turn and makes its element of the log: its tokens, 0 when they are not counted, and its record; that of a large one beside the
 * event loop. @throws MarrowError `invalid_input`, `too_large`
 */
export function toElement(
  turn: Turn,
  path: string,
  bytesMax: number,
  count: (turn: Turn) => number,
): Buffer | Promise<Buffer> {
  if (typeof turn !== "object" || turn === null || Array.isArray(turn))
    refuse(path, "an object", turn, "invalid_input");
  if (typeof turn.role !== "string" || turn.role === "") {
    refuse(`${path}.role`, "a non-empty string", turn.role, "invalid_input");
  }
  const head = () => Buffer.from(`${count(turn)}:`);
  if (isLarge(turn)) return toLargeRecord(path, turn, bytesMax).then((record) => Buffer.concat([head(), record]));
  return Buffer.concat([head(), encodeRecordBody(toJson(path, turn, bytesMax))]);
}

function isLarge(turn: Turn): boolean {
  try {
    return sizeOf(turn) >= LARGE_JSON_CHARS;
  } catch {
    // A cycle is no JSON: what reads it says so.
    return false;
  }
}

/** The record of a large turn, written in turns of the event loop and compressed beside it. */
async function toLargeRecord(path: string, turn: Turn, bytesMax: number): Promise<Buffer> {
  const body = await Promise.resolve(toJsonBytes(turn)).catch(() => toJson(path, turn, bytesMax));
  checkJsonBytes(path, body, bytesMax);
  return encodeLargeRecordBody(body);
}

/** An element as that of a question that waits for its answer: `~` behind its tokens. */
export function toOpenElement(element: Buffer): Buffer {
  const at = element.indexOf(COLON);
  return Buffer.concat([element.subarray(0, at), Buffer.from("~"), element.subarray(at)]);
}

/** Whether a reply is one of the scripts that put turns: a status, a version, and two texts. */
export function isVersioned(reply: Reply): boolean {
  if (!Array.isArray(reply)) return false;
  const [status, version, epoch, last] = reply as readonly Reply[];
  return (
    typeof status === "number" && typeof version === "number" && typeof epoch === "string" && typeof last === "string"
  );
}

/** Whether a reply is one of the script `read_turns`, in bytes. */
export function isReading(reply: Reply): boolean {
  if (!Array.isArray(reply) || reply.length < 6) return false;
  const [version, , oldest, , first] = reply as readonly Reply[];
  if (typeof version !== "number" || typeof first !== "number" || typeof oldest !== "number") return false;
  for (let at = 6; at < reply.length; at += 1) if (!Buffer.isBuffer(reply[at])) return false;
  return true;
}

/** Reads the reply of `read_turns`, in slices: turns may be large. A turn that cannot be read is named. @throws MarrowError `corrupt_record` */
export async function toReading(reply: Reply): Promise<Reading> {
  const [version, epoch, oldest, summary, first, created, ...elements] = Array.isArray(reply)
    ? (reply as readonly Reply[])
    : [];
  if (typeof version !== "number" || typeof first !== "number" || typeof oldest !== "number") throw unexpected();
  const turns: Kept[] = [];
  const slice = createTimeSlice();
  for (const [at, element] of elements.entries()) {
    if (!Buffer.isBuffer(element)) throw unexpected();
    const colon = element.indexOf(COLON);
    const record = element.subarray(colon + 1);
    const open = element[colon - 1] === TILDE && { incomplete: true as const };
    // A turn that was taken out leaves its place, and an answer that is still to come has one.
    if (record.length > 0) turns.push({ sequence: first + at, ...toTurn(record), ...open });
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  const read = Buffer.isBuffer(summary) && summary.length > 0 ? readRecord(summary) : undefined;
  // A summary that cannot be read is made again from the turns.
  const kept = read === undefined || read.unreadable !== undefined ? undefined : (read.value as Summary);
  const createdAtMs = Number(String(created)) || undefined;
  return { version, epoch: String(epoch), createdAtMs, oldest, turns, ...(kept && { summary: kept }) };
}

function toTurn(record: Buffer): Pick<Kept, "turn" | "unreadable"> {
  const read = readRecord(record);
  if (read.unreadable !== undefined) return { turn: { role: "unreadable" }, unreadable: read.unreadable };
  return { turn: read.value as Turn };
}

/** What is thrown where a turn that cannot be read would be missed. */
export function unreadableTurn({ sequence, unreadable = "corrupt_record" }: Kept): MarrowError {
  return new MarrowError(unreadable, `turn ${sequence} of the session cannot be read`, { details: { sequence } });
}

function unexpected(): MarrowError {
  return new MarrowError("corrupt_record", "the session's script returned an unexpected reply");
}
