/** The driver of the vector store over FT.*, by the stand-in; a server of your own: vectors.live.test.ts. */
import { randomUUID } from "node:crypto";
import { Redis as Ioredis } from "ioredis";
import { inject } from "vitest";
import { fromIoredis } from "../../src/index.ts";
import { startSearchServer } from "../search-server.ts";
import { ownServer } from "../servers.ts";
import { describeHistories } from "./vectors-history.ts";
import { describeEdges } from "./vectors-edges.ts";
import { describeVectors, type VectorHost } from "./vectors.ts";

const app = () => `v${randomUUID().slice(0, 8)}`;

/** FT.* by the stand-in of search-server.ts, over either protocol. It lists all keys for a search: a Redis of its own has few. */
async function onStandIn(protocol: 2 | 3, dialect?: "valkey"): Promise<VectorHost> {
  const own = await ownServer(inject("redisBinary"));
  await own.start();
  const server = await startSearchServer(own.url, dialect, { indexesMax: 10, fieldsMax: 10 });
  const client = new Ioredis({ port: server.port, protocol });
  const redis = fromIoredis(client, { app: app() });
  return {
    scope: (name) => redis.scope(name),
    async close() {
      client.disconnect();
      await server.close();
      await own.stop();
    },
  };
}

describeVectors("FT.* (stand-in, RESP3)", () => onStandIn(3), { engine: "search" });
describeVectors("FT.* (stand-in, RESP2)", () => onStandIn(2), { engine: "search" });
describeVectors("FT.* in 16 bits (stand-in)", () => onStandIn(3), { engine: "search", quantisation: "f16" });
describeVectors("FT.* in 8 bits (stand-in)", () => onStandIn(3), { engine: "search", quantisation: "q8" });
describeVectors("FT.* as valkey-search speaks it (stand-in)", () => onStandIn(3, "valkey"), { engine: "search" });
describeHistories("FT.* (stand-in)", () => onStandIn(3), { engine: "search" }, 30);
describeEdges("FT.* (stand-in)", () => onStandIn(3), { engine: "search" });
describeEdges("FT.* in 16 bits (stand-in)", () => onStandIn(3), { engine: "search", quantisation: "f16" });
