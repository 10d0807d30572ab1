/** Every driver of the vector store, on one server each, held to one suite. Clusters: cluster.live.test.ts. */
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { randomUUID } from "node:crypto";
import { expect, inject, it } from "vitest";
import { Redis as Ioredis } from "ioredis";
import { Pool } from "pg";
import { connect, fromIoredis } from "../../src/index.ts";
import { postgres } from "../../src/vectors/index.ts";
import { startSearchServer } from "../search-server.ts";
import { freePort } from "../servers.ts";
import { describeHistories } from "./vectors-history.ts";
import { describeVectors, type VectorHost } from "./vectors.ts";

const hasVectorSets = inject("redisKind") === "redis8";
const app = () => `v${randomUUID().slice(0, 8)}`;

async function onRedis(url = inject("redisUrl")): Promise<VectorHost> {
  const redis = await connect(url, { app: app() });
  return { scope: (name) => redis.scope(name), close: () => redis.close() };
}

/** FT.* by the stand-in of search-server.ts, over either protocol. */
async function onStandIn(protocol: 2 | 3, dialect?: "valkey"): Promise<VectorHost> {
  const server = await startSearchServer(inject("redisUrl"), dialect, { indexesMax: 10, fieldsMax: 10 });
  const client = new Ioredis({ port: server.port, protocol });
  const redis = fromIoredis(client, { app: app() });
  return {
    scope: (name) => redis.scope(name),
    async close() {
      client.disconnect();
      await server.close();
    },
  };
}

async function onPostgres(): Promise<VectorHost> {
  const database = await PGlite.create({ extensions: { vector } });
  await database.exec("create extension vector");
  const tenants = postgres(database, { app: app() });
  return { scope: (name) => tenants.scope(name), close: () => database.close() };
}

/** The same PostgreSQL over a socket, by the client that production uses. */
async function onPostgresServer(): Promise<VectorHost> {
  const database = await PGlite.create({ extensions: { vector } });
  await database.exec("create extension vector");
  const port = await freePort();
  const server = new PGLiteSocketServer({ db: database, port, host: "127.0.0.1", maxConnections: 4 });
  await server.start();
  const pool = new Pool({ host: "127.0.0.1", port, user: "postgres", database: "postgres", max: 1 });
  const tenants = postgres(pool, { app: app() });
  return {
    scope: (name) => tenants.scope(name),
    async close() {
      await pool.end();
      await server.stop();
      await database.close();
    },
  };
}

if (hasVectorSets) {
  describeVectors("vector sets", onRedis, {});
  describeVectors("vector sets in three partitions", onRedis, { partitions: 3 });
  describeVectors("vector sets without quantisation", onRedis, { quantisation: "none" });
  describeHistories("vector sets", onRedis, { quantisation: "none" }, 60);
  describeHistories("vector sets in partitions", onRedis, { quantisation: "none", partitions: 3 }, 20);
}

describeVectors("the local engine", onRedis, { engine: "local" });
describeVectors("the local engine in three partitions", onRedis, { engine: "local", partitions: 3 });
describeHistories("the local engine", onRedis, { engine: "local" }, 60);
describeVectors("the engine of the installation", onRedis, { engine: "auto" });

describeVectors("FT.* (stand-in, RESP3)", () => onStandIn(3), { engine: "search" });
describeVectors("FT.* (stand-in, RESP2)", () => onStandIn(2), { engine: "search" });
describeVectors("FT.* in 16 bits (stand-in)", () => onStandIn(3), { engine: "search", quantisation: "f16" });
describeVectors("FT.* in 8 bits (stand-in)", () => onStandIn(3), { engine: "search", quantisation: "q8" });
describeVectors("FT.* as valkey-search speaks it (stand-in)", () => onStandIn(3, "valkey"), { engine: "search" });
describeHistories("FT.* (stand-in)", () => onStandIn(3), { engine: "search" }, 30);

describeVectors("pgvector", onPostgres, {});
describeVectors("pgvector by pg, over a socket", onPostgresServer, {});
describeVectors("pgvector in 16 bits", onPostgres, { quantisation: "f16" });
describeHistories("pgvector", onPostgres, {}, 30);

/** A server with FT.* of your own: the same suite runs against it. */
const searchUrl = process.env["MARROW_SEARCH_URL"];
it.skipIf(searchUrl === undefined)("a server with FT.* is there when MARROW_SEARCH_URL names one", async () => {
  const redis = await connect(searchUrl as string, { app: app() });
  expect(await redis.capabilities()).toMatchObject({ search: "yes" });
  await redis.close();
});
for (const url of searchUrl === undefined ? [] : [searchUrl]) {
  describeVectors("a real FT.* server", () => onRedis(url), { engine: "search" });
  describeVectors("a real FT.* server, three partitions", () => onRedis(url), { engine: "search", partitions: 3 });
  describeHistories("a real FT.* server", () => onRedis(url), { engine: "search" }, 60);
}
