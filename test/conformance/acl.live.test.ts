/** The roles as users with exactly the rights that docs/operations.md names. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { createCache } from "../../src/cache/index.ts";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { connect, type Redis } from "../../src/index.ts";
import { findMissingRights } from "../../src/gateway/http/rights.ts";
import { createLimiter } from "../../src/limiter/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue, createWorker } from "../../src/queue/index.ts";
import { createStores } from "../../src/stores/index.ts";
import { createVectors, type RedisEngine } from "../../src/vectors/index.ts";
import { startSearchServer } from "../search-server.ts";

const manual = readFileSync("docs/operations.md", "utf8");
const lines = [...manual.matchAll(/^ACL SETUSER marrow (.*)$/gm)].map(([, rules]) => rules as string);
const embedder = hashEmbedder();

/** What a user is given beside a line, for the engines whose commands are in no category. */
const ALSO = { vectorset: also("+vadd"), search: also("+ft.create"), local: [] };

function also(first: string): readonly string[] {
  const start = manual.indexOf(`ACL SETUSER marrow ${first}`) + "ACL SETUSER marrow ".length;
  return manual.slice(start, manual.indexOf("`", start)).split(" ");
}

/** The engines of this server, and search commands by the stand-in. */
const ENGINES: readonly RedisEngine[] =
  inject("redisKind") === "redis8" ? ["vectorset", "search", "local"] : ["search", "local"];

/** A connection as a user with the rules of a line and what its engine needs besides, for an app of the test's own. */
async function connectAs(rules: string | undefined, engine: RedisEngine): Promise<Redis> {
  const app = `a${randomUUID().slice(0, 8)}`;
  const server = engine === "search" ? await startSearchServer(inject("redisUrl")) : undefined;
  const url = server?.url ?? inject("redisUrl");
  const admin = await connect(url);
  const words = (rules ?? "").replaceAll("marrow", app).replace("PASSWORD", "secret").split(" ");
  await admin.send(["ACL", "SETUSER", app, ...words, ...ALSO[engine]]);
  const redis = await connect(url, { app, username: app, password: "secret", commandTimeoutMs: 20_000 });
  onTestFinished(async () => {
    await redis.close();
    await admin.send(["ACL", "DELUSER", app]);
    await admin.close();
    await server?.close();
  });
  return redis;
}

async function useStores(redis: Redis): Promise<void> {
  const tenant = redis.scope("acme");
  expect((await redis.capabilities()).engine).not.toBe("unknown");
  const cache = createCache<string>(tenant, {
    name: "c",
    embedder,
    minSimilarity: 0.5,
    entriesMax: 9,
    timeoutMs: 20_000,
  });
  await cache.store({ prompt: "how do I bake bread", tags: ["t"] }, "slowly", { subject: "u" });
  expect(await cache.lookup("how do I bake bread")).toMatchObject({ hit: true });
  await cache.lookup("How can I bake bread?");
  expect(await cache.through("which sea is deep", async () => "blue")).toMatchObject({ value: "blue" });
  await cache.invalidate(["t"]);
  await cache.forgetSubject("u");
  const limiter = createLimiter(tenant, {
    name: "l",
    rules: [{ id: "user", by: "user", limit: 2, windowMs: 60_000 }],
    onUnavailable: "refuse",
    timeoutMs: 20_000,
  });
  expect(await limiter.take({ user: "u" })).toMatchObject({ allowed: true, degraded: false });
  for (const engine of ["auto", "local"] as const) {
    const docs = createVectors(tenant, { name: engine, dimensions: 2, metric: "cosine", index: "hnsw", engine });
    await docs.upsert([{ id: "a", vector: [1, 0], ttlMs: 60_000 }]);
    expect(await docs.search({ vector: [1, 0] })).toHaveLength(1);
    expect((await docs.info()).items).toBe(1);
    for await (const page of docs.scan()) expect(page).toHaveLength(1);
    await docs.drop();
  }
  const stores = createStores(tenant, { name: "s", embedder });
  const { id } = await stores.create({});
  const file = await stores.files.add({
    filename: "f.txt",
    purpose: "assistants",
    content: Buffer.from("about bread"),
  });
  await (await stores.filesOf(id)).attach({ fileId: file.id });
  expect(await stores.search(id, { queries: ["bread"] })).toHaveLength(1);
  await stores.remove(id);
  const facts = createMemory(tenant, { name: "m", facts: { embedder } }).facts("u");
  await facts.remember({ text: "likes bread" });
  expect(await facts.recall("likes bread")).toHaveLength(1);
  expect(await facts.forgetAll()).toBe(1);
}

async function useMessages(redis: Redis): Promise<void> {
  const tenant = redis.scope("acme");
  const memory = createMemory(tenant, { name: "m", facts: { embedder } });
  const session = memory.session({ user: "u", id: "s" });
  await session.append({ role: "user", content: "hi" });
  expect(await session.remove(1)).toBe(true);
  expect(await memory.forget("u")).toMatchObject({ sessions: 1 });
  const worker = createWorker<number, number>(redis, { name: "q" }, ({ payload }) => payload * 2);
  const queue = createQueue<number, number>(tenant, { name: "q" });
  expect(await queue.wait(await queue.push(2), { waitMs: 5_000 })).toMatchObject({ state: "done", result: 4 });
  await worker.close();
  const bus = createBus(tenant);
  const read: string[] = [];
  const heard: string[] = [];
  const reader = bus.topic<string>("t").read("g", ({ body }) => void read.push(body), { from: "start" });
  const listening = await bus.subscribe(["live"], () => void heard.push("live"));
  await bus.topic<string>("t").publish("durable");
  await bus.publish("live", 1);
  await expect.poll(() => [read, heard], { timeout: 10_000 }).toEqual([["durable"], ["live"]]);
  await reader.close();
  await listening.close();
  await bus.close();
}

describe.each(ENGINES)("a user with the rights that the documents name for the engine %s", (engine) => {
  it("for cache, limiter, vectors, stores and facts can use them", async () => {
    const redis = await connectAs(lines[0], engine);
    expect(await findMissingRights(redis, 20_000)).toContain("PUBLISH");
    await expect(useStores(redis)).resolves.toBeUndefined();
    // No engine is named or recorded before: it is the best that these rights allow.
    expect(await redis.send(["GET", `{${redis.app}}:vectors:engine`])).toBe(engine);
  });

  it("for the gateway, its worker, queue and bus can use everything", async () => {
    const redis = await connectAs(lines[1], engine);
    await expect(useStores(redis)).resolves.toBeUndefined();
    await expect(useMessages(redis)).resolves.toBeUndefined();
    // What /readyz asks for is no more than the documents name, and gateways hear each other.
    expect(await findMissingRights(redis, 20_000)).toEqual([]);
    await expect(redis.send(["PUBLISH", `${redis.app}:gateway:reload`, ""])).resolves.toBe(0);
  });

  it("cannot reach another app's keys, nor do what harms the server", async () => {
    const redis = await connectAs(lines[1], engine);
    const denied = { code: "redis_denied" };
    await expect(redis.send(["GET", "{other:acme}:x"])).rejects.toMatchObject(denied);
    await expect(redis.send(["FLUSHALL"])).rejects.toMatchObject(denied);
    await expect(redis.send(["CONFIG", "GET", "*"])).rejects.toMatchObject(denied);
    await expect(redis.send(["KEYS", "*"])).rejects.toMatchObject(denied);
  });
});
