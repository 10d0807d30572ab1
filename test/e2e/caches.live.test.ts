import { LangCache } from "@redis-ai/langcache";
import { SearchStrategy } from "@redis-ai/langcache/models";
import { BadRequestErrorResponseContent, NotFoundErrorResponseContent } from "@redis-ai/langcache/models/errors";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createCache } from "../../src/cache/index.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { createGateway } from "../../src/gateway/index.ts";
import { liveTest, inSearch } from "../live.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

let caches = 0;
/** The official client of a cache of its own, with nothing but the server's URL changed. */
function open(options: { readonly cacheId?: string; readonly apiKey?: string } = {}): LangCache {
  const serverURL = new URL(gateway.baseURL).origin;
  return new LangCache({ serverURL, apiKey: gateway.key, cacheId: `c${(caches += 1)}`, ...options });
}
const CAPITAL = "What is the capital of France?";
const REPHRASED = "what is France's capital";

async function call(method: string, path: string, body?: unknown, key = gateway.key) {
  const response = await fetch(gateway.baseURL + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("LangCache's client with only its server's URL changed", () => {
  it("stores an entry and finds it by the same prompt and by a paraphrase", async () => {
    const cache = open();
    const { entryId } = await cache.set({ prompt: CAPITAL, response: "Paris" });
    const { data } = await cache.search({ prompt: CAPITAL, searchStrategies: [SearchStrategy.Exact] });
    expect(data).toEqual([
      { id: entryId, prompt: CAPITAL, response: "Paris", attributes: {}, similarity: 1, searchStrategy: "exact" },
    ]);
    const near = await cache.search({ prompt: REPHRASED });
    expect(near.data[0]).toMatchObject({ id: entryId, response: "Paris", searchStrategy: "semantic" });
    expect(near.data[0]?.similarity).toBeLessThan(1);
    expect((await cache.search({ prompt: "What is the capital of Germany?" })).data).toEqual([]);
  });

  it("is given nothing below its threshold, nor by another strategy than it asked for", async () => {
    const cache = open();
    await cache.set({ prompt: CAPITAL, response: "Paris" });
    const { data } = await cache.search({ prompt: REPHRASED, similarityThreshold: 0.5 });
    const similarity = data[0]?.similarity ?? 0;
    expect((await cache.search({ prompt: REPHRASED, similarityThreshold: similarity })).data).toHaveLength(1);
    expect((await cache.search({ prompt: REPHRASED, similarityThreshold: similarity + 0.001 })).data).toEqual([]);
    expect((await cache.search({ prompt: REPHRASED, searchStrategies: ["exact"] })).data).toEqual([]);
    expect((await cache.search({ prompt: REPHRASED, searchStrategies: ["exact", "semantic"] })).data).toHaveLength(1);
  });

  it("finds entries by any part of their attributes, and never by other ones", async () => {
    const cache = open();
    const [fr, en] = [
      { language: "fr", product: "x" },
      { language: "en", product: "x" },
    ];
    await cache.set({ prompt: CAPITAL, response: "C'est Paris", attributes: fr });
    await cache.set({ prompt: CAPITAL, response: "It is Paris", attributes: en });
    const ask = async (attributes?: Record<string, string>, prompt = CAPITAL) =>
      (await cache.search({ prompt, ...(attributes !== undefined && { attributes }) })).data[0];
    expect(await ask(fr)).toMatchObject({ response: "C'est Paris", attributes: fr });
    expect(await ask({ product: "x", language: "en" })).toMatchObject({ response: "It is Paris", attributes: en });
    expect(await ask({ language: "en" })).toMatchObject({ response: "It is Paris" });
    expect(await ask({ language: "en" }, REPHRASED)).toMatchObject({ response: "It is Paris" });
    expect(await ask({ product: "x" })).toBeDefined();
    expect(await ask()).toBeDefined();
    expect(await ask({ language: "de" })).toBeUndefined();
    expect(await ask({ language: "en", product: "y" })).toBeUndefined();
    expect(await ask({ language: "en", product: "x", more: "z" })).toBeUndefined();
  });

  it("replaces the entry of a prompt that it stores again", async () => {
    const cache = open();
    const one = await cache.set({ prompt: CAPITAL, response: "Lyon" });
    const other = await cache.set({ prompt: CAPITAL, response: "Paris" });
    expect(other.entryId).toBe(one.entryId);
    expect((await cache.search({ prompt: CAPITAL })).data).toMatchObject([{ response: "Paris" }]);
  });

  it("deletes by id, once", async () => {
    const cache = open();
    const { entryId } = await cache.set({ prompt: CAPITAL, response: "Paris" });
    await cache.deleteById(entryId);
    expect((await cache.search({ prompt: CAPITAL })).data).toEqual([]);
    await expect(cache.deleteById(entryId)).rejects.toBeInstanceOf(NotFoundErrorResponseContent);
  });

  it("deletes all entries that have the attributes, and is told how many there were", async () => {
    const cache = open();
    for (const language of ["en", "fr"])
      for (const product of ["x", "y"])
        await cache.set({ prompt: CAPITAL, response: "Paris", attributes: { language, product } });
    await cache.set({ prompt: "What is the capital of Italy?", response: "Rome", attributes: { language: "en" } });
    expect(await cache.deleteQuery({ attributes: { language: "en", product: "x" } })).toEqual({
      deletedEntriesCount: 1,
    });
    expect(await cache.deleteQuery({ attributes: { language: "en" } })).toEqual({ deletedEntriesCount: 2 });
    expect(await cache.deleteQuery({ attributes: { language: "en" } })).toEqual({ deletedEntriesCount: 0 });
    expect((await cache.search({ prompt: CAPITAL, attributes: { language: "fr" } })).data).toHaveLength(1);
    expect((await cache.search({ prompt: CAPITAL, attributes: { language: "en" } })).data).toEqual([]);
  });

  it("flushes a cache, and no other", async () => {
    const [cache, other] = [open(), open()];
    for (const one of [cache, other]) await one.set({ prompt: CAPITAL, response: "Paris", attributes: { a: "b" } });
    await cache.flush();
    expect((await cache.search({ prompt: CAPITAL })).data).toEqual([]);
    expect((await other.search({ prompt: CAPITAL })).data).toHaveLength(1);
  });

  it("lets an entry end when its life does", async () => {
    const cache = open();
    await cache.set({ prompt: CAPITAL, response: "Paris", ttlMillis: 200 });
    expect((await cache.search({ prompt: CAPITAL })).data).toHaveLength(1);
    await expect.poll(async () => (await cache.search({ prompt: CAPITAL })).data).toEqual([]);
  });

  it("is told what is wrong as its own errors, which name the field", async () => {
    const cache = open();
    const failure = await cache.search({ prompt: CAPITAL, similarityThreshold: 7 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BadRequestErrorResponseContent);
    expect(failure).toMatchObject({
      status: 400,
      type: "/errors/invalid-data",
      fields: [{ field: "similarityThreshold" }],
    });
    await expect(cache.set({ prompt: "And how old is he?", response: "9" })).rejects.toMatchObject({ status: 400 });
    await expect(open({ apiKey: "mrw_unknown" }).search({ prompt: "a" })).rejects.toMatchObject({
      statusCode: 401,
      type: "/errors/authentication-failed",
    });
    await expect(open({ cacheId: "chat" }).flush()).rejects.toMatchObject({ status: 400 });
  });
});

describe("a named cache", () => {
  it("is the library's cache of that name, for both sides", async () => {
    const client = open({ cacheId: "shared" });
    const library = createCache<unknown>(gateway.redis.scope("acme"), { name: "shared", embedder: staticEmbedder() });
    await library.store(CAPITAL, "Paris");
    expect((await client.search({ prompt: CAPITAL })).data).toMatchObject([{ response: "Paris", prompt: CAPITAL }]);
    const italy = "What is the capital of Italy?";
    await client.set({ prompt: italy, response: "Rome" });
    expect(await library.lookup(italy)).toMatchObject({ hit: true, value: { response: "Rome" } });
    const within = { attributes: { language: "en" } };
    await client.set({ prompt: italy, response: "It is Rome", ...within });
    expect(await library.lookup({ prompt: italy, within })).toMatchObject({ value: { response: "It is Rome" } });
    await client.flush();
    expect(await library.lookup(CAPITAL)).toMatchObject({ hit: false });
  });

  it("keeps what a user stores for that user, who reads the scope's entries too and changes none of them", async () => {
    const cacheId = "users";
    const keyOf = (user: string) => gateway.keys.create({ scope: "acme", user, name: user, actsFor: "own" });
    const [ann, bob] = [open({ cacheId, apiKey: await keyOf("ann") }), open({ cacheId, apiKey: await keyOf("bob") })];
    const house = open({ cacheId });
    const own = "What is the colour of the tea pot?";
    const { entryId } = await ann.set({ prompt: own, response: "Green", attributes: { a: "b" } });
    const { entryId: all } = await house.set({ prompt: CAPITAL, response: "Paris" });
    expect((await ann.search({ prompt: own })).data).toMatchObject([{ response: "Green" }]);
    for (const other of [bob, house]) expect((await other.search({ prompt: own })).data).toEqual([]);
    expect((await bob.search({ prompt: CAPITAL })).data).toMatchObject([{ response: "Paris" }]);
    await bob.set({ prompt: CAPITAL, response: "Bobville" });
    expect((await house.search({ prompt: CAPITAL })).data).toMatchObject([{ response: "Paris" }]);
    expect((await bob.search({ prompt: CAPITAL })).data).toMatchObject([{ response: "Bobville" }]);
    await expect(bob.deleteById(entryId)).rejects.toMatchObject({ status: 404 });
    await expect(ann.deleteById(all)).rejects.toMatchObject({ status: 404 });
    expect(await bob.deleteQuery({ attributes: { a: "b" } })).toEqual({ deletedEntriesCount: 0 });
    await bob.flush();
    expect((await ann.search({ prompt: own })).data).toHaveLength(1);
    expect((await house.search({ prompt: CAPITAL })).data).toHaveLength(1);
  });

  it("is forgotten with its user", async () => {
    const key = await gateway.keys.create({ scope: "acme", user: "cleo", name: "cleo", actsFor: "own" });
    const cleo = open({ apiKey: key });
    await cleo.set({ prompt: CAPITAL, response: "Paris" });
    const { body } = await call("POST", "/memories/forget", {}, key);
    expect(body).toMatchObject({ cache_entries: 1 });
    expect((await cleo.search({ prompt: CAPITAL })).data).toEqual([]);
  });

  it("refuses what it does not know by the name of the field, and bounds what may be chosen", async () => {
    const at = "/caches/bounds/entries";
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`a${i}`, "x"]));
    for (const [body, field] of [
      [{ prompt: "a", response: "b", ttl: 1 }, "ttl"],
      [{ prompt: "a", response: "b", attributes: many }, "attributes"],
      [{ prompt: "a", response: "b", attributes: { a: 1 } }, "attributes.a"],
      [{ prompt: "a", response: "b", ttlMillis: 0 }, "ttlMillis"],
      [{ prompt: "x".repeat(100_001), response: "b" }, "prompt"],
      [{ prompt: "a" }, "response"],
    ] as const) {
      const answer = await call("POST", at, body);
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).toContain(field);
    }
    expect(await call("POST", at, { prompt: "What is a lot?", response: "x".repeat(2_000_000) })).toMatchObject({
      status: 413,
      body: { type: "/errors/payload-too-large" },
    });
    expect(await call("DELETE", at, { attributes: {} })).toMatchObject({ status: 400 });
    expect(await call("POST", "/caches/a~b/entries", { prompt: "a", response: "b" })).toMatchObject({ status: 400 });
  });

  it("is one of a hundred that a scope may have", async () => {
    const key = await gateway.keys.create({ scope: "many", user: "u", name: "many", actsFor: "any" });
    const store = (at: number) => call("POST", `/caches/m${at}/entries`, { prompt: CAPITAL, response: "Paris" }, key);
    const answers: { readonly status: number }[] = [];
    for (let at = 0; at < 101; at += 1) answers.push(await store(at));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(100);
    const refused = answers.filter(({ status }) => status === 413);
    expect(refused).toMatchObject([{ body: { title: "Too many caches", error: { param: "cache" } } }]);
    expect(JSON.stringify(refused[0])).toContain("100 caches");
    await call("DELETE", "/caches/m1/entries", { attributes: { of: "nobody" } }, key);
    expect(await store(100)).toMatchObject({ status: 413 });
    const flush = (name: string) =>
      fetch(`${gateway.baseURL}/caches/${name}/flush`, { method: "POST", headers: { authorization: `Bearer ${key}` } });
    expect((await flush("m7")).status).toBe(204);
    expect(await store(100)).toMatchObject({ status: 201 });
    expect(await store(7)).toMatchObject({ status: 413 });
  });

  it("counts no more once the last of its entries were deleted by their attributes", async () => {
    const key = await gateway.keys.create({ scope: "fewer", user: "u", name: "fewer", actsFor: "any" });
    const store = (at: number) =>
      call("POST", `/caches/m${at}/entries`, { prompt: CAPITAL, response: "Paris", attributes: { a: "b" } }, key);
    for (let at = 0; at < 100; at += 1) await store(at);
    expect(await store(100)).toMatchObject({ status: 413 });
    expect(await call("DELETE", "/caches/m3/entries", { attributes: { a: "b" } }, key)).toMatchObject({ status: 200 });
    expect(await store(100)).toMatchObject({ status: 201 });
  });

  it("keeps the entry that is there when there is no room for the one that is to replace it", async () => {
    const small = await startTestGateway({ redisUrl: inject("redisUrl"), config: { limits: { scopeBytes: 10_000 } } });
    const cache = new LangCache({ serverURL: new URL(small.baseURL).origin, apiKey: small.key, cacheId: "c" });
    const told = async () => (await cache.search({ prompt: CAPITAL })).data.map(({ response }) => response.slice(0, 5));
    await cache.set({ prompt: CAPITAL, response: "Paris" });
    for (const length of [9_500, 2_000_000])
      await expect(cache.set({ prompt: CAPITAL, response: "x".repeat(length) })).rejects.toMatchObject({
        statusCode: 413,
      });
    expect(await told()).toEqual(["Paris"]);
    // It counts as it did: what is left is what was left.
    const fits = { prompt: "What is the capital of Italy?", response: "x".repeat(7_000) };
    await cache.set(fits);
    await expect(cache.set({ prompt: CAPITAL, response: "y".repeat(3_000) })).rejects.toMatchObject({
      statusCode: 413,
    });
    expect(await told()).toEqual(["Paris"]);
    await cache.set({ prompt: CAPITAL, response: "Lutetia" });
    expect(await told()).toEqual(["Lutet"]);
    await small.close();
  });

  it("keeps an entry, and counts it as it did, when one that is larger than a cache takes is to replace it", async () => {
    const cache = open();
    await cache.set({ prompt: CAPITAL, response: "Paris" });
    await expect(cache.set({ prompt: CAPITAL, response: "x".repeat(2_000_000) })).rejects.toMatchObject({
      statusCode: 413,
    });
    expect((await cache.search({ prompt: CAPITAL })).data).toMatchObject([{ response: "Paris" }]);
  });

  it("takes room of its scope for as long as an entry is kept, and gives it back", async () => {
    const small = await startTestGateway({ redisUrl: inject("redisUrl"), config: { limits: { scopeBytes: 10_000 } } });
    const serverURL = new URL(small.baseURL).origin;
    const cache = new LangCache({ serverURL, apiKey: small.key, cacheId: "c" });
    const response = "x".repeat(6_000);
    const { entryId } = await cache.set({ prompt: CAPITAL, response });
    await cache.set({ prompt: CAPITAL, response });
    const more = { prompt: "What is the capital of Italy?", response, attributes: { a: "b" } };
    await expect(cache.set(more)).rejects.toMatchObject({ statusCode: 413 });
    expect((await cache.search({ prompt: more.prompt })).data).toEqual([]);
    await cache.deleteById(entryId);
    await cache.set(more);
    await cache.deleteQuery({ attributes: { a: "b" } });
    await cache.set({ prompt: CAPITAL, response });
    await cache.flush();
    await cache.set(more);
    await small.close();
  });
});

describe("a named cache's cost over HTTP", () => {
  liveTest(
    "is one round trip more than the library's at most, and two more to store",
    async ({ counted, proxy, redis }) => {
      const app = createGateway({
        redis: counted,
        models: [],
        embedder: staticEmbedder(),
        config: { logLevel: "silent" },
      });
      const { createApiKeys } = await import("../../src/gateway/index.ts");
      const key = await createApiKeys(redis).create({ scope: "acme", user: "u", name: "n", actsFor: "any" });
      const send = async (method: "POST" | "DELETE", path: string, payload?: object) => {
        const headers = { authorization: `Bearer ${key}` };
        const answer = await app.inject({ method, url: `/v1/caches/c${path}`, headers, ...(payload && { payload }) });
        expect(answer.statusCode).toBeLessThan(300);
        return answer.body === "" ? undefined : answer.json();
      };
      const entry = { prompt: CAPITAL, response: "Paris" };
      const warm = { prompt: "What is a round trip?", response: "A way and back", attributes: { a: "b", c: "d" } };
      await send("POST", "/entries", warm);
      await send("POST", "/entries/search", { prompt: "what's a round trip", attributes: { a: "b" } });
      // An engine in the process copies the questions of a partition at the first search.
      await send("POST", "/entries", { prompt: warm.prompt, response: warm.response });
      await send("POST", "/entries/search", { prompt: "what's a round trip" });
      await send("DELETE", "/entries", { attributes: { a: "b" } });
      await send("DELETE", `/entries/${(await send("POST", "/entries", warm)).entryId}`);
      await send("POST", "/entries", warm);
      const trips = async (act: () => Promise<unknown>) => {
        proxy.reset();
        await act();
        return proxy.roundTrips();
      };
      const similar = inSearch ? 3 : 2;
      let entryId = "";
      expect(await trips(async () => ({ entryId } = await send("POST", "/entries", entry)))).toBe(1 + 2);
      expect(await trips(() => send("POST", "/entries/search", { prompt: CAPITAL }))).toBe(1 + 1);
      expect(await trips(() => send("POST", "/entries/search", { prompt: REPHRASED }))).toBeLessThanOrEqual(
        similar + 1,
      );
      const part = { prompt: warm.prompt, attributes: { a: "b" } };
      expect(await trips(() => send("POST", "/entries/search", part))).toBeLessThanOrEqual(similar + 1);
      expect(await trips(() => send("DELETE", `/entries/${entryId}`))).toBe(1 + 1);
      await app.close();
    },
  );
});
