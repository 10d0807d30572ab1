import { randomUUID } from "node:crypto";
import { inject, test, type TestAPI } from "vitest";
import { connect } from "../src/index.ts";
import type { Redis, ScopedRedis } from "../src/redis/index.ts";

interface Fixtures {
  unique: string;
  redis: Redis;
  tenant: ScopedRedis;
}

/** A test with a connection of its own (`redis`, under an app name of its own) and one tenant of it (`tenant`). */
export const liveTest: TestAPI<Fixtures> = test.extend<Fixtures>({
  unique: async ({ task: _ }, use) => {
    await use(`t${randomUUID().slice(0, 12)}`);
  },
  redis: async ({ unique }, use) => {
    const redis = await connect(inject("redisUrl"), { app: unique });
    await use(redis);
    await redis.close();
  },
  tenant: async ({ redis }, use) => {
    await use(redis.scope("acme"));
  },
});
