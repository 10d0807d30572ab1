import type { Capabilities } from "./capabilities.ts";

/**
 * One argument of a command: text is sent as UTF-8, bytes unchanged. Bytes are not copied: do not change them before the command's promise
 * settles, and not at all after a `timeout`, because the rest of them may still be sent.
 */
export type Argument = string | Uint8Array;

/** A command's name and arguments, as for `redis-cli`. */
export type Command = readonly Argument[];

/**
 * A server's reply, in the same form for every client library and for RESP2 and RESP3: maps are flat `[field, value, …]` lists, sets are
 * lists, doubles are text, booleans are 0 or 1.
 */
export type Reply = string | number | null | Buffer | readonly Reply[];

/** Timeout, retry and reply format of one command. */
export interface SendOptions {
  /** Longest wait for the reply, retries included, in milliseconds. @default the connection's `commandTimeoutMs` */
  readonly timeoutMs?: number | undefined;
  /** `"bytes"` returns bulk strings as unchanged `Buffer`s; `"text"` decodes them as UTF-8. @default "text" */
  readonly reply?: "text" | "bytes" | undefined;
  /**
   * Whether the command may be sent again if its reply was lost. Read commands always may; set `"safe"` for a write only if running it
   * twice equals running it once. @default "never" for writes
   */
  readonly retry?: "safe" | "never" | undefined;
  /**
   * Checks that a reply has a form this command can return. A reply that fails belongs to another command: the connection is dropped, and
   * the command fails as on a lost connection. @default checks by the command's name, or by the SHAPE of the script
   */
  readonly accepts?: ((reply: Reply) => boolean) | undefined;
}

/** Options of `Redis.subscribe`. */
export interface SubscribeOptions {
  /**
   * `channel`: names. `pattern`: glob patterns. `sharded`: names whose messages stay within their shard of a cluster (SSUBSCRIBE, Redis 7).
   * @default "channel"
   */
  readonly mode?: "channel" | "pattern" | "sharded" | undefined;
}

/** A running subscription. */
export interface Subscription {
  /** Ends the subscription. No message is delivered after the promise resolves. */
  close(): Promise<void>;
}

/** A separate connection for blocking commands. */
export interface Line extends Pick<Redis, "send"> {
  /** Drops the connection; pending commands fail. */
  close(): Promise<void>;
}

/**
 * The Redis interface that all of Marrow uses. Adapters implement it for one client library each.
 *
 * Every call rejects with a {@link MarrowError}: `unavailable` if Redis cannot be reached (details say whether the command may have run),
 * `timeout` after the deadline, `redis_full`, `redis_denied`, `unsupported`, and `redis_rejected` for other errors of the server.
 * `invalid_input` and `too_large` mean that the command was not sent: an argument is neither text nor bytes, or it exceeds 511 MB.
 */
export interface Redis {
  /** First part of every key. Applications that share a server use different ones. */
  readonly app: string;
  /** Sends one command: one round trip. */
  send(command: Command, options?: SendOptions): Promise<Reply>;
  /**
   * Sends all commands without waiting between them: one round trip if they share a node. Not a transaction. A failed command returns its
   * error in its place, so the other replies are still available.
   */
  pipeline(commands: readonly Command[], options?: SendOptions): Promise<(Reply | Error)[]>;
  /**
   * Subscribes to the channels over a separate connection, until closed. Messages sent while it reconnects are lost. If Redis is
   * unavailable, the promise resolves after `commandTimeoutMs` and messages arrive once Redis is back.
   */
  subscribe(
    channels: readonly string[],
    onMessage: (channel: string, message: string) => void,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
  /** Opens a separate connection for blocking commands, which would delay all other commands on the shared one. */
  dedicate(): Promise<Line>;
  /** Returns the server's features. Detected once, then cached. */
  capabilities(): Promise<Capabilities>;
  /** Returns a connection for one tenant. The name is part of every key. */
  scope(name: string): ScopedRedis;
  /** Closes connections that Marrow opened. A client that you passed in stays open. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A connection for one tenant, from which every role is made. */
export interface ScopedRedis extends Pick<
  Redis,
  "app" | "send" | "pipeline" | "subscribe" | "dedicate" | "capabilities"
> {
  /** Name of the tenant. Case-sensitive; different names never share a key. */
  readonly scope: string;
}
