import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { decodeRecord, encodeRecordBody } from "../redis/index.ts";
import type { Reply } from "../redis/index.ts";

/**
 * One turn of a conversation, in the form of OpenAI's chat messages: `role` and whatever that role carries (content,
 * tool calls, a tool call's id, a name). Kept as given; must be JSON.
 */
export interface Turn {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

/** The newest turns of a session. */
export interface Window {
  /** Sequence number of the newest turn; 0 when the session does not exist. */
  readonly version: number;
  /** Oldest first. The last one has sequence number `version`. */
  readonly turns: readonly Turn[];
}

/** Checks a turn and makes its record. @throws MarrowError `invalid_input`, `too_large` */
export function toTurnRecord(turn: Turn, path: string, bytesMax: number): Buffer {
  if (typeof turn !== "object" || turn === null || Array.isArray(turn))
    refuse(path, "an object", turn, "invalid_input");
  if (typeof turn.role !== "string" || turn.role === "") {
    refuse(`${path}.role`, "a non-empty string", turn.role, "invalid_input");
  }
  let body: Buffer;
  try {
    body = Buffer.from(JSON.stringify(turn));
  } catch (cause) {
    throw new MarrowError("invalid_input", `${path} must be JSON`, { cause, details: { path } });
  }
  const bytes = body.length;
  if (bytes > bytesMax) {
    throw new MarrowError("too_large", `${path} has ${bytes} bytes, at most ${bytesMax} are allowed`, {
      details: { path, bytes, bytesMax },
    });
  }
  return encodeRecordBody(body);
}

/** Reads the reply of `read_turns`. @throws MarrowError `corrupt_record`, `newer_record` */
export function toWindow(reply: Reply): Window {
  const [version, ...records] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  if (typeof version !== "number" || !records.every((record) => Buffer.isBuffer(record))) {
    throw new MarrowError("corrupt_record", "the session's script gave an unexpected answer");
  }
  return { version, turns: records.map((record) => decodeRecord(record) as Turn) };
}
