import type { Capabilities } from "./capabilities.ts";

/** One word of a command: text goes out as UTF-8, bytes as they are. */
export type Argument = string | Uint8Array;

/** A command's name and its words, as `redis-cli` would take them. */
export type Command = readonly Argument[];

/**
 * What a server answers, in one shape for every client library and for RESP2 and RESP3: maps come as flat
 * `[field, value, …]` lists, sets as lists, doubles as text, booleans as 0 or 1.
 */
export type Reply = string | number | null | Buffer | readonly Reply[];

/** How one command may wait, be repeated and be answered. */
export interface SendOptions {
  /** Longest wait for the answer, retries included, in milliseconds. @default the connection's `commandTimeoutMs` */
  readonly timeoutMs?: number | undefined;
  /** `"bytes"` answers bulk strings as `Buffer`, untouched; `"text"` decodes them as UTF-8. @default "text" */
  readonly reply?: "text" | "bytes" | undefined;
  /**
   * Whether the command may be sent again when its answer was lost. Read commands always may;
   * a write only when running it twice is the same as once. @default "never" for writes
   */
  readonly retry?: "safe" | "never" | undefined;
  /**
   * Whether a reply is of a shape that this command can have, whatever is stored. One that is not belongs to another command: the connection is
   * dropped, and the command fails as on a lost connection. @default all are
   */
  readonly accepts?: ((reply: Reply) => boolean) | undefined;
}

/** What a subscription's channels are. */
export interface SubscribeOptions {
  /**
   * `channel`: names. `pattern`: globs of Redis. `sharded`: names whose messages stay within their shard of a cluster (SSUBSCRIBE, Redis 7).
   * @default "channel"
   */
  readonly mode?: "channel" | "pattern" | "sharded" | undefined;
}

/** A running subscription. */
export interface Subscription {
  /** Ends it; no message is handed over after the promise resolves. */
  close(): Promise<void>;
}

/** A connection of its own, for commands that block. */
export interface Line extends Pick<Redis, "send"> {
  /** Drops it; what is waited for on it fails. */
  close(): Promise<void>;
}

/**
 * The port: all that Marrow asks of a Redis client. Rooms speak to this and never see a client library.
 *
 * Every call rejects with a {@link MarrowError}: `unavailable` when Redis cannot be reached (details say whether the
 * command may have run), `timeout` when the bound passed, `redis_full`, `redis_denied`, `unsupported`, `invalid_input` or `too_large` for a
 * command that no client is given (a word that is neither text nor bytes, more than 511 MB), `redis_rejected` otherwise.
 */
export interface Redis {
  /** First part of every key; two applications on one server differ in it. */
  readonly app: string;
  /** Sends one command: one round trip. */
  send(command: Command, options?: SendOptions): Promise<Reply>;
  /**
   * Sends all commands at once, without waiting between them: one round trip where they share a node. Not a transaction.
   * A command that failed answers with its error in its place, so one failure hides no other answer.
   */
  pipeline(commands: readonly Command[], options?: SendOptions): Promise<(Reply | Error)[]>;
  /**
   * Hears every message on the channels, over a connection of its own, until closed. Messages sent while it reconnects are lost. While Redis
   * is away it resolves after `commandTimeoutMs`, and hears once Redis is there.
   */
  subscribe(
    channels: readonly string[],
    onMessage: (channel: string, message: string) => void,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /** Dials a connection for one user's blocking commands: on the shared one they would hold up everybody's. */
  dedicate(): Promise<Line>;
  /** What the server can do; probed once, then remembered. */
  capabilities(): Promise<Capabilities>;
  /** One tenant's slice of this connection. The name is required and part of every key. */
  scope(name: string): ScopedRedis;
  /** Closes what Marrow opened. A client that was handed in stays open: it is its owner's. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A connection seen by one tenant: what every role is made with. */
export interface ScopedRedis extends Pick<
  Redis,
  "app" | "send" | "pipeline" | "subscribe" | "dedicate" | "capabilities"
> {
  /** The tenant's name as given. Case-sensitive; different names never share a key. */
  readonly scope: string;
}
