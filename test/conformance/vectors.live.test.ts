/** Drivers of the vector store on Redis itself, held to one suite; others: vectors-search, vectors-postgres; clusters: cluster.live.test.ts. */
import { randomUUID } from "node:crypto";
import { expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { describeHistories } from "./vectors-history.ts";
import { describeEdges } from "./vectors-edges.ts";
import { describeVectors, type VectorHost } from "./vectors.ts";

const hasVectorSets = inject("redisKind") === "redis8";
const app = () => `v${randomUUID().slice(0, 8)}`;

async function onRedis(url = inject("redisUrl")): Promise<VectorHost> {
  const redis = await connect(url, { app: app() });
  return { scope: (name) => redis.scope(name), close: () => redis.close() };
}

if (hasVectorSets) {
  describeVectors("vector sets", onRedis, {});
  describeVectors("vector sets in three partitions", onRedis, { partitions: 3 });
  describeVectors("vector sets without quantisation", onRedis, { quantisation: "none" });
  describeHistories("vector sets", onRedis, { quantisation: "none" }, 60);
  describeHistories("vector sets in partitions", onRedis, { quantisation: "none", partitions: 3 }, 20);
  describeEdges("vector sets", onRedis, {});
}

describeVectors("the local engine", onRedis, { engine: "local" });
describeVectors("the local engine in three partitions", onRedis, { engine: "local", partitions: 3 });
describeHistories("the local engine", onRedis, { engine: "local" }, 60);
describeEdges("the local engine", onRedis, { engine: "local" });
describeVectors("the engine of the installation", onRedis, { engine: "auto" });

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
