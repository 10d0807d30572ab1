import { toBytes } from "../internal/bytes.ts";
import type { Argument, Redis, Subscription } from "./connection.ts";
import { createRedis, type Driver, type RedisOptions } from "./driver.ts";
import { isReadOnly, routingKey } from "./routing.ts";

type Listener = (message: string, channel: string) => void;

/** What Marrow uses of a node-redis client, standalone or Sentinel. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  sendCommand(args: (string | Buffer)[], options?: object): Promise<unknown>;
  duplicate(): NodeRedisClient;
  connect(): Promise<unknown>;
  on(event: "error", listener: (error: unknown) => void): unknown;
  subscribe(channels: string[], listener: Listener): Promise<unknown>;
  pSubscribe(patterns: string[], listener: Listener): Promise<unknown>;
  sSubscribe(channels: string[], listener: Listener): Promise<unknown>;
  destroy(): void;
}

/** What Marrow uses of a node-redis cluster client. */
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
  on(event: "error", listener: (error: unknown) => void): unknown;
  subscribe(channels: string[], listener: Listener): Promise<unknown>;
  pSubscribe(patterns: string[], listener: Listener): Promise<unknown>;
  sSubscribe(channels: string[], listener: Listener): Promise<unknown>;
  destroy(): void;
}

/**
 * Speaks through a connected node-redis 6 client that you made: `createClient`, `createCluster` or `createSentinel`.
 * It stays yours: `close()` leaves it open. For prompt failures make it with `disableOfflineQueue: true`.
 */
export function fromNodeRedis(client: NodeRedisClient | NodeRedisCluster, options: RedisOptions = {}): Redis {
  return createRedis(nodeRedisDriver(client), options);
}

function nodeRedisDriver(client: NodeRedisClient | NodeRedisCluster): Driver {
  return {
    call(command, bytes) {
      const args = command.map(toArgument);
      const options = bytes ? BYTES : TEXT;
      if (!isCluster(client)) return client.sendCommand(args, options);
      const key = routingKey(command);
      return client.sendCommand(key === undefined ? undefined : toArgument(key), isReadOnly(command), args, options);
    },
    isReady: () => (isCluster(client) ? client.slots.length > 0 : client.isReady),
    async subscribe(channels, onMessage, mode): Promise<Subscription> {
      const listener = await dialLike(client);
      const hear: Listener = (message, channel) => onMessage(channel, message);
      if (mode === "pattern") await listener.pSubscribe([...channels], hear);
      else if (mode === "channel") await listener.subscribe([...channels], hear);
      else for (const channel of channels) await listener.sSubscribe([channel], hear);
      return { close: async () => listener.destroy() };
    },
    async dedicate() {
      const own = await dialLike(client);
      return { ...nodeRedisDriver(own), close: async () => own.destroy() };
    },
    async close() {},
  };
}

/** Opens another connection like this one. */
async function dialLike(client: NodeRedisClient | NodeRedisCluster): Promise<NodeRedisClient | NodeRedisCluster> {
  const other = client.duplicate();
  other.on("error", () => {});
  await other.connect();
  return other;
}

// The reply kinds of RESP3 by their type bytes, as node-redis names them in RESP_TYPES.
const TEXT = { typeMapping: { 37: Array, 126: Array, 44: String } };
const BYTES = { typeMapping: { ...TEXT.typeMapping, 36: Buffer } };

function isCluster(client: NodeRedisClient | NodeRedisCluster): client is NodeRedisCluster {
  return "slots" in client;
}

function toArgument(argument: Argument): string | Buffer {
  if (typeof argument === "string" || Buffer.isBuffer(argument)) return argument;
  return toBytes(argument);
}
