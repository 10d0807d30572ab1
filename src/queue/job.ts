import { randomBytes } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { decodeRecord, toFields, type Reply } from "../redis/index.ts";

/**
 * Where a job is. `blocked` (others must be done first), `waiting`, `delayed`, `running` and `cancelling` (told to stop, not stopped yet) go on; `done`, `dead` (failed, crashed or
 * refused for good) and `cancelled` are the end.
 */
export type JobState = "blocked" | "waiting" | "delayed" | "running" | "cancelling" | "done" | "dead" | "cancelled";

/** A job as its queue tells of it. */
export interface Job<T = unknown, R = unknown> {
  readonly id: string;
  readonly state: JobState;
  readonly createdAtMs: number;
  readonly endedAtMs: number | undefined;
  /** What was asked; absent once something came of it. */
  readonly payload: T | undefined;
  /** What came of it; of a cancelled job what there was of it. */
  readonly result: R | undefined;
  /** Why it is dead, is tried again or was cancelled: an error's code, `crashed`, `cancelled`, `dependency`, `expired`. Of one that is done: another word than completed. */
  readonly reason: string | undefined;
  readonly attemptsLeft: number;
  readonly crashesLeft: number;
}

const ENDED: ReadonlySet<string> = new Set(["done", "dead", "cancelled"]);

/** Whether a job will not change any more. */
export function isEnded(state: string): boolean {
  return ENDED.has(state);
}

const ID_BYTES = 12;
/** Random bytes for the next ids: one draw for many. */
let pool = Buffer.alloc(0);

/** An id for a new job. */
export function newJobId(): string {
  if (pool.length < ID_BYTES) pool = randomBytes(ID_BYTES * 256);
  const id = pool.toString("base64url", 0, ID_BYTES);
  pool = pool.subarray(ID_BYTES);
  return id;
}

/** What is thrown for an id that no job has, or another tenant's. */
export function noJob(): MarrowError {
  return new MarrowError("not_found", "there is no job of this id", { details: { path: "id" } });
}

/** Reads the fields of a job's hash, what it was asked and what came of it; `undefined` when there is none, or it is another tenant's. */
export function toJob<T, R>(
  id: string,
  tenant: string,
  fields: readonly Reply[],
  asked: Reply,
  came: Reply,
): Job<T, R> | undefined {
  const stored = toFields(fields as readonly Buffer[]);
  const text = (name: string) => stored.get(name)?.toString("utf8");
  if (text("tenant") !== tenant) return undefined;
  const body = (bytes: Reply) => (Buffer.isBuffer(bytes) ? decodeRecord(bytes) : undefined);
  const ended = text("ended");
  const state = text("state");
  if (state === undefined) throw new MarrowError("corrupt_record", "a stored job has no state");
  const reason = text("reason");
  return {
    id,
    state: state as JobState,
    createdAtMs: Number(text("made")),
    endedAtMs: ended === undefined ? undefined : Number(ended),
    payload: body(asked) as T | undefined,
    result: body(came) as R | undefined,
    reason: reason === "" ? undefined : reason,
    attemptsLeft: Number(text("left")),
    crashesLeft: Number(text("lives")),
  };
}
