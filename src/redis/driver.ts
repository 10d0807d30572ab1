import type { MarrowError } from "../errors.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { isHeard, isPublished, signalling, tellAct, type Told } from "../internal/signals.ts";
import { probeCapabilities, type Capabilities } from "./capabilities.ts";
import { toWrongCommand } from "./command-check.ts";
import { fitsCommand } from "./command-shapes.ts";
import type { Command, Redis, Reply, ScopedRedis, SendOptions, SubscribeOptions } from "./connection.ts";
import { createDeadlines } from "./deadlines.ts";
import {
  classify,
  createPatience,
  damaged,
  lacking,
  noAnswer,
  outOfStep,
  SILENT,
  unavailable,
  type Failure,
} from "./failure.ts";
import { encodeKeyPart } from "./keys.ts";
import { beginOwnWait, type OwnWait } from "../internal/own-time.ts";
import { isReadOnly } from "./routing.ts";
import { createShards, keepShards } from "./shards.ts";
import { toSignal } from "./signals.ts";
import { createStalls } from "./stalls.ts";
import { keepSubscribed, type Listening } from "./subscription.ts";

/** Called once with the outcome of a command: the client library's error, or the reply. */
export type Answered = (error: unknown, reply: unknown) => void;

/** The operations that an adapter implements with its client library. Everything else is shared. */
export interface Driver {
  /** Sends one command and resolves with the library's reply; rejects with the library's own error. */
  call(command: Command, bytes: boolean): Promise<unknown>;
  /** The same with a callback, if that costs the library less than a promise. */
  ask?(command: Command, bytes: boolean, answered: Answered): void;
  /** Returns true if a command would be sent at once. */
  isReady(): boolean;
  /** Returns the address of the master of a cluster's slot, as the client knows it. Absent unless this is a cluster. */
  readonly ownerOf?: (slot: number) => string | undefined;
  /** Returns the server's latest refusal of this client, while the client is not ready. */
  refusal?(): Error | undefined;
  /** Requests a new connection after the server turned out to be a demoted master. Absent if the client follows by itself or cannot. */
  redial?(): unknown;
  /**
   * Called after a command timed out. Drops and reopens connections that receive nothing within `silentMs`: a half-open connection would
   * otherwise hang for a quarter of an hour.
   */
  suspect?(silentMs: number): void;
  /**
   * The reply that is being told of has a form that its command cannot get. Returns whether its connection is in step nevertheless: what is
   * stored is then damaged. Otherwise drops the connection. Replies that come meanwhile wait. Absent where the client offers no way.
   */
  prove?(): Promise<boolean>;
  /** Opens a subscription on a separate connection. */
  listen(
    channels: readonly string[],
    onMessage: (channel: string, message: string) => void,
    mode: "channel" | "pattern" | "sharded",
  ): Listening;
  /** Opens another connection with the same options. */
  dedicate(): Promise<Driver>;
  close(): Promise<void>;
}

/** Options common to `connect`, `fromIoredis` and `fromNodeRedis`. */
export interface RedisOptions {
  /** First part of every key. Applications that share a server use different ones. @default "marrow" */
  readonly app?: string | undefined;
  /** Longest wait for one reply, retries included, in milliseconds, 1 to 600,000. @default 2_000 */
  readonly commandTimeoutMs?: number | undefined;
}

/**
 * Time that commands wait for a connection that was just lost, in milliseconds of this process' own time; after a longer outage they fail at
 * once.
 */
export const OFFLINE_GRACE_MS = 250;

/**
 * Delay before the next reconnection while the server stays read-only, in milliseconds. It grows, because each reconnection interrupts the
 * reads, which still work.
 */
const REDIAL_MS = { first: 500, last: 4_000 } as const;
/** A connection is never dropped for being silent for less than this. */
const SILENT_MS_MIN = 2_000;

const COMMAND_TIMEOUT_MS_DEFAULT = 2_000;
const RETRY_FIRST_MS = 10;
const RETRY_MAX_MS = 200;

/** Builds the Redis interface from a driver: adds deadlines, safe retries, uniform replies and error codes. */
export function createRedis(driver: Driver, options: RedisOptions = {}): Redis {
  const app = checkText("app", options.app ?? "marrow", 64);
  encodeKeyPart("app", app);
  const commandTimeoutMs = checkInteger("commandTimeoutMs", options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS_DEFAULT, {
    min: 1,
    max: 600_000,
  });
  const within = createDeadlines();
  const isWorthWaiting = createPatience();
  let redialMs: number = REDIAL_MS.first;
  let redialledMs = -Infinity;
  let closed = false;
  let offline: OwnWait | undefined;
  const stalls = createStalls(beginGrace);
  const shards = driver.ownerOf && createShards(app, driver.ownerOf);
  const placeOf = (command: Command) => shards?.placeOf(command) ?? "";
  const isStalled = (command: Command) => stalls.size > 0 && stalls.isRefused(placeOf(command), performance.now());
  let capabilities: Promise<Capabilities> | undefined;

  /** One try: settles by the answer, by `failed`, or at its bound, and tells of its end. */
  function attempt(
    command: Command,
    { reply: how, accepts }: SendOptions,
    startMs: number,
    timeoutMs: number,
    failed: (error: unknown) => Reply | Promise<Reply>,
    told?: Told,
  ): Promise<Reply> {
    const bytes = how === "bytes";
    return new Promise((resolve, reject) => {
      const wait = within(startMs, timeoutMs, () => {
        stalls.silent(placeOf(command), performance.now());
        driver.suspect?.(Math.max(SILENT_MS_MIN, commandTimeoutMs));
        const late = noAnswer(timeoutMs);
        told?.end(late, undefined);
        reject(late);
      });
      const settleBy = (outcome: Promise<Reply>) => {
        told?.endWith(outcome);
        resolve(outcome);
      };
      const answered: Answered = (error, reply) => {
        const isLate = wait.over;
        if (error === undefined) {
          wait.end();
          online(command);
          try {
            const shaped = toReply(reply);
            if (accepts === undefined ? !fitsCommand(command, shaped) : !accepts(shaped)) {
              // Others still wait for replies of this connection, and nobody for this one.
              if (isLate) void isInStep();
              else settleBy(doubt(command, failed));
            } else {
              if (!isLate) told?.end(undefined, shaped);
              resolve(shaped);
            }
          } catch (inner) {
            // An error within a list, as a transaction answers it.
            if (!isLate) settleBy(afterwards(inner, failed));
          }
          return;
        }
        if (isLate) return;
        wait.end();
        // An error that the server sent is an answer too.
        const { kind } = classify(error, true);
        if (kind === "not_run" || kind === "final") online(command);
        settleBy(afterwards(error, failed));
      };
      if (driver.ask !== undefined) driver.ask(command, bytes, answered);
      else
        driver.call(command, bytes).then(
          (reply) => answered(undefined, reply),
          (error: unknown) => answered(error, undefined),
        );
    });
  }

  /** Asks the connection whether its replies are their commands' own; one that is not in step ends. */
  async function isInStep(): Promise<boolean> {
    try {
      return (await driver.prove?.()) ?? false;
    } catch {
      return false;
    }
  }

  /** Tells a reply of another command, which may be asked for again, from damage that every further try would meet. */
  async function doubt(command: Command, failed: (error: unknown) => Reply | Promise<Reply>): Promise<Reply> {
    return failed((await isInStep()) ? damaged(command) : outOfStep("a reply of another command"));
  }

  function send(command: Command, sendOptions?: SendOptions): Promise<Reply> {
    const wrong = toWrongCommand(command);
    if (wrong !== undefined) return Promise.reject(wrong);
    if (!isHeard("redis:command")) return sendNow(command, sendOptions);
    if (isPublished("redis:command")) return sendPublished(command, sendOptions);
    const told = tellAct("redis:command", toSignal(command));
    return told === undefined ? sendNow(command, sendOptions) : told.within(sendTold, { command, sendOptions, told });
  }

  function sendTold({ command, sendOptions, told }: Sending): Promise<Reply> {
    return sendNow(command, sendOptions, told);
  }

  function sendPublished(command: Command, sendOptions?: SendOptions): Promise<Reply> {
    return signalling(
      "redis:command",
      () => toSignal(command),
      () => sendNow(command, sendOptions),
    );
  }

  function sendNow(command: Command, sendOptions: SendOptions = {}, told?: Told): Promise<Reply> {
    if (closed || isLongOffline()) return refuse(notSent(closed, driver.refusal?.()), told);
    if (isStalled(command)) return refuse(notSent(closed, driver.refusal?.() ?? SILENT), told);
    const timeoutMs = sendOptions.timeoutMs ?? commandTimeoutMs;
    const startMs = performance.now();
    const wasReady = driver.isReady();
    const failed = (error: unknown) => {
      const mayRepeat = sendOptions.retry === "safe" || isReadOnly(command);
      return recover(command, sendOptions, startMs + timeoutMs, mayRepeat, classify(error, wasReady));
    };
    return attempt(command, sendOptions, startMs, timeoutMs, failed, told);
  }

  /** Everything after a first failure: waits, tries again while that is safe, and gives up at the deadline. */
  async function recover(
    command: Command,
    how: SendOptions,
    deadlineMs: number,
    mayRepeat: boolean,
    first: Failure,
  ): Promise<Reply> {
    let failure = first;
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      if (failure.kind === "final") throw await withServer(command, failure.error);
      const isLongLost = noteCluster(command, failure);
      if (failure.kind === "lost" && !mayRepeat) throw unavailable(failure, driver.refusal?.());
      if (failure.kind !== "not_run" && !driver.isReady()) offline ??= beginGrace();
      const nowMs = performance.now();
      if (failure.kind === "not_run") {
        if (failure.state === "read_only") redial(nowMs);
        if (!isWorthWaiting(failure.state, nowMs)) throw unavailable(failure);
      }
      if (closed || isLongLost || deadlineMs - nowMs <= waitMs || isLongOffline())
        throw unavailable(failure, driver.refusal?.());
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
      const wasReady = driver.isReady();
      const next = await tryAgain(command, how, deadlineMs, wasReady);
      if ("reply" in next) return next.reply;
      failure = next.failure;
    }
  }

  /** Notes what a failure says about a part of a cluster, and returns whether its connection has been lost for long. */
  function noteCluster(command: Command, { kind, ...failure }: Failure): boolean {
    if (shards === undefined) return false;
    if ("state" in failure && failure.state === "cluster_down") shards.unserved(command);
    if (kind !== "lost" && kind !== "not_sent") return false;
    return stalls.lost(placeOf(command), performance.now());
  }

  /** Adds the server's name and version to the error of an unsupported command. */
  async function withServer(command: Command, error: MarrowError): Promise<MarrowError> {
    // These two ask which server it is.
    if (error.code !== "unsupported" || command[0] === "INFO" || command[0] === "COMMAND") return error;
    const about = await shared.capabilities().catch(() => undefined);
    if (about === undefined) return error;
    return lacking(error.cause as Error, { ...error.details, server: about.engine, version: about.version });
  }

  async function tryAgain(
    command: Command,
    how: SendOptions,
    deadlineMs: number,
    wasReady: boolean,
  ): Promise<{ readonly reply: Reply } | { readonly failure: Failure }> {
    let failure: Failure | undefined;
    const startMs = performance.now();
    const leftMs = Math.max(1, Math.round(deadlineMs - startMs));
    const reply = await attempt(command, how, startMs, leftMs, (error) => {
      failure = classify(error, wasReady);
      return null;
    });
    return failure === undefined ? { reply } : { failure };
  }

  function redial(nowMs: number): void {
    const sinceMs = nowMs - redialledMs;
    if (sinceMs < redialMs) return;
    redialMs = sinceMs > 2 * REDIAL_MS.last ? REDIAL_MS.first : Math.min(redialMs * 2, REDIAL_MS.last);
    redialledMs = nowMs;
    driver.redial?.();
  }

  /** The server answers. */
  function online(command: Command): void {
    if (stalls.size > 0) stalls.answered(placeOf(command));
    offline?.end();
    offline = undefined;
  }

  function isLongOffline(): boolean {
    return offline?.isOver === true && !driver.isReady();
  }

  const shared = {
    app,
    send,
    pipeline: (commands: readonly Command[], sendOptions?: SendOptions) =>
      Promise.all(commands.map((command) => send(command, sendOptions).catch((error: unknown) => error as Error))),
    subscribe: (
      channels: readonly string[],
      onMessage: (channel: string, message: string) => void,
      { mode = "channel" }: SubscribeOptions = {},
    ) => keepSubscribed(() => driver.listen(channels, onMessage, mode), commandTimeoutMs),
    dedicate: async () => createRedis(await driver.dedicate(), options),
    capabilities: () =>
      (capabilities ??= probeCapabilities(send).catch((error: unknown) => {
        capabilities = undefined;
        throw error;
      })),
  };

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    await driver.close();
  }

  const redis: Redis = {
    ...shared,
    scope(name): ScopedRedis {
      encodeKeyPart("scope", name);
      return { ...shared, scope: name };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  if (shards !== undefined) keepShards(redis, shards);
  return redis;
}

/** A command with listeners that are told of its end. */
interface Sending {
  readonly command: Command;
  readonly sendOptions: SendOptions | undefined;
  readonly told: Told;
}

/** How long commands wait for a connection that was lost and has not answered since. */
function beginGrace(): OwnWait {
  return beginOwnWait(OFFLINE_GRACE_MS);
}

/** Refuses in a later turn of the event loop: a caller that asks again at once leaves the loop the turns in which the connection comes back. */
function refuse(error: MarrowError, told: Told | undefined): Promise<never> {
  told?.end(error, undefined);
  return new Promise((_, reject) => void setImmediate(reject, error));
}

/** Handles a failure asynchronously, because it may be raised in the middle of a send. */
async function afterwards<T>(error: unknown, failed: (error: unknown) => T | Promise<T>): Promise<T> {
  return failed(await error);
}

function notSent(closed: boolean, refusal: Error | undefined): MarrowError {
  const why = closed ? "this connection was closed" : "Redis has been unavailable for a while";
  return unavailable({ kind: "not_sent", cause: new Error(why) }, refusal);
}

/** Converts a library's reply of RESP2 or RESP3 to the common form; a list is changed in place. */
export function toReply(reply: unknown): Reply {
  switch (typeof reply) {
    case "string":
      return reply;
    case "number":
      return Number.isSafeInteger(reply) ? reply : String(reply);
    case "boolean":
      return reply ? 1 : 0;
    case "bigint":
      return String(reply);
    case "object":
      if (reply === null || Buffer.isBuffer(reply)) return reply;
      if (Array.isArray(reply)) return toReplies(reply);
      if (reply instanceof Error) throw reply;
      if (reply instanceof Map) return [...reply].flat().map(toReply);
      if (reply instanceof Set) return [...reply].map(toReply);
      return Object.entries(reply).flat().map(toReply);
    default:
      return null;
  }
}

function toReplies(list: unknown[]): Reply[] {
  for (let at = 0; at < list.length; at += 1) list[at] = toReply(list[at]);
  return list as Reply[];
}
