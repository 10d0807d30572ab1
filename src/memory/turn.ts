import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { createTimeSlice } from "../internal/time-slice.ts";
import { decodeRecord, encodeRecordBody } from "../redis/index.ts";
import type { Reply } from "../redis/index.ts";
import { toJson } from "./json.ts";

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
}

/** The newest turns of a session. */
export interface Window {
  /** Sequence number of the newest turn; 0 when nothing was said yet. */
  readonly version: number;
  /** Oldest first. Unless some were taken out, the last one has sequence number `version`. */
  readonly turns: readonly Turn[];
  /** Changes when turns that were there are no more: by `rewind`, by `remove`, or because the session began anew. Empty: no session. */
  readonly epoch: string;
}

/** A range of a session's turns. */
export interface Reading {
  readonly version: number;
  readonly epoch: string;
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

/** Checks a turn and makes its element of the log: its tokens, 0 when they are not counted, and its record. @throws MarrowError `invalid_input`, `too_large` */
export function toElement(turn: Turn, path: string, bytesMax: number, count: (turn: Turn) => number): Buffer {
  if (typeof turn !== "object" || turn === null || Array.isArray(turn))
    refuse(path, "an object", turn, "invalid_input");
  if (typeof turn.role !== "string" || turn.role === "") {
    refuse(`${path}.role`, "a non-empty string", turn.role, "invalid_input");
  }
  const body = toJson(path, turn, bytesMax);
  return Buffer.concat([Buffer.from(`${count(turn)}:`), encodeRecordBody(body)]);
}

/** Reads the reply of `read_turns`, in slices: turns may be large. @throws MarrowError `corrupt_record`, `newer_record` */
export async function toReading(reply: Reply): Promise<Reading> {
  const [version, epoch, oldest, summary, first, ...elements] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  if (typeof version !== "number" || typeof first !== "number" || typeof oldest !== "number") throw unexpected();
  const turns: Kept[] = [];
  const slice = createTimeSlice();
  for (const [at, element] of elements.entries()) {
    if (!Buffer.isBuffer(element)) throw unexpected();
    const record = element.subarray(element.indexOf(COLON) + 1);
    // A turn that was taken out leaves its place.
    if (record.length > 0) turns.push({ sequence: first + at, turn: decodeRecord(record) as Turn });
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  const kept = Buffer.isBuffer(summary) && summary.length > 0 ? (decodeRecord(summary) as Summary) : undefined;
  return { version, epoch: String(epoch), oldest, turns, ...(kept && { summary: kept }) };
}

function unexpected(): MarrowError {
  return new MarrowError("corrupt_record", "the session's script gave an unexpected answer");
}
