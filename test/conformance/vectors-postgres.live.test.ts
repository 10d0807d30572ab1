/** The driver of the vector store over pgvector, in this process and over a socket. */
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import { postgres } from "../../src/vectors/index.ts";
import { openPostgres } from "../postgres.ts";
import { freePort } from "../servers.ts";
import { describeHistories } from "./vectors-history.ts";
import { describeEdges } from "./vectors-edges.ts";
import { describeVectors, type VectorHost } from "./vectors.ts";

const app = () => `v${randomUUID().slice(0, 8)}`;

async function onPostgres(): Promise<VectorHost> {
  const database = await openPostgres();
  const tenants = postgres(database, { app: app() });
  return { scope: (name) => tenants.scope(name), close: () => database.close() };
}

/** The same PostgreSQL over a socket, by the client that production uses. */
async function onPostgresServer(): Promise<VectorHost> {
  const database = await openPostgres();
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

describeVectors("pgvector", onPostgres, {});
describeVectors("pgvector by pg, over a socket", onPostgresServer, {});
describeVectors("pgvector in 16 bits", onPostgres, { quantisation: "f16" });
describeHistories("pgvector", onPostgres, {}, 30);
describeEdges("pgvector", onPostgres, {});
