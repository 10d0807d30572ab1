import { Cluster, Redis } from "ioredis";
import { createCluster } from "redis";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, fromIoredis, fromNodeRedis } from "../../src/index.ts";
import { createBus } from "../../src/bus/index.ts";
import { createCache } from "../../src/cache/index.ts";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { createLimiter } from "../../src/limiter/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue, createWorker } from "../../src/queue/index.ts";
import { createVectors } from "../../src/vectors/index.ts";
import { startProxy, type RespProxy } from "../resp-proxy.ts";
import { startCluster, until, type Group } from "../servers.ts";
import { describeRedisPort } from "./redis-port.ts";
import { describeHistories } from "./vectors-history.ts";
import { describeVectors } from "./vectors.ts";

const app = () => `c${randomUUID().slice(0, 8)}`;
let group: Group;
beforeAll(async () => {
  group = await startCluster(inject("redisBinary"));
});
afterAll(() => group.stop());
const ports = () => group.nodes.map(({ port }) => ({ host: "127.0.0.1", port }));

describeRedisPort("connect() to a cluster", async () => {
  const redis = await connect(group.url, { app: app() });
  return { redis, close: () => redis.close() };
});

describeRedisPort("ioredis on a cluster", async () => {
  const client = new Cluster(ports());
  await new Promise((resolve) => client.once("ready", resolve));
  return { redis: fromIoredis(client, { app: app() }), close: async () => void (await client.quit()) };
});

describeRedisPort("node-redis on a cluster", async () => {
  const client = createCluster({ rootNodes: ports().map((socket) => ({ socket })) });
  await client.connect();
  return { redis: fromNodeRedis(client, { app: app() }), close: async () => await client.close() };
});

const onCluster = async () => {
  const redis = await connect(group.url, { app: app() });
  return { scope: (name: string) => redis.scope(name), close: () => redis.close() };
};
describeVectors("vector sets on a cluster", onCluster, {});
describeVectors("vector sets on a cluster, five partitions", onCluster, { partitions: 5 });
describeHistories("vector sets on a cluster, in partitions", onCluster, { quantisation: "none", partitions: 3 }, 15);

describe("the bus on a cluster", () => {
  it("sends, asks, tells of the moment within a shard, and keeps topics", async () => {
    const redis = await connect(group.url, { app: app() });
    const bus = createBus(redis.scope("acme"), { sharded: true });
    const agent = await bus.register<number>({ name: "twice" }, ({ body }) => body * 2);
    expect(await bus.request("twice", 21)).toMatchObject({ state: "handled", reply: 42 });
    const heard: string[] = [];
    const topics = ["one", "two", "three", "four"];
    const listening = await bus.subscribe(topics, ({ topic }) => heard.push(topic));
    for (const topic of topics) await bus.publish(topic, 1);
    await expect.poll(() => heard.toSorted()).toEqual(topics.toSorted());
    await expect(bus.subscribe(["t.*"], () => {})).rejects.toMatchObject({ code: "unsupported" });
    const read: string[] = [];
    const readers = topics.map((name) =>
      bus.topic<string>(name).read("g", ({ body }) => read.push(body), { from: "start" }),
    );
    for (const name of topics) await bus.topic(name).publish(name);
    await expect.poll(() => read.toSorted(), { timeout: 5_000 }).toEqual(topics.toSorted());
    await Promise.all([listening, agent, ...readers, bus].map((one) => one.close()));
    await redis.close();
  });

  it("forgets a group of a topic in partitions that nobody reads, once there is no room, and no other", async () => {
    const redis = await connect(group.url, { app: app() });
    const bus = createBus(redis.scope("acme"));
    const topic = bus.topic<number>("t", { partitions: 16, messagesMax: 60, keepMessages: 0, groupIdleMs: 1_500 });
    await topic.read("old-deploy", () => {}, { from: "start" }).close();
    await topic.read("kept", () => {}, { from: "start" }).close();
    for (let nth = 0; nth < 60; nth += 1) expect(await topic.publish(nth)).toMatchObject({ accepted: true });
    expect(await topic.publish(60)).toEqual({ accepted: false, reason: "full" });
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    const seen: number[] = [];
    const reader = topic.read("kept", ({ body }) => void seen.push(body), { from: "start" });
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(60);
    await expect.poll(() => topic.publish(60), { timeout: 5_000 }).toMatchObject({ accepted: true });
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(61);
    expect((await topic.groups()).map(({ group: name }) => name)).toEqual(["kept"]);
    const left = await Promise.all(Array.from({ length: 16 }, (_, at) => cursorOf(redis, `old-deploy/${at}`)));
    expect(left.every((cursor) => cursor === null)).toBe(true);
    await Promise.all([reader, bus].map((one) => one.close()));
    await redis.close();
  });

  it("does jobs of a queue in partitions", async () => {
    const redis = await connect(group.url, { app: app() });
    const named = { name: "jobs", partitions: 6 };
    const worker = createWorker<number, number>(redis, named, ({ payload }) => payload * 2);
    for (let tenant = 0; tenant < 8; tenant += 1) {
      const queue = createQueue<number, number>(redis.scope(`t${tenant}`), named);
      const id = await queue.push(tenant);
      expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done", result: tenant * 2 });
    }
    await worker.close();
    await redis.close();
  });
});

describe("the search commands on a cluster", () => {
  it("go to the node that has the hashes", async () => {
    const nodes = group.nodes.map(({ port }) => new Redis(port));
    for (const node of nodes) node.on("error", () => {});
    const refusals = () =>
      Promise.all(
        nodes.map(async (node) => Number(/errorstat_ERR:count=(\d+)/.exec(await node.info("errorstats"))?.[1] ?? 0)),
      );
    const redis = await connect(group.url, { app: app() });
    const before = await refusals();
    for (let at = 0; at < 9; at += 1)
      await expect(redis.send(["FT.SEARCH", "{one tag}:index", "*"])).rejects.toMatchObject({ code: "unsupported" });
    const refused = (await refusals()).map((count, at) => count - (before[at] as number));
    expect(refused.toSorted((a, b) => a - b)).toEqual([0, 0, 9]);
    await redis.close();
    for (const node of nodes) node.disconnect();
  });
});

describe("the roles on a cluster", () => {
  it("keep each of their scripts in one slot, for 30 tenants over all masters", async () => {
    const redis = await connect(group.url, { app: app() });
    await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const tenant = redis.scope(`tenant ${at}`);
        const cache = createCache<string>(tenant, {
          name: "c",
          embedder: hashEmbedder(),
          minSimilarity: 0.5,
          entriesMax: 9,
        });
        await cache.store("how do I bake bread", "slowly", { subject: "u" });
        expect(await cache.lookup("how do I bake bread")).toMatchObject({ hit: true, match: "exact" });
        expect(await cache.lookup("How can I bake bread?")).toMatchObject({ hit: true, match: "similar" });
        const memory = createMemory(tenant, { name: "m", facts: { embedder: hashEmbedder() } });
        const session = memory.session({ user: `u${at}`, id: "s" });
        expect(await session.append({ role: "user", content: "hi" })).toMatchObject({ version: 1 });
        await session.patchState({ mood: "good" });
        const branch = await session.branch({ id: "b" });
        await branch.append([
          { role: "user", content: "more" },
          { role: "user", content: "and more" },
        ]);
        await branch.rewind(2);
        expect(await branch.remove(2)).toBe(true);
        await memory.facts(`u${at}`).remember({ text: "likes bread", key: "taste" });
        await memory.facts(`u${at}`).remember({ text: "likes cake", key: "taste" });
        expect((await memory.sessions({ user: `u${at}` })).data.map(({ id }) => id).toSorted()).toEqual(["b", "s"]);
        expect(await memory.forget(`u${at}`)).toMatchObject({ sessions: 2, turns: 3, facts: 2 });
        const asking = await cache.stream(
          "which sea is the deepest of them all",
          async function* () {
            yield "quickly";
          },
          { toValue: ([value]) => value, toParts: (value) => [value] },
        );
        for await (const part of asking.parts) expect(part).toBe("quickly");
        const rules = [
          { id: "user", by: "user", limit: 2, windowMs: 60_000 },
          { id: "app", by: "app", limit: 5, windowMs: 60_000 },
        ];
        const limiter = createLimiter(tenant, { name: "l", rules, onUnavailable: "refuse" });
        expect(await limiter.take({ user: `u${at}` })).toMatchObject({ allowed: true, degraded: false });
        const docs = createVectors(tenant, { name: "v", dimensions: 2, metric: "cosine", index: "hnsw" }).namespace(
          `n${at}`,
        );
        await docs.upsert([{ id: "a", vector: [1, at] }]);
        expect(await docs.search({ vector: [1, at] })).toMatchObject([{ id: "a" }]);
      }),
    );
    await redis.close();
  });
});

/** What a topic in 16 partitions knows of how far a group read one of them. */
function cursorOf(redis: { readonly app: string; send(command: readonly string[]): Promise<unknown> }, field: string) {
  return redis.send(["HGET", `{${redis.app}:acme:topic:t}:topic:cursors`, field]);
}

describe("a node of a cluster whose replies are out of step", () => {
  const clients = {
    async ioredis(proxies: readonly RespProxy[]) {
      const natMap = Object.fromEntries(
        ports().map(({ port }, at) => [
          `127.0.0.1:${port}`,
          { host: "127.0.0.1", port: Number(new URL(proxies[at]?.url ?? "").port) },
        ]),
      );
      const client = new Cluster(ports(), { natMap });
      await new Promise((resolve) => client.once("ready", resolve));
      return { redis: fromIoredis(client, { app: app() }), end: () => client.disconnect() };
    },
    async "node-redis"(proxies: readonly RespProxy[]) {
      const client = createCluster({
        rootNodes: ports().map((socket) => ({ socket })),
        nodeAddressMap: (address) => {
          const at = ports().findIndex(({ port }) => address === `127.0.0.1:${port}`);
          return { host: "127.0.0.1", port: Number(new URL(proxies[at]?.url ?? "").port) };
        },
      });
      client.on("error", () => {});
      await client.connect();
      return { redis: fromNodeRedis(client, { app: app() }), end: () => client.destroy() };
    },
  };

  it.each(["ioredis", "node-redis"] as const)(
    "(%s) gives each command its own answer again within moments, on new connections",
    async (name) => {
      const proxies = await Promise.all(group.nodes.map(({ url }) => startProxy(url)));
      const { redis, end } = await clients[name](proxies);
      const keys = Array.from({ length: 12 }, (_, at) => `step ${at}`);
      const isOwn = async (key: string) => {
        const answer = await redis.send(["GET", key], { timeoutMs: 1_000 }).catch(() => key);
        return answer === key;
      };
      try {
        await Promise.all(keys.map((key) => redis.send(["SET", key, key])));
        // One reply of another shape takes the place of all that come at once, of which there are several.
        let shifted = 0;
        for (const proxy of proxies)
          proxy.spoil(() => {
            proxy.spoil(undefined);
            shifted += 1;
            return ":7\r\n";
          });
        await Promise.all(keys.map(isOwn));
        expect(shifted).toBeGreaterThan(0);
        const answers = async () => (await Promise.all(keys.map((key) => redis.send(["GET", key])))).join();
        await until(async () => (await answers().catch(() => "")) === keys.join(), "the own answers");
        for (let times = 0; times < 3; times += 1) expect(await answers()).toBe(keys.join());
      } finally {
        end();
        await Promise.all(proxies.map((proxy) => proxy.close()));
      }
    },
  );
});
