import type { Subscription } from "../redis/index.ts";
import type { Context } from "./context.ts";
import type { Json } from "./json.ts";
import type { Reading, Turn, Window } from "./turn.ts";

/** Conditions of an append. */
export interface AppendOptions {
  /** Name of this append: a second append with the same name changes nothing. @default a new name, so that retries are safe */
  readonly idempotencyKey?: string | undefined;
  /** The version that must be current (0: an empty session). Otherwise a `conflict`, with the current version in `details`. */
  readonly expectedVersion?: number | undefined;
  /**
   * Start time of the session, from {@link Window}: if that session has ended since, nothing is appended (`ended`). @default any session,
   * also a new one
   */
  readonly createdAtMs?: number | undefined;
  /** Longest wait, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Result of an append. */
export interface Appended {
  /** Sequence number of the newest appended turn. */
  readonly version: number;
  /** True if the idempotency key had been used before: nothing was appended now. */
  readonly repeated: boolean;
  /** See {@link Window}. */
  readonly epoch: string;
  /** True if the session of `createdAtMs` has ended: nothing was appended. */
  readonly ended: boolean;
}

/** Identifies a question that waits for its answer. */
export interface OpeningOptions {
  /** Name of the question: the same for a retry of it, and for its answer. */
  readonly idempotencyKey: string;
  /** See {@link AppendOptions}. */
  readonly createdAtMs?: number | undefined;
  /** Longest wait, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Result of opening a question. */
export interface Opened {
  /** Sequence number reserved for the answer. */
  readonly version: number;
  /** See {@link Window}. */
  readonly epoch: string;
  /** See {@link Window}. Identifies the session that contains the question. */
  readonly createdAtMs: number | undefined;
  /**
   * `opened`: by this call; `open`: before, and its answer is still missing; `complete`: answered; `ended`: the session of `createdAtMs`
   * has ended.
   */
  readonly state: "opened" | "open" | "complete" | "ended";
}

/** Result of completing a question. */
export interface Completed extends Appended {
  /** The epoch before this answer was inserted. */
  readonly epochBefore: string;
}

/** Which turns a window has, and how they are read. */
export interface WindowOptions {
  readonly last: number;
  /** @default the connection's */
  readonly timeoutMs?: number | undefined;
  /** Whether long texts of turns may be a `LongText`: V8 copies a long string in one go where it is first read. @default false: they are strings */
  readonly keepsPieces?: boolean | undefined;
}

/** Range of turns to read. */
export interface ReadOptions {
  /** Only turns after this sequence number. @default from the oldest */
  readonly after?: number | undefined;
  /** Only turns before this sequence number. @default to the newest */
  readonly before?: number | undefined;
  /** Turns of the range to read, 1 to 5,000. @default 100 */
  readonly limit?: number | undefined;
  /** End of the range to read if it contains more turns. @default "oldest" */
  readonly from?: "oldest" | "newest" | undefined;
  /** Returns only turns of these roles. They count towards `limit` with the others. @default all */
  readonly roles?: readonly string[] | undefined;
}

/** Options of `context`. */
export interface ContextOptions {
  /** Most tokens of the context, at least 1. */
  readonly maxTokens: number;
  /** Instructions, always included. @default none */
  readonly system?: readonly Turn[] | undefined;
  /** Sequence numbers of turns that are always included. @default none */
  readonly pinned?: readonly number[] | undefined;
  /** The subject of the request: the user's facts about it are included. @default no facts */
  readonly about?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Information about a session. */
export interface SessionInfo {
  readonly version: number;
  /** Sequence number of the oldest stored turn. */
  readonly oldest: number;
  readonly createdAtMs: number;
  /** Stored bytes of its turns. */
  readonly bytes: number;
  /** Remaining TTL, in milliseconds. */
  readonly ttlMs: number;
  readonly metadata: Json;
}

/** A session's structured state. */
export interface SessionState {
  /** Number of changes; 0 before the first one. */
  readonly stateVersion: number;
  readonly state: Json;
}

/** One conversation of one user. Every write is one script in one slot. */
export interface Session {
  readonly user: string;
  readonly id: string;
  /**
   * Appends one or many turns, all or none, and renews the session's life: one round trip. Turns are numbered from 1 in the order in which
   * Redis ran the appends. Repeated safely when an answer is lost.
   * @throws MarrowError `conflict` (details: `version`), `invalid_input`, `too_large`, `unavailable`
   */
  append(turns: Turn | readonly Turn[], options?: AppendOptions): Promise<Appended>;
  /**
   * Stores a question (one or many turns) before its answer exists, and reserves a place for the answer: one round trip. `window`, `context`
   * and fact extraction leave it out until `complete`; `read` shows it as `incomplete`, also if its process died. A call with the same key
   * continues the same question.
   * @throws MarrowError `invalid_input`, `too_large`, `unavailable`
   */
  open(turns: Turn | readonly Turn[], options: OpeningOptions): Promise<Opened>;
  /**
   * Stores an answer directly after its question, even if other turns came since: one round trip. If no question with this key is open (it
   * was never opened, or was trimmed, rewound or summarized), a second round trip appends both. A question that already has its answer, or
   * was removed, stays as it is (`repeated`). An answer marked `incomplete` frees the key.
   * With `createdAtMs` a session that was cleared or forgotten meanwhile stays away (`ended`).
   * @throws MarrowError `invalid_input`, `too_large`, `unavailable`
   */
  complete(turns: Turn | readonly Turn[], answer: Turn, options: OpeningOptions): Promise<Completed>;
  /** Removes a question that gets no answer. Returns whether it was open. One round trip. */
  withdraw(idempotencyKey: string): Promise<boolean>;
  /** The newest `last` turns, oldest first, and renews the session's life: one round trip. */
  window(options: WindowOptions): Promise<Window>;
  /** Turns by their place, oldest first, and renews the session's life: one round trip. */
  read(options?: ReadOptions): Promise<Reading>;
  /**
   * Chooses what to give a model within a number of tokens: see {@link toContext}. One round trip, two with `about`. With `summarize`, turns
   * that do not fit are summarized in the background.
   * @throws MarrowError `too_large` when instructions and pinned turns alone do not fit
   */
  context(options: ContextOptions): Promise<Context>;
  /** Creates an empty session. Returns whether it was new. One round trip. */
  create(metadata?: Json): Promise<boolean>;
  /** Replaces the session's metadata. Returns whether the session exists. One round trip. */
  describe(metadata: Json): Promise<boolean>;
  /** Information about the session; `undefined` if it does not exist. One round trip. */
  info(): Promise<SessionInfo | undefined>;
  /** Its state, `null` at first. One round trip. */
  state(): Promise<SessionState>;
  /**
   * Applies a JSON merge patch (RFC 7396) to the current state: two round trips, and more under concurrent changes.
   * @throws MarrowError `conflict` when the session is not at `expectedVersion` (details: `version`), or under constant concurrent changes
   */
  patchState(patch: Json, options?: { readonly expectedVersion?: number | undefined }): Promise<SessionState>;
  /**
   * Creates a session of the same user with this one's turns up to `at`, its state and its metadata. One round trip.
   * @throws MarrowError `conflict` if the id is taken, `not_found`, `invalid_input` if the session has no turn `at`
   */
  branch(to: { readonly id: string; readonly at?: number | undefined }): Promise<Session>;
  /**
   * Removes all turns after `to`; later appends use their numbers again. One round trip.
   * @throws MarrowError `conflict` (details: `version`), `invalid_input` if the session has no turn `to`
   */
  rewind(to: number, options?: { readonly expectedVersion?: number | undefined }): Promise<void>;
  /** Removes one turn; the others keep their numbers. Returns whether it existed. One round trip. */
  remove(sequence: number): Promise<boolean>;
  /** Calls `onChange` with the version after every change, over a connection of its own; see `tellChanges`. Changes during a reconnect are missed. */
  subscribe(onChange: (version: number) => void): Promise<Subscription>;
  /** Deletes the session. Returns whether it existed. One round trip. */
  clear(): Promise<boolean>;
  /** Deletes the session. Returns how many turns it had, or -1 if it did not exist. */
  end(): Promise<number>;
}

/** Idempotency keys that a session remembers. */
export const IDEMPOTENCY_KEYS_MAX = 1_000;
/** Turns in one window. */
export const WINDOW_MAX = 5_000;
