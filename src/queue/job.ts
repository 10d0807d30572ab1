import { randomBytes } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { decodeRecord, decodeRecordInTurns, unreadableOf, type Reply, type Unreadable } from "../redis/index.ts";

/**
 * State of a job.
 *
 * - Unfinished: `blocked` (dependencies are not done), `waiting`, `delayed`, `suspended` (waits for a signal), `running`, `cancelling`
 * (signalled to stop, still running).
 * - Finished: `done`, `dead` (failed, crashed or refused for good), `cancelled`.
 * - `unreadable`: only in lists, for a job whose data cannot be read.
 */
export type JobState =
  | "blocked"
  | "waiting"
  | "delayed"
  | "suspended"
  | "running"
  | "cancelling"
  | "done"
  | "dead"
  | "cancelled"
  | "unreadable";

/** A job and its current state. */
export interface Job<T = unknown, R = unknown> {
  readonly id: string;
  readonly state: JobState;
  readonly createdAtMs: number;
  readonly endedAtMs: number | undefined;
  /** The payload; absent once there is a result. */
  readonly payload: T | undefined;
  /** The result; for a cancelled job the partial result. */
  readonly result: R | undefined;
  /**
   * Reason for the state of a dead, retried or cancelled job: an error's code, `crashed`, `cancelled`, `dependency`, `expired`. For a done
   * job: the word of `conclude`.
   */
  readonly reason: string | undefined;
  readonly attemptsLeft: number;
  readonly crashesLeft: number;
  /** The progress last reported by the handler, kept for a day. */
  readonly progress: unknown;
  /** The last 10 failed or crashed attempts, latest last. */
  readonly failures: readonly JobFailure[];
  /** In lists: why the missing fields cannot be read. Reading the job alone throws an error of this code. */
  readonly unreadable?: Unreadable | undefined;
}

/** Failure of one attempt at a job. */
export interface JobFailure {
  /** By the server's clock, in ms since 1970. */
  readonly atMs: number;
  /** An error's code; `failed` for an error that is not a `MarrowError`, `crashed` for a worker that died. */
  readonly reason: string;
  /** The error's message in one line of at most 500 characters with secrets masked; may be empty. */
  readonly message: string;
}

const ENDED: ReadonlySet<string> = new Set(["done", "dead", "cancelled"]);

/** Returns true for a final state. */
export function isEnded(state: string): boolean {
  return ENDED.has(state);
}

const ID_BYTES = 12;
/** The next ids: one draw for many. */
let ids: string[] = [];

/** Makes an id for a new job. */
export function newJobId(): string {
  if (ids.length === 0) {
    const bytes = randomBytes(ID_BYTES * 256);
    ids = Array.from({ length: 256 }, (_, at) => bytes.toString("base64url", at * ID_BYTES, (at + 1) * ID_BYTES));
  }
  return ids.pop() as string;
}

/** Builds the error for an id that no job of this tenant has. */
export function noJob(): MarrowError {
  return new MarrowError("not_found", "there is no job of this id", { details: { path: "id" } });
}

/** Builds the error for a job that another worker has by now. */
export function lostJob(id: string): MarrowError {
  return new MarrowError("conflict", `job ${id} is no longer leased to this worker`, { details: { id } });
}

/** Fields of a job's line, without those that only scripts need. */
export interface JobLine {
  readonly tenant: string;
  readonly state: JobState;
  readonly fence: string;
  /** Whether its body is the payload (`in`) or the result (`out`). */
  readonly body: "in" | "out";
  readonly madeMs: number;
  readonly endedMs: number | undefined;
  readonly reason: string | undefined;
  readonly left: number;
  readonly lives: number;
  /** Total number of attempts. */
  readonly of: number;
  /** True if it has notes: steps or signals. */
  readonly noted: boolean;
}

/**
 * Parses a job's line: words in the order of `scripts/lib/jobs.lua`.
 * @throws MarrowError `corrupt_record`
 */
export function readLine(line: string): JobLine {
  const words = LINE.exec(line);
  if (words === null) throw new MarrowError("corrupt_record", "a stored job cannot be read");
  const ended = words[5];
  const reason = words[6];
  return {
    tenant: words[8] as string,
    state: words[1] as JobState,
    fence: words[2] as string,
    body: words[4] as "in" | "out",
    madeMs: Number(words[7]),
    endedMs: ended === "" ? undefined : Number(ended),
    reason: reason === "" ? undefined : reason,
    left: Number(words[9]),
    lives: Number(words[10]),
    of: Number(words[11]),
    noted: words[3]?.includes("n") === true,
  };
}

/** Pattern of a job's line as scripts write it; it captures the fields needed here. */
const LINE =
  /^(blocked|waiting|delayed|suspended|running|cancelling|done|dead|cancelled) (\d*) [\d:]* ([1n]*) ([a-z]+) (\d*) ([^ ]*) [\d.]+ [^ ]+ (\d+) ([^ ]+) \d+ (\d+) (\d+) (\d+) [^ ]+ \d+ \d+ \+?\d*$/;

/** Parts of a job with keys of their own: see `docs/protocol/keys.md`. */
export const JOB_PARTS = ["job", "body", "tries", "progress"] as const;

/** Builds a job from its parts; `undefined` if there is none, or if it belongs to another tenant. */
export function toJob<T, R>(
  id: string,
  tenant: string,
  [line = null, body = null, tries = null, progress = null]: readonly Reply[],
  decode: (record: Buffer) => unknown = decodeRecord,
): Job<T, R> | undefined {
  const job = line === null ? undefined : readLine(String(line));
  if (job?.tenant !== tenant) return undefined;
  const value = Buffer.isBuffer(body) ? decode(body) : undefined;
  return {
    id,
    state: job.state,
    createdAtMs: job.madeMs,
    endedAtMs: job.endedMs,
    payload: job.body === "in" ? (value as T | undefined) : undefined,
    result: job.body === "out" ? (value as R | undefined) : undefined,
    reason: job.reason,
    attemptsLeft: job.left,
    crashesLeft: job.lives,
    progress: progress === null ? undefined : readProgress(String(progress)),
    failures: tries === null ? [] : String(tries).split("\n").map(readFailure),
  };
}

/** Decodes the body of a job, in turns of the event loop where it is large. Returns what `toJob` decodes it by. */
export async function readBody([, body = null]: readonly Reply[]): Promise<() => unknown> {
  try {
    const value = Buffer.isBuffer(body) ? await decodeRecordInTurns(body) : undefined;
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The same for a list: an unreadable job is returned with the fields that can be read. */
export function toListedJob<T, R>(
  id: string,
  tenant: string,
  parts: readonly Reply[],
  decode?: (record: Buffer) => unknown,
): Job<T, R> | undefined {
  try {
    return toJob(id, tenant, parts, decode);
  } catch (error) {
    const unreadable = unreadableOf(error);
    try {
      const known = toJob<T, R>(id, tenant, parts.slice(0, 1));
      return known && { ...known, unreadable };
    } catch {
      return { ...UNREADABLE, id, unreadable };
    }
  }
}

const UNREADABLE: Omit<Job<never, never>, "id"> = {
  state: "unreadable",
  createdAtMs: 0,
  endedAtMs: undefined,
  payload: undefined,
  result: undefined,
  reason: undefined,
  attemptsLeft: 0,
  crashesLeft: 0,
  progress: undefined,
  failures: [],
};

function readProgress(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MarrowError("corrupt_record", "the progress of a job cannot be read", { cause });
  }
}

/** Reads a line of `:tries:`: time, reason, message. */
function readFailure(line: string): JobFailure {
  const [, atMs, reason = "", message = ""] = /^(\d+) (\S*) (.*)$/s.exec(line) ?? [];
  if (atMs === undefined) throw new MarrowError("corrupt_record", "a stored attempt of a job cannot be read");
  return { atMs: Number(atMs), reason, message };
}
