/** The cache over search commands, while the server and its index change under it. Servers with FT.* are the stand-in. */
import { randomUUID } from "node:crypto";
import { Cluster, Redis as Ioredis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { createCache, type Cache } from "../../src/cache/index.ts";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { connect, fromIoredis, type Redis } from "../../src/index.ts";
import { createFacts } from "../../src/memory/index.ts";
import { createVectors } from "../../src/vectors/index.ts";
import { startProxy } from "../resp-proxy.ts";
import type { Answer } from "../resp.ts";
import { startSearchServer, type SearchLimits } from "../search-server.ts";
import { ownServer, startCluster } from "../servers.ts";

const embedder = hashEmbedder();
const CAPITAL = "what is the capital of France?";
const REPHRASED = "What's the capital of France?";
const TEN: SearchLimits = { indexesMax: 10, fieldsMax: 10 };

const cacheOf = (redis: Redis, scope = "acme"): Cache<string> =>
  createCache<string>(redis.scope(scope), { name: "c", embedder, timeoutMs: 20_000 });

async function open(dialect: "redis" | "valkey" = "redis", limits: SearchLimits = {}) {
  const own = await ownServer(inject("redisBinary"));
  await own.start();
  const server = await startSearchServer(own.url, dialect, { ...TEN, ...limits });
  const proxy = await startProxy(server.url);
  const app = `s${randomUUID().slice(0, 8)}`;
  const redis = await connect(proxy.url, { app, commandTimeoutMs: 20_000 });
  await redis.send(["SET", `{${app}}:vectors:engine`, "search"]);
  const plain = new Ioredis(own.url);
  onTestFinished(async () => {
    plain.disconnect();
    await redis.close();
    await proxy.close();
    await server.close();
    await own.stop();
  });
  return { own, server, proxy, redis, plain, index: `${app}:vectors:float32.${embedder.dimensions}.cosine.hnsw` };
}

describe.each(["redis", "valkey"] as const)("a similar hit in the dialect of %s", (dialect) => {
  it("takes two round trips, and a third where scripts may not search", async () => {
    for (const threads of [false, true]) {
      const { redis, proxy } = await open(dialect, { threads });
      const cache = cacheOf(redis);
      await cache.store(CAPITAL, "Paris");
      await cache.lookup("which sea is deep?");
      proxy.reset();
      expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: true, match: "similar", value: "Paris" });
      expect(proxy.roundTrips()).toBe(threads ? 3 : 2);
    }
  });

  it("serves nothing that was forgotten or has ended, though the index has it", async () => {
    for (const threads of [false, true]) {
      const { redis, plain, index } = await open(dialect, { threads });
      const cache = cacheOf(redis);
      await cache.store(CAPITAL, "Paris");
      await cache.forget(CAPITAL);
      expect(await plain.keys(`${index}:*`)).toHaveLength(1);
      expect(await cache.lookup(REPHRASED)).toEqual({ hit: false });
      // What was met without its entry is taken out behind the caller's back.
      await expect.poll(() => plain.keys(`${index}:*`)).toEqual([]);
      await cache.store(CAPITAL, "Paris", { ttlMs: 30 });
      await expect.poll(async () => (await cache.lookup(REPHRASED)).hit).toBe(false);
    }
  });
});

describe("an index that changes under a running cache", () => {
  it("is made anew when it was dropped, and what is stored is found again", async () => {
    const { redis, plain, server, index } = await open();
    const cache = cacheOf(redis);
    await cache.store(CAPITAL, "Paris");
    await redis.send(["FT.DROPINDEX", index]);
    expect(server.indexes()).toEqual([]);
    expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: true, value: "Paris" });
    expect(server.indexes()).toEqual([index]);
    // All is gone, the record of the engine with it: nothing is found, and nothing fails.
    await redis.send(["FLUSHALL"]);
    await plain.set(`{${redis.app}}:vectors:engine`, "search");
    expect(await cache.lookup(REPHRASED)).toEqual({ hit: false });
    await cache.store(CAPITAL, "Paris");
    expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: true });
  });

  it("is made once for all who want it at once", async () => {
    const { redis, plain } = await open();
    const caches = Array.from({ length: 60 }, (_, at) => cacheOf(redis, `t${at}`));
    await Promise.all(caches.map((cache) => cache.store(CAPITAL, "Paris")));
    expect(await plain.scard(`{${redis.app}}:vectors:indexes`)).toBe(1);
  });

  it.each([
    ["lacks the partition", ["x", "TAG"]],
    [
      "has vectors of another length",
      ["p", "TAG", "v", "VECTOR", "FLAT", "6", "TYPE", "FLOAT32", "DIM", "3", "DISTANCE_METRIC", "COSINE"],
    ],
    ["has no vectors", ["p", "TAG", "t", "TAG"]],
    ["has text for the vectors", ["p", "TAG", "v", "TEXT"]],
  ])("and has the name, but another schema, is told with its name: it %s", async (_, schema) => {
    const { redis, index } = await open();
    await redis.send(["FT.CREATE", index, "ON", "HASH", "PREFIX", "1", `${index}:`, "SCHEMA", ...schema]);
    const docs = createVectors(redis.scope("t"), {
      name: "d",
      dimensions: embedder.dimensions,
      metric: "cosine",
      index: "hnsw",
      engine: "search",
    });
    const [vector = new Float32Array()] = await embedder.embed(["a"]);
    const used = docs.upsert([{ id: "a", vector }]).then(() => docs.search({ vector }));
    await expect(used).rejects.toMatchObject({
      code: "redis_rejected",
      message: expect.stringContaining(index) as string,
    });
    // The cache's callers are answered without it.
    const cache = cacheOf(redis);
    expect(await cache.through(CAPITAL, async () => "Paris")).toMatchObject({ value: "Paris" });
  });
});

describe("a server that changes under a running cache", () => {
  it("and loses its module serves exactly, and fails no lookup and no store", async () => {
    const { redis, own, proxy } = await open();
    const cache = cacheOf(redis);
    await cache.store(CAPITAL, "Paris");
    expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: true });
    proxy.lead(own.url);
    proxy.cut();
    await expect.poll(() => redis.send(["PING"]).catch(() => "")).toBe("PONG");
    expect(await cache.lookup(CAPITAL)).toMatchObject({ hit: true, match: "exact" });
    expect(await cache.lookup(REPHRASED)).toEqual({ hit: false });
    expect(await cache.store("which sea is deep?", "the Pacific")).toBe(true);
    expect(await cache.lookup("which sea is deep?")).toMatchObject({ hit: true });
    await expect(createFacts(redis.scope("t"), { name: "f", embedder }).subject("u").recall("bread")).resolves.toEqual(
      [],
    );
  });

  it("and gains vector sets goes on with what is recorded", async () => {
    const { redis, own } = await open();
    await cacheOf(redis).store(CAPITAL, "Paris");
    const again = await connect(own.url, { app: redis.app });
    onTestFinished(() => again.close());
    // This process sees vector sets and no search: it neither mixes engines nor fails.
    expect(await cacheOf(again).lookup(CAPITAL)).toMatchObject({ hit: true });
    expect(await cacheOf(again).lookup(REPHRASED)).toEqual({ hit: false });
    expect(await cacheOf(again).store("which sea is deep?", "the Pacific")).toBe(true);
    expect(await cacheOf(redis).lookup(REPHRASED)).toMatchObject({ hit: true });
  });
});

type Pairs = readonly (readonly [string, Answer])[];

/** A search's answer with each row changed: `[total, key, fields, ...]` within scripts, a map to those who speak RESP3. */
function rows(change: (key: Answer, fields: readonly Answer[]) => Answer[]): (answer: Answer) => Answer {
  return (answer) => {
    if (isMap(answer)) {
      const results = answer.map.find(([name]) => name === "results")?.[1] as readonly { map: Pairs }[];
      const changed = results.flatMap(({ map }) => {
        const of = new Map(map);
        const fields = of.get("extra_attributes") as { map: Pairs };
        const list = change(of.get("id") as Answer, fields.map.flat());
        return pairsOf(list).map(([key, given]): Answer => ({
          map: [
            ["id", key],
            ["extra_attributes", Array.isArray(given) ? { map: pairsOf(given as Answer[]) as Pairs } : given],
          ],
        }));
      });
      return { map: answer.map.map(([name, value]) => [name, name === "results" ? changed : value] as const) };
    }
    if (!Array.isArray(answer)) return answer;
    const [total = 0, ...list] = answer as readonly Answer[];
    return [total, ...pairsOf(list).flatMap(([key, fields]) => change(key, fields as readonly Answer[]))];
  };
}

const textOf = (value: Answer | undefined) =>
  Buffer.isBuffer(value) || typeof value === "string" ? value.toString() : "";

const isMap = (answer: Answer): answer is { readonly map: Pairs } =>
  typeof answer === "object" && answer !== null && "map" in answer;

const pairsOf = (list: readonly Answer[]) =>
  Array.from({ length: list.length / 2 }, (_, at) => [list[at * 2], list[at * 2 + 1]] as [Answer, Answer]);

const withDistance = (text: string) =>
  rows((key, fields) => [
    key,
    fields.map((value, at) => (at % 2 === 1 && textOf(fields[at - 1]) === "d" ? text : value)),
  ]);

describe("a search that comes out badly", () => {
  const MISS = { hit: false };
  const HIT = { hit: true, value: "Paris" };
  it.each<[string, (answer: Answer) => Answer, unknown]>([
    ["a distance that is nan", withDistance("nan"), MISS],
    ["a distance that is -nan", withDistance("-nan"), MISS],
    ["a distance that is inf", withDistance("inf"), MISS],
    ["a distance that is no number", withDistance("near"), MISS],
    ["an empty distance", withDistance(""), MISS],
    ["rows that ended meanwhile", rows((key) => [key, null]), MISS],
    ["rows without fields", rows((key) => [key, []]), MISS],
    ["rows of another partition", rows((key, fields) => [`x${textOf(key)}`, fields]), MISS],
    ["keys that are cut", rows((key, fields) => [textOf(key).slice(0, 20), fields]), MISS],
    ["ids that are no ids", rows((key, fields) => [`${textOf(key)}\r\n*:}`, fields]), MISS],
    ["a count and no rows, after a silent timeout", (answer) => (isMap(answer) ? rows(() => [])(answer) : [3]), MISS],
    ["nothing while the index is built", rows(() => []), MISS],
    ["the same row twice", rows((key, fields) => [key, fields, key, fields]), HIT],
    ["distances a hair below zero", withDistance("-1.19209289551e-07"), HIT],
    [
      "a count that is too large",
      (answer) => (isMap(answer) ? answer : [9_999, ...(answer as Answer[]).slice(1)]),
      HIT,
    ],
  ])("is a miss or what is right: %s", async (_, spoil, wanted) => {
    for (const threads of [false, true]) {
      let spoils = false;
      const { redis } = await open("redis", { threads, spoil: (answer) => (spoils ? spoil(answer) : answer) });
      const cache = cacheOf(redis);
      await cache.store(CAPITAL, "Paris");
      spoils = true;
      expect(await cache.lookup(REPHRASED)).toMatchObject(wanted as object);
      spoils = false;
      // Nothing that was met by mistake was taken out.
      if (!/ids|ended/.test(_)) expect(await cache.lookup(REPHRASED)).toMatchObject(HIT);
    }
  });

  it.each([
    ["Timeout limit was reached", "timeout"],
    ["Search operation cancelled due to timeout", "timeout"],
    ["LOADING Redis is loading the dataset in memory", "unavailable"],
    ["BUSY Redis is busy running a script", "unavailable"],
    ["CLUSTERDOWN The cluster is down", "unavailable"],
    ["NOPERM User does not have the required permissions to query the index", "redis_denied"],
    ["ERR unknown command 'FT.SEARCH', with args beginning with:", "unsupported"],
    ["SEARCH_SOMETHING new and odd", "redis_rejected"],
    ["Syntax error at offset 1 near >[", "redis_rejected"],
  ])("with an error is told as what it is, and callers are answered: %s", async (message, code) => {
    const { redis } = await open("redis", { spoil: () => ({ error: message }) });
    const docs = createVectors(redis.scope("t"), {
      name: "d",
      dimensions: 2,
      metric: "cosine",
      index: "hnsw",
      engine: "search",
    });
    // Whether the index is there is asked by a search.
    await Promise.allSettled([docs.upsert([{ id: "a", vector: [1, 1] }])]);
    await expect(docs.search({ vector: [1, 1] })).rejects.toMatchObject({ code });
    expect(await cacheOf(redis).through(CAPITAL, async () => "Paris")).toMatchObject({ value: "Paris" });
    expect(await cacheOf(redis).through(CAPITAL, async () => "asked again")).toMatchObject({ value: "Paris" });
  });
});

describe("the cache over search commands on a cluster", () => {
  it("finds, forgets and keeps tenants apart, where each node searches its own", async () => {
    const group = await startCluster(inject("redisBinary"));
    const servers = await Promise.all(group.nodes.map(({ url }) => startSearchServer(url, "redis", TEN)));
    const natMap = Object.fromEntries(
      group.nodes.map(({ port }, at) => [`127.0.0.1:${port}`, { host: "127.0.0.1", port: servers[at]?.port ?? 0 }]),
    );
    const client = new Cluster([{ host: "127.0.0.1", port: servers[0]?.port ?? 0 }], { natMap });
    onTestFinished(async () => {
      client.disconnect();
      await Promise.all(servers.map((server) => server.close()));
      await group.stop();
    });
    const redis = fromIoredis(client, { app: `s${randomUUID().slice(0, 8)}`, commandTimeoutMs: 20_000 });
    await expect.poll(() => client.status).toBe("ready");
    await redis.send(["SET", `{${redis.app}}:vectors:engine`, "search"]);
    await Promise.all(
      Array.from({ length: 9 }, async (_, at) => {
        const cache = cacheOf(redis, `tenant ${at}`);
        await cache.store(CAPITAL, `Paris ${at}`, { subject: "u" });
        expect(await cache.lookup(REPHRASED)).toMatchObject({ hit: true, match: "similar", value: `Paris ${at}` });
        expect(await cache.forgetSubject("u")).toBe(1);
        expect(await cache.lookup(REPHRASED)).toEqual({ hit: false });
        const facts = createFacts(redis.scope(`tenant ${at}`), { name: "f", embedder }).subject("u");
        await facts.remember({ text: "likes bread" });
        expect(await facts.recall("likes bread")).toHaveLength(1);
        expect(await facts.forgetAll()).toBe(1);
      }),
    );
    expect(servers.every((server) => server.indexes().length <= 1)).toBe(true);
  }, 60_000);
});
