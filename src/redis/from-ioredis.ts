import type { Socket } from "node:net";
import { Command as IoredisCommand, type Cluster, type Redis as IoredisClient } from "ioredis";
import type { Redis, Subscription } from "./connection.ts";
import { createRedis, type Driver, type RedisOptions } from "./driver.ts";

/**
 * Speaks through an ioredis 6 client that you made: standalone, Sentinel or Cluster. It stays yours: `close()` leaves it
 * open. For prompt failures set `enableOfflineQueue: false` and `maxRetriesPerRequest: 0` on it; without these a command
 * waits for its deadline while Redis is away.
 */
export function fromIoredis(client: IoredisClient | Cluster, options: RedisOptions = {}): Redis {
  return createRedis(ioredisDriver(client, { owned: false }), options);
}

/** The driver over an ioredis client; an owned one is closed, and redialled after a demotion. */
export function ioredisDriver(client: IoredisClient | Cluster, { owned }: { owned: boolean }): Driver {
  const { isCluster } = client;
  const gather = isCluster ? (send: () => Promise<unknown>) => send() : createGathering(client as IoredisClient);
  const driver: Driver = {
    call(command, bytes) {
      const verb = String(command[0]);
      const words = command.slice(1) as (string | Buffer)[];
      const Kind = isCluster && isSearch(verb) ? SearchCommand : IoredisCommand;
      const one = new Kind(verb, words, bytes ? BYTES : TEXT);
      return gather(() => client.sendCommand(one) as Promise<unknown>);
    },
    isReady: () => client.status === "ready",
    subscribe: (channels, onMessage, mode) => subscribe(client, channels, onMessage, mode),
    async dedicate() {
      const own = client.isCluster ? (client as Cluster).duplicate() : (client as IoredisClient).duplicate();
      own.on("error", () => {});
      return ioredisDriver(own, { owned: true });
    },
    async close() {
      if (owned) client.disconnect();
    },
  };
  // A cluster client follows a fail-over by itself, from the MOVED answers of the other nodes.
  return owned && !isCluster ? { ...driver, redial: () => client.disconnect(true) } : driver;
}

/** Commands in one write: with more the server would wait for the last of them before it begins with the first. */
const GATHERED_MAX = 16;

/**
 * Gathers commands into few writes to the socket; what is saved is a system call for each. Those of one moment, the microtasks of one turn of
 * the event loop, leave at its end; one alone leaves at once, while the moments before had one. While turns have several moments, all of a
 * turn leave together. Nothing waits for company that may not come.
 */
function createGathering(client: IoredisClient): <T>(send: () => T) => T {
  let corked: Socket | undefined;
  /** Commands in this write, and in this moment; moments with commands in this turn. */
  let gathered = 0;
  let together = 0;
  let moments = 0;
  let lone = false;
  let busy = false;

  function write(): void {
    const stream = corked;
    corked = undefined;
    gathered = 0;
    stream?.uncork();
  }

  function endMoment(): void {
    lone = together === 1;
    together = 0;
    if (!busy) write();
  }

  function endTurn(): void {
    busy = moments > 1;
    moments = 0;
    write();
  }

  function begin(): void {
    if (moments === 0) setImmediate(endTurn);
    moments += 1;
    process.nextTick(endMoment);
  }

  return (send) => {
    together += 1;
    if (together === 1 && lone && !busy) {
      const sent = send();
      begin();
      return sent;
    }
    if (together === 1) begin();
    if (corked === undefined) {
      corked = client.stream as Socket | undefined;
      corked?.cork();
    } else if (gathered % GATHERED_MAX === 0) {
      corked.uncork();
      corked.cork();
    }
    gathered += 1;
    return send();
  };
}

const isSearch = (verb: string) => verb.startsWith("FT.") && !verb.startsWith("FT._");

/** The client knows no key in the search commands and would ask any node; an index bears the tag of its hashes, and they are on one. */
class SearchCommand extends IoredisCommand {
  override getKeys(): (string | Buffer)[] {
    return this.args.slice(0, 1) as (string | Buffer)[];
  }
}

const TEXT = { replyEncoding: "utf8" as const };
const BYTES = { replyEncoding: null };

async function subscribe(
  client: IoredisClient | Cluster,
  channels: readonly string[],
  onMessage: (channel: string, message: string) => void,
  mode: "channel" | "pattern" | "sharded",
): Promise<Subscription> {
  const listener = client.isCluster
    ? (client as Cluster).duplicate([], { enableOfflineQueue: true, shardedSubscribers: mode === "sharded" })
    : (client as IoredisClient).duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null });
  listener.on("error", () => {});
  if (mode === "pattern") {
    listener.on("pmessage", (_: string, channel: string, message: string) => onMessage(channel, message));
    await listener.psubscribe(...channels);
  } else {
    listener.on(mode === "sharded" ? "smessage" : "message", onMessage);
    // Shards are found by channel: one at a time.
    if (mode === "sharded") for (const channel of channels) await listener.ssubscribe(channel);
    else await listener.subscribe(...channels);
  }
  return {
    async close() {
      for (const event of ["message", "pmessage", "smessage"]) listener.removeAllListeners(event);
      listener.disconnect();
    },
  };
}
