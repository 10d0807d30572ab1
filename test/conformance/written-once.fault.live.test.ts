/** Writes whose connection is lost before the reply: they ran once at most, whichever client sent them and however it is set up. */
import { Cluster, Redis as Ioredis, type RedisOptions } from "ioredis";
import { createClient, createCluster, createSentinel } from "redis";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, fromIoredis, fromNodeRedis } from "../../src/index.ts";
import type { Line, Redis } from "../../src/redis/index.ts";
import { slotOf } from "../../src/redis/slots.ts";
import { startProxy, type RespProxy } from "../resp-proxy.ts";
import { ownServer, startCluster, startSentinel, until, type Group, type OwnServer } from "../servers.ts";

let single: OwnServer;
let cluster: Group;
let sentinel: Group;
beforeAll(async () => {
  single = await ownServer(inject("redisBinary"));
  [cluster, sentinel] = await Promise.all([
    startCluster(inject("redisBinary")),
    startSentinel(inject("redisBinary")),
    single.start(),
  ]);
});
afterAll(() => Promise.all([single.stop(), cluster.stop(), sentinel.stop()]));

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
});

const options = { app: "once", commandTimeoutMs: 5_000 };
const portOf = (url: string) => Number(new URL(url).port);

function borrowIoredis(client: Ioredis | Cluster): Redis {
  ended.push(() => client.disconnect());
  client.on("error", () => {});
  return fromIoredis(client, options);
}

async function borrowNodeRedis(
  client: ReturnType<typeof createClient | typeof createCluster | typeof createSentinel>,
): Promise<Redis> {
  client.on("error", () => {});
  await client.connect();
  ended.push(() => client.destroy());
  return fromNodeRedis(client, options);
}

/** The sentinels, or the nodes of a cluster. */
const rootsOf = (group: Group) =>
  [...group.url.matchAll(/:(\d+)/g)].map(([, port]) => ({ host: "127.0.0.1", port: Number(port) }));
/** Leads the first server's address to the proxy that stands before it. */
const mapOf = ({ nodes: [first] }: Group, proxy: RespProxy) => ({
  [`127.0.0.1:${first?.port}`]: { host: "127.0.0.1", port: portOf(proxy.url) },
});

interface Client {
  readonly server: () => OwnServer;
  readonly open: (proxy: RespProxy) => Redis | Promise<Redis>;
}

const ofSingle = (more: {
  enableOfflineQueue?: boolean;
  maxRetriesPerRequest?: number;
  commandTimeout?: number;
}): Client => ({
  server: () => single,
  open: ({ url }) => borrowIoredis(new Ioredis(portOf(url), "127.0.0.1", more)),
});
const ofCluster = (nodesAgain?: () => number, redisOptions: Pick<RedisOptions, "reconnectOnError"> = {}): Client => ({
  server: () => cluster.nodes[0] as OwnServer,
  open: (proxy) =>
    borrowIoredis(
      new Cluster(rootsOf(cluster), {
        natMap: mapOf(cluster, proxy),
        redisOptions,
        ...(nodesAgain !== undefined && { clusterNodeRetryStrategy: nodesAgain }),
      }),
    ),
});

const CLIENTS: Readonly<Record<string, Client>> = {
  "Marrow's own client": { server: () => single, open: ({ url }) => connect(url, options) },
  "an ioredis client with its default options": ofSingle({}),
  "an ioredis client as documented": ofSingle({ enableOfflineQueue: false, maxRetriesPerRequest: 0 }),
  "an ioredis client with a time for each command": ofSingle({ commandTimeout: 4_000 }),
  "an ioredis cluster client with its default options": ofCluster(),
  "an ioredis cluster client that dials lost nodes again": ofCluster(() => 50),
  "an ioredis cluster client whose nodes send again on every error": ofCluster(() => 50, { reconnectOnError: () => 2 }),
  "an ioredis client of Sentinel": {
    server: () => sentinel.nodes[0] as OwnServer,
    open: (proxy) =>
      borrowIoredis(new Ioredis({ sentinels: rootsOf(sentinel), name: "main", natMap: mapOf(sentinel, proxy) })),
  },
  "a node-redis client": { server: () => single, open: ({ url }) => borrowNodeRedis(createClient({ url })) },
  "a node-redis cluster client": {
    server: () => cluster.nodes[0] as OwnServer,
    open: (proxy) =>
      borrowNodeRedis(
        createCluster({
          rootNodes: rootsOf(cluster).map((socket) => ({ socket })),
          nodeAddressMap: mapOf(cluster, proxy),
        }),
      ),
  },
  "a node-redis client of Sentinel": {
    server: () => sentinel.nodes[0] as OwnServer,
    open: (proxy) =>
      borrowNodeRedis(
        createSentinel({ name: "main", sentinelRootNodes: rootsOf(sentinel), nodeAddressMap: mapOf(sentinel, proxy) }),
      ),
  },
};

/** Writes what runs before the connection is lost, and says how often it ran. */
async function loseReply(
  server: OwnServer,
  open: (
    proxy: RespProxy,
    key: string,
  ) => Promise<{ readonly line: Pick<Line, "send">; readonly redis: Pick<Redis, "send"> }>,
  write: (line: Pick<Line, "send">, key: string) => Promise<unknown>,
  countOf: (admin: Ioredis, key: string) => Promise<number>,
): Promise<{ readonly error: unknown; readonly ms: number; readonly count: number }> {
  const proxy = await startProxy(server.url);
  ended.push(() => proxy.close());
  const admin = new Ioredis(server.port, "127.0.0.1");
  ended.push(() => admin.disconnect());
  // Of the first master, if it is one of a cluster.
  const tag = Array.from({ length: 100 }, (_, nth) => `{t${nth}}`).find((one) => slotOf(one) < 16_384 / 3) ?? "";
  const key = `${tag}:${Math.random()}`;
  const { line, redis } = await open(proxy, key);
  await admin.rpush(`${key}:jobs`, "a", "b", "c");
  proxy.mute(true);
  const written = write(line, key).catch((error: unknown) => error);
  await until(async () => (await countOf(admin, key)) > 0, "the write to run");
  const lostMs = performance.now();
  proxy.mute(false);
  proxy.cut();
  const error = await written;
  const ms = performance.now() - lostMs;
  await until(async () => (await redis.send(["EXISTS", key]).catch(() => -1)) !== -1, "a connection");
  return { error, ms, count: await countOf(admin, key) };
}

const mayHaveRun = { code: "unavailable", details: { mayHaveRun: true, state: "unreachable" } };

describe.each(Object.entries(CLIENTS))("a write over %s", (_, { server, open }) => {
  it("whose connection is lost before the reply ran once, and says at once that it may have", async () => {
    const { error, ms, count } = await loseReply(
      server(),
      async (proxy, key) => {
        const redis = await open(proxy);
        // The connections of a cluster client are made when they are needed.
        await until(async () => (await redis.send(["EXISTS", key]).catch(() => "")) === 0, "the client");
        return { line: redis, redis };
      },
      (line, key) => line.send(["INCR", key]),
      async (admin, key) => Number(await admin.get(key)),
    );
    expect({ error, count }).toMatchObject({ error: mayHaveRun, count: 1 });
    expect(ms).toBeLessThan(1_000);
  });
});

describe("a blocking command of a line of its own", () => {
  it.each(["an ioredis client with its default options", "a node-redis client of Sentinel"])(
    "over %s, whose connection is lost before the reply, took one element",
    async (name) => {
      const { server, open } = CLIENTS[name] as Client;
      const { error, count } = await loseReply(
        server(),
        async (proxy) => {
          const redis = await open(proxy);
          const line = await redis.dedicate();
          ended.push(() => line.close());
          await until(async () => (await line.send(["PING"]).catch(() => "")) === "PONG", "the line");
          return { line, redis };
        },
        (line, key) => line.send(["BLMOVE", `${key}:jobs`, `${key}:taken`, "LEFT", "RIGHT", "1"]),
        async (admin, key) => await admin.llen(`${key}:taken`),
      );
      expect({ error, count }).toMatchObject({ error: mayHaveRun, count: 1 });
    },
  );
});

describe("a client that never dials again", () => {
  it("says of a write that may have run, also if it was not connected when the write was sent", async () => {
    const { error, count } = await loseReply(
      single,
      async (proxy) => {
        // Nothing is asked before the write: the proxy holds every reply back.
        const silent = { lazyConnect: true, enableReadyCheck: false, disableClientInfo: true, protocol: 2 } as const;
        const never = { retryStrategy: null as unknown as () => number };
        const line = borrowIoredis(new Ioredis(portOf(proxy.url), "127.0.0.1", { ...silent, ...never }));
        const redis = await connect(single.url, options);
        ended.push(() => redis.close());
        return { line, redis };
      },
      (line, key) => line.send(["INCR", key]),
      async (admin, key) => Number(await admin.get(key)),
    );
    expect({ error, count }).toMatchObject({ error: mayHaveRun, count: 1 });
  });
});

describe("a client with a time limit of its own", () => {
  it.each([
    ["ioredis", (url: string) => borrowIoredis(new Ioredis(url, { commandTimeout: 200 }))],
    ["node-redis", (url: string) => borrowNodeRedis(createClient({ url, commandOptions: { timeout: 200 } }))],
  ] as const)("is one that cannot serve now when that is over (%s)", async (_, open) => {
    const proxy = await startProxy(single.url);
    const redis = await open(proxy.url);
    await until(async () => (await redis.send(["PING"]).catch(() => "")) === "PONG", "the client");
    // From now on it dials in vain.
    await proxy.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(redis.send(["INCR", "limited"])).rejects.toMatchObject({
      code: "unavailable",
      details: { mayHaveRun: false },
    });
  });
});

describe("a write that Redis refused", () => {
  it.each([1, 2] as const)(
    "on a replica runs once that is the master, where the client reconnects on errors (%i)",
    async (how) => {
      const replica = await ownServer(inject("redisBinary"));
      await replica.start();
      ended.push(() => replica.stop());
      const admin = new Ioredis(replica.port, "127.0.0.1");
      ended.push(() => admin.disconnect());
      await admin.replicaof("127.0.0.1", single.port);
      await until(async () => (await admin.info("replication")).includes("master_link_status:up"), "the replica");
      const reconnectOnError = ({ message }: Error) => message.startsWith("READONLY") && how;
      const redis = borrowIoredis(new Ioredis(replica.port, "127.0.0.1", { reconnectOnError }));
      const key = `refused:${Math.random()}`;
      const written = redis.send(["INCR", key]).catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, 400));
      await admin.replicaof("NO", "ONE");
      expect(await written).toBe(1);
      expect(await admin.get(key)).toBe("1");
    },
  );

  it("keeps that answer where the client reconnects on every error", async () => {
    const redis = borrowIoredis(new Ioredis(single.port, "127.0.0.1", { reconnectOnError: () => 2 }));
    const key = `refused:${Math.random()}`;
    await redis.send(["RPUSH", key, "a"]);
    await expect(redis.send(["INCR", key])).rejects.toMatchObject({ code: "redis_rejected" });
  });

  describe.each([1, 2] as const)("in a cluster whose nodes reconnect on every error (%i)", (how) => {
    async function open(): Promise<readonly [Redis, Cluster]> {
      const client = new Cluster(rootsOf(cluster), { redisOptions: { reconnectOnError: () => how } });
      const redis = borrowIoredis(client);
      await until(async () => (await redis.send(["SET", "ready", "1"]).catch(() => "")) === "OK", "the cluster");
      return [redis, client];
    }

    it("keeps that answer", async () => {
      const [redis] = await open();
      const key = `refused:${Math.random()}`;
      await redis.send(["RPUSH", key, "a"]);
      await expect(redis.send(["INCR", key])).rejects.toMatchObject({ code: "redis_rejected" });
    });

    it("runs once at most where a node redirects it, and otherwise says whether it ran", async () => {
      const [redis, client] = await open();
      const { slots } = client as unknown as { slots: (readonly string[] | undefined)[] };
      for (let nth = 0; nth < 5; nth += 1) {
        const key = `moved:${Math.random()}`;
        const slot = slotOf(key);
        slots[slot] = slots.find((nodes) => nodes?.[0] !== undefined && nodes[0] !== slots[slot]?.[0]);
        const outcome = await redis.send(["INCR", key]).catch((error: unknown) => error);
        let count: unknown;
        const read = async () => (count = await redis.send(["GET", key]).catch(() => -1)) !== -1;
        await until(read, "a connection");
        if (outcome === 1) expect(count).toBe("1");
        else {
          expect(outcome).toMatchObject({ code: "unavailable" });
          expect([null, "1"]).toContain(count);
        }
      }
    });
  });
});
