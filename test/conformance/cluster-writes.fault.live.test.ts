/** Writes to a master of a cluster whose connection was lost: whether they may have run. */
import { createCluster } from "redis";
import { Cluster, Redis as Client } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, fromIoredis, fromNodeRedis } from "../../src/index.ts";
import type { Redis } from "../../src/redis/index.ts";
import { slotOf } from "../../src/redis/slots.ts";
import { startCluster, until, type Group, type OwnServer } from "../servers.ts";

const MASTERS = 3;
let group: Group;
beforeAll(async () => {
  group = await startCluster(inject("redisBinary"), { args: ["--cluster-require-full-coverage", "no"] });
});
afterAll(() => group.stop());

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
});

/** A key of the first master. */
const KEY = Array.from({ length: 100 }, (_, nth) => `k${nth}`).find((key) => slotOf(key) < 16_384 / MASTERS) ?? "";
const options = { app: "writes", commandTimeoutMs: 1_000 };

const CLIENTS: Readonly<Record<string, () => Promise<Redis>>> = {
  ioredis: () => connect(group.url, options),
  "a borrowed ioredis": async () => {
    const client = new Cluster(
      group.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      { enableOfflineQueue: false, redisOptions: { maxRetriesPerRequest: 0 } },
    );
    ended.push(() => client.disconnect());
    client.on("error", () => {});
    await new Promise((resolve) => client.once("ready", resolve));
    return fromIoredis(client, options);
  },
  "node-redis": async () => {
    const client = createCluster({
      rootNodes: group.nodes.map(({ port }) => ({ socket: { host: "127.0.0.1", port } })),
      defaults: { disableOfflineQueue: true },
    });
    ended.push(() => client.destroy());
    client.on("error", () => {});
    await client.connect();
    return fromNodeRedis(client, options);
  },
};

describe.each(Object.keys(CLIENTS))("a write to a master of a cluster (%s)", (name) => {
  async function opened(): Promise<{ readonly redis: Redis; readonly node: OwnServer }> {
    const redis = await (CLIENTS[name] as () => Promise<Redis>)();
    ended.push(() => redis.close());
    await until(async () => (await redis.send(["SET", KEY, "0"]).catch(() => "")) === "OK", "a served master");
    return { redis, node: group.nodes[0] as OwnServer };
  }

  it("that was not written to a connection did not run, and says so", async () => {
    const { redis, node } = await opened();
    await node.kill();
    ended.push(() => node.start());
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let nth = 0; nth < 5; nth += 1)
      await expect(redis.send(["INCR", KEY])).rejects.toMatchObject({ details: { mayHaveRun: false } });
  });

  it("that was written and not answered may have run, and says so", async () => {
    const { redis, node } = await opened();
    node.freeze();
    const written = redis.send(["INCR", KEY]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    ended.push(() => node.start());
    await Promise.all([
      expect(written).rejects.toMatchObject({ code: "unavailable", details: { mayHaveRun: true } }),
      node.kill(),
    ]);
  });

  it("that finds no connection is sent once the node is connected again", async () => {
    const { redis, node } = await opened();
    const admin = new Client(node.port, "127.0.0.1");
    ended.push(() => admin.disconnect());
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await redis.send(["INCR", KEY])).toBe(1);
  });
});
