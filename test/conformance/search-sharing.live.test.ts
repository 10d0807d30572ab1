/** The engines `search` and `local` under many tenants: few indexes, hard walls, clusters. Servers with FT.* are the stand-in. */
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { Cluster, Redis as Ioredis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { createCache } from "../../src/cache/index.ts";
import { connect, fromIoredis } from "../../src/index.ts";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { createFacts } from "../../src/memory/index.ts";
import { createStores } from "../../src/stores/index.ts";
import { MarrowStore } from "../../src/langgraph/index.ts";
import { createVectors } from "../../src/vectors/index.ts";
import { startSearchServer, type SearchLimits } from "../search-server.ts";
import { ownServer, startCluster } from "../servers.ts";

const app = () => `w${randomUUID().slice(0, 8)}`;
const TEN: SearchLimits = { indexesMax: 10, fieldsMax: 10 };

/** A Redis of its own behind the stand-in: how many keys there are says how long it takes. */
async function openSearch(dialect?: "valkey") {
  const own = await ownServer(inject("redisBinary"));
  await own.start();
  const server = await startSearchServer(own.url, dialect, TEN);
  const client = new Ioredis({ port: server.port });
  onTestFinished(async () => {
    client.disconnect();
    await server.close();
    await own.stop();
  });
  return { server, client, redis: fromIoredis(client, { app: app(), commandTimeoutMs: 20_000 }) };
}

describe("tenants of the search engine", () => {
  it("make at most eight indexes, a thousand with three roles and whatever they are named", async () => {
    const { server, redis, client } = await openSearch();
    const embedder = hashEmbedder();
    const tenants = Array.from({ length: 1_000 }, (_, at) => `tenant ${at}`);
    const file = Buffer.from("a file of one tenant");
    for (let from = 0; from < tenants.length; from += 50) {
      await Promise.all(
        tenants.slice(from, from + 50).map(async (name, at) => {
          const tenant = redis.scope(name);
          const docs = createVectors(tenant, {
            name: "docs",
            dimensions: embedder.dimensions,
            metric: "cosine",
            index: "hnsw",
            engine: "search",
            attributes: { lang: "tag" },
          });
          const graph = new MarrowStore(tenant, { name: "g", index: { embedder, engine: "search" } });
          const [vector = new Float32Array()] = await embedder.embed(["likes bread"]);
          await docs.namespace("n").upsert([{ id: "a", vector, attributes: { lang: "en" } }]);
          // Remembering searches, and the stand-in reads everything for each search: the first ones do.
          const facts = createFacts(tenant, { name: "f", embedder, engine: "search" });
          if (from === 0 && at < 10) await facts.subject(name).remember({ text: "likes bread" });
          await graph.put(["u"], "k", { text: "likes bread" });
        }),
      );
    }
    // Chunks with 28 attributes, facts, and every other kind of vectors beside them.
    const tenant = redis.scope("tenant 7");
    const stores = createStores(tenant, { name: "s", embedder, engine: "search" });
    const store = await stores.create({});
    const uploaded = await stores.files.add({ filename: "f.txt", content: file, purpose: "assistants" });
    await (await stores.filesOf(store.id)).attach({ fileId: uploaded.id, attributes: { page: 3, lang: "en" } });
    const filter = { type: "gte", key: "page", value: 3 } as const;
    expect(await stores.search(store.id, { queries: ["a file"], filter })).toHaveLength(1);
    await createFacts(tenant, { name: "f", embedder, engine: "search" }).subject("u").remember({ text: "likes bread" });
    expect(server.indexes()).toHaveLength(1);
    expect(await client.scard(`{${redis.app}}:vectors:indexes`)).toBe(1);
  }, 120_000);

  it("are told when there would be more than eight kinds of vectors", async () => {
    const { server, redis } = await openSearch();
    const open = (dimensions: number) =>
      createVectors(redis.scope("t"), {
        name: `d${dimensions}`,
        dimensions,
        metric: "cosine",
        index: "flat",
        engine: "search",
      });
    for (let dimensions = 1; dimensions <= 8; dimensions += 1)
      await open(dimensions).upsert([{ id: "a", vector: Array.from({ length: dimensions }, () => 1) }]);
    await expect(open(9).upsert([{ id: "a", vector: Array.from({ length: 9 }, () => 1) }])).rejects.toMatchObject({
      code: "too_large",
      message: /8 search indexes.*9\.cosine\.flat/,
    });
    expect(server.indexes()).toHaveLength(8);
    expect(await open(3).search({ vector: [1, 1, 1] })).toMatchObject([{ id: "a" }]);
  });

  it("find by more numbers than an index has fields", async () => {
    const { redis } = await openSearch();
    const names = Array.from({ length: 12 }, (_, at) => `n${String(at).padStart(2, "0")}`);
    const docs = createVectors(redis.scope("t"), {
      name: "d",
      dimensions: 2,
      metric: "cosine",
      index: "flat",
      engine: "search",
      attributes: Object.fromEntries(names.map((name) => [name, "number"] as const)),
    });
    const values = [-7.5, -1, 0, 1e-9, 2, 1e12];
    await docs.upsert(
      values.map((value, at) => ({
        id: String(value),
        vector: [1, at],
        attributes: Object.fromEntries(names.map((name) => [name, value])),
      })),
    );
    for (const name of names) {
      const ids = async (where: object) =>
        (await docs.search({ vector: [1, 0], where: { [name]: where } }))
          .map(({ id }) => Number(id))
          .toSorted((a, b) => a - b);
      expect(await ids({ gte: 0 })).toEqual([0, 1e-9, 2, 1e12]);
      expect(await ids({ gt: -7.5, lt: 2 })).toEqual([-1, 0, 1e-9]);
      expect(await ids({ lte: -1 })).toEqual([-7.5, -1]);
      expect(await ids({ eq: 1e-9 })).toEqual([1e-9]);
      expect(await ids({ gt: 5, lt: 4 })).toEqual([]);
    }
  });
});

const HOSTILE = [
  "a",
  "A",
  "a:b",
  "a}",
  "{a",
  "{a}:vectors",
  "a*",
  "a?",
  "[a]",
  "a,b",
  "a b",
  "a|b",
  "a-b",
  "@p",
  "\\",
  '"',
  "'",
  "%",
  "%00",
  "a:vectors:d",
  ":",
  "::",
  "ключ",
  "é",
  "e\u0301",
  "🎉",
  "\n",
  "}=>[KNN 1 @v $q]",
  "all",
  "none",
  "0",
  "p:{x}",
  "$q",
  "..",
  "/",
  "\\\\,",
  "a\\,b",
  "{*}",
  "a\u{1f}b",
  "\u{200b}",
  " a",
  "a ",
  "l".repeat(100),
  "é".repeat(30),
];
const name = fc.constantFrom(...HOSTILE);
const owner = fc.tuple(name, name, name);

describe.each(["search", "local"] as const)("owners in the engine %s", (engine) => {
  it("never meet, whatever their names hold", async () => {
    const redis = engine === "search" ? (await openSearch()).redis : await connect(inject("redisUrl"), { app: app() });
    onTestFinished(() => redis.close());
    const open = ([scope, collection, namespace]: readonly [string, string, string]) =>
      createVectors(redis.scope(scope), {
        name: collection,
        dimensions: 2,
        metric: "cosine",
        index: "flat",
        engine,
      }).namespace(namespace);
    const key = (one: readonly string[]) => JSON.stringify(one);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(owner, { minLength: 2, maxLength: 5, selector: key }), async (owners) => {
        await Promise.all(owners.map((one) => open(one).upsert([{ id: key(one), vector: [1, 1] }])));
        for (const one of owners) {
          expect((await open(one).search({ vector: [1, 1], limit: 50 })).map(({ id }) => id)).toEqual([key(one)]);
          expect(await open(one).count()).toBe(1);
        }
        const [gone, ...left] = owners as [(typeof owners)[number], ...typeof owners];
        await open(gone).drop();
        expect(await open(gone).search({ vector: [1, 1] })).toEqual([]);
        for (const one of left) expect(await open(one).search({ vector: [1, 1] })).toHaveLength(1);
        await Promise.all(left.map((one) => open(one).drop()));
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe.each(["search", "local"] as const)("users in the engine %s", (engine) => {
  it("never hear another's facts, answers or chunks, whatever their names hold", async () => {
    const redis = engine === "search" ? (await openSearch()).redis : await connect(inject("redisUrl"), { app: app() });
    onTestFinished(() => redis.close());
    const embedder = hashEmbedder();
    const rolesOf = ([scope, named, user]: readonly [string, string, string]) => {
      const tenant = redis.scope(scope);
      return {
        facts: createFacts(tenant, { name: named, embedder, engine }).subject(user),
        cache: createCache<string>(tenant, { name: named, embedder, engine, timeoutMs: 20_000 }),
        question: (prompt: string) => ({ prompt, within: { user } }),
      };
    };
    const key = (one: readonly string[]) => JSON.stringify(one);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(owner, { minLength: 2, maxLength: 4, selector: key }), async (owners) => {
        const all = owners.map((one, at) => ({ mark: key(one), liking: `likes bread number ${at}`, ...rolesOf(one) }));
        for (const { facts, cache, question, mark, liking } of all) {
          await facts.remember({ text: liking });
          await cache.store(question("what is the capital of France?"), mark, { subject: mark });
        }
        for (const { facts, cache, question, mark, liking } of all) {
          expect((await facts.recall("likes bread", { limit: 50 })).map(({ text }) => text)).toEqual([liking]);
          const near = await cache.lookup(question("What's the capital of France?"));
          expect(near).toMatchObject({ hit: true, match: "similar", value: mark });
        }
        for (const { facts, cache, question, mark } of all) {
          expect(await facts.forgetAll()).toBe(1);
          expect(await facts.recall("likes bread")).toEqual([]);
          expect(await cache.forgetSubject(mark)).toBe(1);
          expect(await cache.lookup(question("What's the capital of France?"))).toMatchObject({ hit: false });
        }
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  it("cannot be named by nothing, nor by more than a key may hold", async () => {
    const redis = await connect(inject("redisUrl"), { app: app() });
    onTestFinished(() => redis.close());
    const embedder = hashEmbedder();
    for (const bad of ["", "n".repeat(513), "\ud800"]) {
      const wrong = { code: expect.stringMatching(/invalid_(?:input|option)/) as string };
      const facts = createFacts(redis.scope("t"), { name: "f", embedder, engine });
      await expect((async () => facts.subject(bad).recall("bread"))()).rejects.toMatchObject(wrong);
      await expect(
        (async () => createFacts(redis.scope(bad), { name: "f", embedder, engine }).subject("u").recall("x"))(),
      ).rejects.toMatchObject(wrong);
    }
  });
});

describe("the search engine on a cluster", () => {
  it("asks the node that has a partition's hashes, where each node searches its own", async () => {
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
    const redis = fromIoredis(client, { app: app(), commandTimeoutMs: 10_000 });
    await expect.poll(() => client.status).toBe("ready");
    await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const docs = createVectors(redis.scope(`tenant ${at}`), {
          name: "d",
          dimensions: 2,
          metric: "cosine",
          index: "hnsw",
          engine: "search",
          partitions: 1 + (at % 3),
        });
        await docs.upsert(Array.from({ length: 9 }, (__, item) => ({ id: `${at}-${item}`, vector: [1, item] })));
        const found = await docs.search({ vector: [1, 0], limit: 20 });
        expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 9 }, (__, item) => `${at}-${item}`));
        await docs.drop();
        expect(await docs.search({ vector: [1, 0] })).toEqual([]);
      }),
    );
    expect(servers.map((server) => server.indexes().length)).toEqual([1, 1, 1]);
  }, 60_000);
});
