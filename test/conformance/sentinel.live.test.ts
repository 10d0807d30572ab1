import { createSentinel } from "redis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { connect, fromNodeRedis, type Redis } from "../../src/index.ts";
import { startSentinel, until, type Group } from "../servers.ts";
import { describeRedisPort } from "./redis-port.ts";

let group: Group;
beforeAll(async () => {
  group = await startSentinel(inject("redisBinary"));
});
afterAll(() => group.stop());

describeRedisPort("connect() through Sentinel", async () => {
  const redis = await connect(group.url);
  return { redis, close: () => redis.close() };
});

describeRedisPort("fromNodeRedis(createSentinel())", async () => {
  const sentinelRootNodes = [...group.url.matchAll(/:(\d+)/g)].map(([, port]) => ({
    host: "127.0.0.1",
    port: Number(port),
  }));
  const client = createSentinel({ name: "main", sentinelRootNodes });
  client.on("error", () => {});
  await client.connect();
  return { redis: fromNodeRedis(client, { app: "node-redis" }), close: async () => client.destroy() };
});

describe("a connection through Sentinel", () => {
  it("follows a fail-over by itself, and no call hangs over its bound", async () => {
    const redis: Redis = await connect(group.url, { commandTimeoutMs: 500 });
    await redis.send(["SET", "before", "1"]);
    await redis.send(["WAIT", "2", "1000"], { timeoutMs: 5_000 });
    await group.nodes[0]?.kill();
    const slowest = { ms: 0 };
    await until(async () => {
      const startMs = performance.now();
      const written = await redis.send(["SET", "after", "1"]).then(
        () => true,
        () => false,
      );
      slowest.ms = Math.max(slowest.ms, performance.now() - startMs);
      return written;
    }, "the new master");
    expect(await redis.send(["GET", "before"])).toBe("1");
    expect(slowest.ms).toBeLessThan(1_000);
    await redis.close();
  });
});
