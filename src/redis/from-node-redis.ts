import { setTimeout as pause } from "node:timers/promises";
import { toBytes } from "../internal/bytes.ts";
import type { Argument, Redis } from "./connection.ts";
import { createRedis, type Driver, type RedisOptions } from "./driver.ts";
import { outOfStep } from "./failure.ts";
import { mayAnswerText } from "./command-shapes.ts";
import { toTexts } from "./ioredis-command.ts";
import { createTransaction, isQueued, occupied } from "./occupied.ts";
import { sendToMaster } from "./node-redis-sentinel.ts";
import { endConnection, watchSteps, type PlainClient } from "./node-redis-steps.ts";
import { afterOwnTime } from "../internal/own-time.ts";
import { isReadOnly, routingKey } from "./routing.ts";
import { answersWithin, type Listening } from "./subscription.ts";

type Listener = (message: string, channel: string) => void;

/** The part of a standalone node-redis client that Marrow uses. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  sendCommand(args: (string | Buffer)[], options?: object): Promise<unknown>;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
  once(event: "ready" | "end", listener: () => void): unknown;
  subscribe(channels: string[], listener: Listener): Promise<unknown>;
  pSubscribe(patterns: string[], listener: Listener): Promise<unknown>;
  sSubscribe(channels: string[], listener: Listener): Promise<unknown>;
  destroy(): void;
}

/** The part of node-redis's Sentinel client that Marrow uses. */
export interface NodeRedisSentinel {
  readonly isReady: boolean;
  /** Distinguishes it from the other two kinds. */
  getSentinelNode(): unknown;
  sendCommand(isReadonly: boolean | undefined, args: (string | Buffer)[], options?: object): Promise<unknown>;
  duplicate(): NodeRedisSentinel;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
  subscribe(channels: string[], listener: Listener): Promise<unknown>;
  pSubscribe(patterns: string[], listener: Listener): Promise<unknown>;
  sSubscribe(channels: string[], listener: Listener): Promise<unknown>;
  destroy(): void;
}

/** Any of the three kinds. */
type AnyClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel;

/** The part of node-redis's cluster client that Marrow uses. */
export interface NodeRedisCluster {
  readonly slots: readonly unknown[];
  sendCommand(
    firstKey: string | Buffer | undefined,
    isReadonly: boolean | undefined,
    args: (string | Buffer)[],
    options?: object,
  ): Promise<unknown>;
  duplicate(): NodeRedisCluster;
  connect(): Promise<unknown>;
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
  subscribe(channels: string[], listener: Listener): Promise<unknown>;
  pSubscribe(patterns: string[], listener: Listener): Promise<unknown>;
  sSubscribe(channels: string[], listener: Listener): Promise<unknown>;
  destroy(): void;
}

/**
 * Uses your connected node-redis 6 client: `createClient`, `createCluster` or `createSentinel`. `close()` leaves it open. Make it with
 * `disableOfflineQueue: true` so that commands fail promptly while Redis is unavailable.
 */
export function fromNodeRedis(client: AnyClient, options: RedisOptions = {}): Redis {
  return createRedis(nodeRedisDriver(client), options);
}

function nodeRedisDriver(first: AnyClient): Driver {
  /** The client that commands go through: the one that was handed in, or the connection that took its place. */
  let client = first;
  let replacing = false;
  let watching = false;
  let closed = false;
  let answers = 0;
  /** How often its replies were found out of step: those to commands of before are not believed. */
  let epoch = 0;
  let distrusted = false;
  const transaction = createTransaction();

  /**
   * Takes a new connection like the first one. The client has no way to dial again that would leave its owner's commands and subscriptions
   * alone, so Marrow goes on over a connection of its own, which ends when the owner's client does.
   */
  async function replace(): Promise<void> {
    if (replacing) return;
    replacing = true;
    const [before, fresh] = [client, first.duplicate()];
    fresh.on("error", () => {});
    try {
      await within(fresh.connect(), REPLACE_WAIT_MS);
      client = fresh;
      first.on("end", () => destroy(fresh));
      if (before !== first) destroy(before);
    } catch {
      destroy(fresh);
    } finally {
      replacing = false;
    }
  }

  /** Its replies are those of other commands: its connections end, and nothing is sent over them until they are dialled anew. */
  async function distrust(): Promise<void> {
    if (distrusted || closed) return;
    distrusted = true;
    epoch += 1;
    const before = client;
    if (!isSentinel(client) && dialsAgain(client))
      await Promise.all(plainClientsOf(client).map((one) => endConnection(one, REPLACE_WAIT_MS)));
    // The connections of a client of Sentinel are out of reach, and a client that does not dial again is its owner's to replace.
    else
      for (let tries = 0; client === before && !closed && tries < REPLACE_TRIES; tries += 1) {
        if (tries > 0) await pause(REPLACE_PAUSE_MS);
        await replace();
      }
    distrusted = false;
  }

  const steps = watchSteps(
    () => {
      const now = client;
      return isSentinel(now) ? [{ sendCommand: (args) => now.sendCommand(false, args) }] : plainClientsOf(now);
    },
    () => void distrust(),
  );

  return {
    async call(command, bytes) {
      if (distrusted) throw new Error("the client is offline: it dials again");
      const since = epoch;
      const args = command.map(toArgument);
      const verb = String(command[0]);
      const isMarked = !bytes && mayAnswerText(verb);
      const options = bytes ? BYTES : isMarked ? MARKED : TEXT;
      const isQueuedByCaller = transaction.openFor() !== undefined;
      transaction.note(verb, "marrow");
      const key = routingKey(command);
      const reply = isCluster(client)
        ? client.sendCommand(key === undefined ? undefined : toArgument(key), isReadOnly(command), args, options)
        : isSentinel(client)
          ? // Reads go to the master too: a replica may lag behind a recent write.
            sendToMaster(client, args, options)
          : client.sendCommand(args, options);
      steps.begin();
      let answer: unknown;
      try {
        answer = await reply;
      } catch (error) {
        steps.end();
        throw isTimeLimit(error) ? new Error("Command timed out", { cause: error }) : error;
      } finally {
        answers += 1;
      }
      steps.end(answer);
      if (since !== epoch) throw outOfStep("a reply of another command");
      // A stored text like it is no status.
      const mayBeStatus = isMarked ? Buffer.isBuffer(answer) : typeof answer === "string";
      if (mayBeStatus && !isQueuedByCaller && isQueued(answer)) throw occupied("transaction", { mayHaveRun: true });
      // Also where the client forgets how to read the first reply behind a subscription.
      const hasBytes = Buffer.isBuffer(answer) || Array.isArray(answer);
      return !bytes && hasBytes && (isMarked || Buffer.isBuffer((answer as unknown[])[0])) ? toTexts(answer) : answer;
    },
    ...(isCluster(first) && {
      ownerOf: (slot) => (client as unknown as Slots).slots[slot]?.master?.address,
    }),
    isReady: () => !distrusted && (isCluster(client) ? client.slots.length > 0 : client.isReady),
    // A client that passes over a reply too many is in step again, and the reply before was another command's nevertheless.
    async prove() {
      void distrust();
      return false;
    },
    // A client of Sentinel or of a cluster follows a fail-over by itself.
    redial: () => isCluster(first) || isSentinel(first) || void replace(),
    suspect(silentMs) {
      if (watching) return;
      watching = true;
      const heard = answers;
      afterOwnTime(silentMs, () => {
        watching = false;
        if (answers === heard) void replace();
      });
    },
    listen: (channels, onMessage, mode) => listen(first, channels, onMessage, mode),
    async dedicate() {
      const own = await dialLike(first);
      const driver = nodeRedisDriver(own);
      let ended = false;
      return {
        ...driver,
        // The Sentinel client reports a command that its own disconnect interrupted as an internal TypeError.
        call: (command, bytes) =>
          driver.call(command, bytes).catch((error: unknown) => {
            throw ended ? new Error("Connection is closed.", { cause: error }) : error;
          }),
        async close() {
          ended = true;
          await driver.close();
          destroy(own);
        },
      };
    },
    async close() {
      closed = true;
      if (client !== first) destroy(client);
    },
  };
}

/** Whether the client's own time limit (`timeout`) ended a command: the error has no message. */
function isTimeLimit(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === "TimeoutError" && error.message === "";
}

/** Which master serves each slot, by a cluster client. */
interface Slots {
  readonly slots: readonly ({ readonly master?: { readonly address?: string } } | undefined)[];
}

/** Longest wait for a connection that takes another's place, in milliseconds. */
const REPLACE_WAIT_MS = 5_000;
/** How often it is tried to take another's place, and how long after the last time, in milliseconds. */
const REPLACE_TRIES = 20;
const REPLACE_PAUSE_MS = 250;

/** The connections of a client, or of each node of a cluster that it has dialled. */
function plainClientsOf(client: NodeRedisClient | NodeRedisCluster): readonly PlainClient[] {
  if (!isCluster(client)) return [client];
  const { masters, replicas } = client as unknown as Record<
    "masters" | "replicas",
    readonly { client?: PlainClient }[]
  >;
  return [...masters, ...replicas].flatMap((node) => node.client ?? []);
}

function dialsAgain(client: NodeRedisClient | NodeRedisCluster): boolean {
  const { options } = client as { readonly options?: { readonly socket?: { readonly reconnectStrategy?: unknown } } };
  return options?.socket?.reconnectStrategy !== false;
}

function listen(
  client: AnyClient,
  channels: readonly string[],
  onMessage: (channel: string, message: string) => void,
  mode: "channel" | "pattern" | "sharded",
): Listening {
  const listener = client.duplicate();
  listener.on("error", () => {});
  let closed = false;
  const hear: Listener = (message, channel) => {
    if (!closed) onMessage(channel, message);
  };

  async function begin(): Promise<void> {
    await listener.connect();
    if (mode === "pattern") await listener.pSubscribe([...channels], hear);
    else if (mode === "channel") await listener.subscribe([...channels], hear);
    else for (const channel of channels) await listener.sSubscribe([channel], hear);
  }

  return {
    ready: begin(),
    // Clients of a cluster or of Sentinel ping their subscriber connections themselves (`pingInterval`), and do not expose them.
    alive: (timeoutMs) =>
      isCluster(listener) || isSentinel(listener)
        ? Promise.resolve(true)
        : answersWithin(listener.sendCommand(["PING"]), timeoutMs),
    close() {
      closed = true;
      destroy(listener);
    },
  };
}

/** Opens another connection like this one. */
async function dialLike(client: AnyClient): Promise<AnyClient> {
  const other = client.duplicate();
  other.on("error", () => {});
  await other.connect();
  return other;
}

/** Ends a connection of ours; one that never began has nothing to end. */
function destroy(client: AnyClient): void {
  try {
    client.destroy();
  } catch {
    // It is closed already.
  }
}

async function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no connection in time")), timeoutMs);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

// The reply kinds of RESP3 by their type bytes, as node-redis names them in RESP_TYPES.
const TEXT = { typeMapping: { 37: Array, 126: Array, 44: String } };
/** Statuses as bytes, so that they are told from texts that are stored. */
const MARKED = { typeMapping: { ...TEXT.typeMapping, 43: Buffer } };
const BYTES = { typeMapping: { ...TEXT.typeMapping, 36: Buffer } };

function isSentinel(client: AnyClient): client is NodeRedisSentinel {
  return "getSentinelNode" in client;
}

function isCluster(client: AnyClient): client is NodeRedisCluster {
  return "slots" in client;
}

function toArgument(argument: Argument): string | Buffer {
  if (typeof argument === "string" || Buffer.isBuffer(argument)) return argument;
  return toBytes(argument);
}
