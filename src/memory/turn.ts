import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { isObject } from "../internal/fields.ts";
import { concatInTurns, LARGE_JSON_CHARS, sizeOf, toJsonBytes } from "../internal/json-pieces.ts";
import type { KeepsPieces } from "../internal/lifted-texts.ts";
import { createTimeSlice } from "../internal/time-slice.ts";
import {
  decodeRecordInTurns,
  encodeLargeRecordBody,
  encodeRecordBody,
  readRecord,
  unreadableOf,
  type Reply,
  type Unreadable,
} from "../redis/index.ts";
import { checkJsonBytes, toJson } from "./json.ts";

/** Turns in one append. */
export const APPEND_MAX = 1_000;

/**
 * One turn of a conversation, in the form of OpenAI's chat messages: `role` and its fields (content, tool calls, a tool call's id, a name,
 * metadata, attachments by reference). Stored unchanged; must be JSON.
 */
export interface Turn {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

/** A turn with its sequence number. */
export interface Kept {
  /** Counted from 1. A number is only reused after a rewind. */
  readonly sequence: number;
  readonly turn: Turn;
  /** True for a question without an answer, because the answer is pending or its process died. */
  readonly incomplete?: true | undefined;
  /** In results of `read`: why the turn cannot be read. Its role is then `unreadable`, and it can be removed. */
  readonly unreadable?: Unreadable | undefined;
}

/** The newest turns of a session, without unanswered questions. */
export interface Window {
  /** Sequence number of the newest turn; 0 without turns. */
  readonly version: number;
  /** Oldest first. The last one has sequence number `version`, unless turns were removed or are incomplete. */
  readonly turns: readonly Turn[];
  /**
   * Changes if turns up to `version` change: by `rewind`, by `remove`, by an answer inserted after its question, or because a new session
   * began. Empty without a session.
   */
  readonly epoch: string;
  /**
   * Start time of the session, in milliseconds since 1970; `undefined` without a session. Pass it to `append` so that no later session with
   * the same id gets the turns.
   */
  readonly createdAtMs: number | undefined;
}

/** A range of a session's turns. */
export interface Reading {
  readonly version: number;
  readonly epoch: string;
  /** See {@link Window}. */
  readonly createdAtMs: number | undefined;
  /** Sequence number of the oldest stored turn; older ones were trimmed. */
  readonly oldest: number;
  /** Oldest first. */
  readonly turns: readonly Kept[];
  /** Summary of older turns, made by `summarize`. */
  readonly summary?: Summary | undefined;
}

/** Summary of the turns up to a sequence number. */
export interface Summary {
  readonly text: string;
  /** Sequence number of the last summarized turn. */
  readonly to: number;
}

const COLON = 0x3a;
const TILDE = 0x7e;

/** Returns one or many turns as a list. @throws MarrowError `invalid_input` */
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
  if (isLarge(turn)) return toLargeRecord(path, turn, bytesMax).then((record) => concatInTurns([head(), record]));
  const record = encodeRecordBody(toJson(path, turn, bytesMax));
  return Buffer.concat([head(), record]);
}

function isLarge(turn: Turn): boolean {
  try {
    return sizeOf(turn) >= LARGE_JSON_CHARS;
  } catch {
    // A cycle is not JSON; the encoder reports it.
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
export function toOpenElement(element: Buffer): Promise<Buffer> {
  const at = element.indexOf(COLON);
  return concatInTurns([element.subarray(0, at), Buffer.from("~"), element.subarray(at)]);
}

/**
 * Parses the reply of `read_turns` in slices, because turns may be large; `keepsPieces` says which long texts of theirs are a `LongText`. The error names the unreadable turn. @throws MarrowError
 * `corrupt_record`
 */
export async function toReading(reply: Reply, keepsPieces?: KeepsPieces): Promise<Reading> {
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
    if (record.length > 0) {
      const read = toTurn(record, keepsPieces);
      turns.push({ sequence: first + at, ...(read instanceof Promise ? await read : read), ...open });
    }
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  const read = Buffer.isBuffer(summary) && summary.length > 0 ? readRecord(summary) : undefined;
  // An unreadable summary is made again from the turns.
  const kept = read?.unreadable === undefined && isSummary(read?.value) ? read.value : undefined;
  const createdAtMs = Number(String(created)) || undefined;
  return { version, epoch: String(epoch), createdAtMs, oldest, turns, ...(kept && { summary: kept }) };
}

/** The turn of a record: of a large one, in turns of the event loop. */
function toTurn(record: Buffer, keepsPieces: KeepsPieces | undefined): ReadTurn | Promise<ReadTurn> {
  try {
    const value = decodeRecordInTurns(record, { keepsPieces });
    return value instanceof Promise ? value.then(checkedTurn).catch(lostTurn) : checkedTurn(value);
  } catch (error) {
    return lostTurn(error);
  }
}

type ReadTurn = Pick<Kept, "turn" | "unreadable">;

function checkedTurn(value: unknown): ReadTurn {
  return isTurn(value) ? { turn: value } : { turn: { role: "unreadable" }, unreadable: "corrupt_record" };
}

function lostTurn(error: unknown): ReadTurn {
  return { turn: { role: "unreadable" }, unreadable: unreadableOf(error) };
}

function isTurn(value: unknown): value is Turn {
  return isObject(value) && typeof value["role"] === "string";
}

function isSummary(value: unknown): value is Summary {
  return isObject(value) && typeof value["text"] === "string" && typeof value["to"] === "number";
}

/** Builds the error for an unreadable turn that must not be skipped. */
export function unreadableTurn({ sequence, unreadable = "corrupt_record" }: Kept): MarrowError {
  return new MarrowError(unreadable, `turn ${sequence} of the session cannot be read`, { details: { sequence } });
}

function unexpected(): MarrowError {
  return new MarrowError("corrupt_record", "the session's script returned an unexpected reply");
}
