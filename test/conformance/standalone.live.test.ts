import { Redis as IoredisClient } from "ioredis";
import { createClient } from "redis";
import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { connect, fromIoredis, fromNodeRedis } from "../../src/index.ts";
import { describeRedisPort } from "./redis-port.ts";

const app = () => `c${randomUUID().slice(0, 8)}`;
const path = () => inject("redisUrl").slice("unix://".length);

describeRedisPort("connect()", async () => {
  const redis = await connect(inject("redisUrl"), { app: app() });
  return { redis, close: () => redis.close() };
});

for (const protocol of [2, 3] as const) {
  describeRedisPort(`ioredis, RESP${protocol}`, async () => {
    const client = new IoredisClient({ path: path(), protocol });
    return { redis: fromIoredis(client, { app: app() }), close: async () => void (await client.quit()) };
  });

  describeRedisPort(`node-redis, RESP${protocol}`, async () => {
    const client = createClient({ socket: { path: path(), tls: false }, RESP: protocol });
    await client.connect();
    return { redis: fromNodeRedis(client, { app: app() }), close: async () => await client.close() };
  });
}
