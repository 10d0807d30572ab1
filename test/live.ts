import { randomUUID } from "node:crypto";
import { inject, test, type TestAPI } from "vitest";
import { connect } from "../src/index.ts";
import type { Redis, ScopedRedis } from "../src/redis/index.ts";
import { startProxy, type RespProxy } from "./resp-proxy.ts";
import { ownServer } from "./servers.ts";

export interface Fixtures {
  /** The server of the test's connections: the one that a project's files share, unless the test is one of `aloneLiveTest`. */
  url: string;
  /** Counts the round trips of what goes through it. Started for the tests that ask for it. */
  proxy: RespProxy;
  /** A connection through the proxy, under the test's app name. */
  counted: Redis;
  unique: string;
  redis: Redis;
  tenant: ScopedRedis;
}

/** The engine that `MARROW_TEST_ENGINE` records for every test's installation; absent: what the server has. */
const ENGINE = process.env["MARROW_TEST_ENGINE"];

/** Whether they use search commands, of a stand-in or of the server that `MARROW_SEARCH_URL` names. */
export const inSearch: boolean = ENGINE === "search";

/** Whether the tests' installations keep vectors in vector sets: some promises are about these alone. */
export const inVectorSets: boolean = ENGINE === undefined ? inject("redisKind") === "redis8" : ENGINE === "vectorset";

async function recordEngine(redis: Redis): Promise<void> {
  if (ENGINE !== undefined) await redis.send(["SET", `{${redis.app}}:vectors:engine`, ENGINE]);
}

/** A server allows few indexes, and each test is an installation. */
async function dropIndexes(redis: Redis): Promise<void> {
  if (!inSearch) return;
  const names = (await redis.send(["SMEMBERS", `{${redis.app}}:vectors:indexes`]).catch(() => [])) as string[];
  for (const name of names) await redis.send(["FT.DROPINDEX", name]).catch(() => {});
}

/** A test with a connection of its own (`redis`, under an app name of its own) and one tenant of it (`tenant`). */
export const liveTest: TestAPI<Fixtures> = test.extend<Fixtures>({
  unique: async ({ task: _ }, use) => {
    await use(`t${randomUUID().slice(0, 12)}`);
  },
  url: async ({ task: _ }, use) => {
    await use(inject("redisUrl"));
  },
  redis: async ({ unique, url }, use) => {
    const redis = await connect(url, { app: unique });
    await recordEngine(redis);
    await use(redis);
    await dropIndexes(redis);
    await redis.close();
  },
  proxy: async ({ url }, use) => {
    const proxy = await startProxy(url);
    await use(proxy);
    await proxy.close();
  },
  counted: async ({ proxy, unique }, use) => {
    const redis = await connect(proxy.url, { app: unique });
    await recordEngine(redis);
    await use(redis);
    await redis.close();
  },
  tenant: async ({ redis }, use) => {
    await use(redis.scope("acme"));
  },
});

/** The same on a server of its own: for a test that counts all that the server does. */
export const aloneLiveTest: TestAPI<Fixtures> = liveTest.extend<Pick<Fixtures, "url">>({
  url: async ({ task: _ }, use) => {
    const server = await ownServer(inject("redisBinary"));
    await server.start();
    await use(server.url);
    await server.stop();
  },
});
