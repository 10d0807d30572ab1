import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ownServer, type OwnServer } from "../../test/servers.ts";
import { connect, type Redis } from "../index.ts";
import { createClaims, createQueue, createWorker, type Work } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("while the memory of Redis is full", () => {
  let server: OwnServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await ownServer(inject("redisBinary"), ["--maxmemory-policy", "noeviction"]);
    await server.start();
    redis = await connect(server.url, { app: "full" });
  });
  afterAll(async () => {
    await redis.close();
    await server.stop();
  });

  const bound = (maxmemory: string) => redis.send(["CONFIG", "SET", "maxmemory", maxmemory]);

  it("jobs end and live on, none is given back, given out or pushed, and none that succeeded counts as crashed", async () => {
    const tenant = redis.scope("acme");
    const queue = createQueue<string>(tenant, { name: "q" });
    const claims = createClaims<string>(tenant, { name: "q" });
    const runs = new Map<string, number>();
    const begun = Promise.withResolvers<void>();
    const handler = async ({ payload, step, write }: Work<string>) => {
      runs.set(payload, (runs.get(payload) ?? 0) + 1);
      if (runs.size === 4) begun.resolve();
      await pause(payload === "long" ? 2_500 : 300);
      await step("paid", () => payload);
      if (payload === "long") write("text");
      return payload;
    };
    const options = { name: "q", concurrency: 2, leaseMs: 1_000 };
    const workers = [0, 1].map(() => createWorker<string>(redis, options, handler));
    const brief = await queue.pushMany(["a", "b", "c"].map((payload) => ({ payload })));
    const long = await queue.push("long");
    await begun.promise;
    const later = await queue.push("later");
    const delayed = await queue.push("delayed", { delayMs: 60_000 });
    await bound("1");
    try {
      await expect(queue.push("x")).rejects.toMatchObject({ code: "redis_full" });
      for (const id of brief)
        expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done", crashesLeft: 3, failures: [] });
      expect(await queue.cancel(delayed)).toBe("cancelled");
      expect(await claims.claim({})).toEqual([]);
      // Several leases long: the worker says all the while that it lives.
      await pause(2_500);
      expect(await queue.get(long)).toMatchObject({ state: "running", crashesLeft: 3 });
      expect(await queue.get(later)).toMatchObject({ state: "waiting" });
    } finally {
      await bound("0");
    }
    for (const id of [long, later])
      expect(await queue.wait(id, { waitMs: 5_000 })).toMatchObject({ state: "done", crashesLeft: 3, failures: [] });
    expect([...runs.values()]).toEqual([1, 1, 1, 1, 1]);
    await Promise.all(workers.map((worker) => worker.close()));
  });
});
