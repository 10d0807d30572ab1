/** Every error that Redis words, through every role and the gateway. What each error means is tested in src/redis/failure.test.ts. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { createCache } from "../../src/cache/index.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { connect } from "../../src/index.ts";
import { createLimiter } from "../../src/limiter/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { verdictOf, type Redis, type ScopedRedis } from "../../src/redis/index.ts";
import { createStores } from "../../src/stores/index.ts";
import { createVectors } from "../../src/vectors/index.ts";
import { ask, askStream, startTestGateway, type TestGateway } from "../gateway.ts";
import { REDIS_ERRORS } from "../redis-errors.ts";
import { startRefusingServer, type RefusingServer } from "../refusing-server.ts";

const TIMEOUT_MS = 100;
const WRITES_ONLY: ReadonlySet<string | undefined> = new Set([
  "full",
  "read_only",
  "no_replicas",
  "persistence_failed",
]);
const rules = [{ id: "requests", by: "user", limit: 1_000_000, windowMs: 60_000 }] as const;

let server: RefusingServer;
let redis: Redis;
let gateway: TestGateway;
beforeAll(async () => {
  server = await startRefusingServer(inject("redisUrl"));
  const app = `outage${Math.random().toString(36).slice(2)}`;
  redis = await connect(server.url, { app, commandTimeoutMs: TIMEOUT_MS });
  gateway = await startTestGateway({ redisUrl: server.url, appName: app, config: { cache: { semantic: false } } });
});
afterAll(async () => {
  server.refuse(undefined);
  await gateway.close();
  await redis.close();
  await server.close();
});

/** One call of each role that must tell its caller. */
const calls: readonly (readonly [string, (tenant: ScopedRedis) => Promise<unknown>])[] = [
  [
    "cache.lookup",
    (tenant) => createCache(tenant, { name: "c", timeoutMs: TIMEOUT_MS }).lookup("What is the capital of Peru?"),
  ],
  [
    "cache.store",
    (tenant) => createCache(tenant, { name: "c", timeoutMs: TIMEOUT_MS }).store("What is the capital of Peru?", 1),
  ],
  [
    "session.append",
    (tenant) =>
      createMemory(tenant, { name: "m" })
        .session({ user: "u", id: "s" })
        .append([{ role: "user", content: "hi" }]),
  ],
  [
    "session.window",
    (tenant) => createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" }).window({ last: 3 }),
  ],
  ["queue.push", (tenant) => createQueue(tenant, { name: "q" }).push({ n: 1 })],
  ["bus.send", (tenant) => createBus(tenant).send("nobody", 1)],
  [
    "vectors.upsert",
    (tenant) =>
      createVectors(tenant, {
        name: "v",
        dimensions: 2,
        metric: "cosine",
        index: "hnsw",
        engine: "vectorset",
        attributes: {},
        timeoutMs: TIMEOUT_MS,
      }).upsert([{ id: "a", vector: [1, 0] }]),
  ],
  ["stores.create", (tenant) => createStores(tenant, { name: "s", embedder: staticEmbedder() }).create()],
  [
    "limiter.peek",
    (tenant) =>
      createLimiter(tenant, { name: "l", rules, onUnavailable: "allow", timeoutMs: TIMEOUT_MS }).peek({ user: "u" }),
  ],
];

describe.each(REDIS_ERRORS.map((error) => [error.text.slice(0, 70), error] as const))(
  "%s",
  (_, { text, verdict, state }) => {
    it("means the same to every role", async () => {
      server.refuse(text);
      const tenant = redis.scope("acme");
      const told = await Promise.all(
        calls.map(async ([name, call]) => [name, await call(tenant).then(() => "no error", verdictOf)] as const),
      );
      // A server that lacks the commands of vectors keeps entries for their exact key: the script stores them before it indexes.
      const ofStore = /unknown (?:redis )?command/i.test(text) ? "no error" : verdict;
      expect(Object.fromEntries(told)).toEqual(
        Object.fromEntries(calls.map(([name]) => [name, name === "cache.store" ? ofStore : verdict])),
      );

      const through = await createCache<string>(tenant, { name: "c", timeoutMs: TIMEOUT_MS }).through(
        "A question",
        async () => "fresh",
      );
      expect(through.value).toBe("fresh");

      for (const onUnavailable of ["allow", "refuse", "local"] as const) {
        const limiter = createLimiter(tenant, { name: "l", rules, onUnavailable, timeoutMs: TIMEOUT_MS });
        const taken = limiter.take({ user: "u" }).then(({ allowed, degraded }) => [allowed, degraded], verdictOf);
        expect(await taken).toEqual(verdict === "not_now" ? [onUnavailable !== "refuse", true] : verdict);
      }
    });

    // The gateway sees errors only through the roles: one text of each state is enough for it.
    if (verdict !== "not_now" || REDIS_ERRORS.find((other) => other.state === state)?.text !== text) return;
    it("leaves chats their answers from the model, and /readyz says why", async () => {
      server.refuse(undefined);
      const client = gateway.client({ headers: { "x-marrow-session": "s" } });
      const known = `known: ${text}`;
      await ask(gateway.client(), known);
      server.refuse(text, WRITES_ONLY.has(state) ? "writes" : "all");
      const fresh = await ask(client, `fresh: ${text}`);
      expect([fresh.text?.includes("fresh"), fresh.cache, fresh.headers.get("x-ratelimit-degraded")]).toEqual([
        true,
        "bypass",
        "1",
      ]);
      const streamed = await askStream(gateway.client(), `streamed: ${text}`);
      expect([streamed.text.includes("streamed"), streamed.cache]).toEqual([true, "bypass"]);
      for (const stream of [false, true]) {
        const asked = { model: "scripted", input: `response ${stream}: ${text}`, stream };
        const { response } = await gateway.client().responses.create(asked).withResponse();
        expect(response.headers.get("x-marrow-cache")).toBe("bypass");
        if (stream) await response.body?.cancel();
      }
      const again = await ask(gateway.client(), known);
      expect(again.cache).toBe(WRITES_ONLY.has(state) ? "exact" : "bypass");
      const ready = async () => {
        const answer = await gateway.app.inject("/readyz");
        return [answer.statusCode, answer.json<{ state?: string }>().state];
      };
      await expect.poll(ready).toEqual([503, state]);
      server.refuse(undefined);
      await expect.poll(ready).toEqual([200, undefined]);
    });
  },
);
