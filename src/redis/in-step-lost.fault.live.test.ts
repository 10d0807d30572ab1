import { Redis as Ioredis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import { startProxy, type RespProxy } from "../../test/resp-proxy.ts";
import { cannotServe, fromIoredis, type Redis } from "./index.ts";

const fails = (sent: Promise<unknown>) =>
  sent.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a connection that is lost", () => {
  /** A client with its default options, and what its owner meets. */
  async function withOwner(
    run: (proxy: RespProxy, redis: Redis, client: Ioredis) => Promise<void>,
  ): Promise<{ readonly ms: number; readonly answer: unknown; readonly errors: readonly string[] }> {
    const proxy = await startProxy(inject("redisUrl"));
    const client = new Ioredis(proxy.url, { retryStrategy: () => 20 });
    const errors: string[] = [];
    client.on("error", (error: Error) => errors.push(error.message));
    try {
      await new Promise((resolve) => client.once("ready", resolve));
      await run(proxy, fromIoredis(client), client);
      const startMs = performance.now();
      const answer = await client.set(`step owner ${Math.random()}`, "1").catch((error: unknown) => error);
      return { ms: performance.now() - startMs, answer, errors };
    } finally {
      client.disconnect();
      await proxy.close();
    }
  }

  it("while it is asked for its proof leaves the next one to its owner at once", async () => {
    const { ms, ...met } = await withOwner(async (proxy, redis) => {
      let cut = false;
      proxy.spoil((bytes) => {
        if (cut || !bytes.includes("marrow in step")) return bytes;
        cut = true;
        proxy.cut();
        return "";
      });
      const wrong = redis.send(["SETNX", `step ${Math.random()}`, "1"], { accepts: () => false });
      expect(cannotServe(await fails(wrong))).toBe(true);
      expect(cut).toBe(true);
    });
    expect(met).toEqual({ answer: "OK", errors: [] });
    expect(ms).toBeLessThan(700);
  });

  it("before the replies of writes is followed by one that needs no proof", async () => {
    let proofs = 0;
    const { ms, ...met } = await withOwner(async (proxy, redis, client) => {
      const key = `step lost ${Math.random()}`;
      proxy.mute(true);
      const sent = Promise.all(Array.from({ length: 5 }, (_, nth) => fails(redis.send(["LPUSH", key, String(nth)]))));
      await new Promise((resolve) => setTimeout(resolve, 50));
      proxy.mute(false);
      proxy.spoil((bytes) => {
        if (bytes.includes("marrow in step")) proofs += 1;
        return bytes;
      });
      const again = new Promise((resolve) => client.once("ready", resolve));
      proxy.cut();
      for (const error of await sent) expect(error).toMatchObject({ details: { mayHaveRun: true } });
      await again;
      expect(await client.llen(key)).toBe(5);
    });
    expect({ ...met, proofs }).toEqual({ answer: "OK", errors: [], proofs: 0 });
    expect(ms).toBeLessThan(700);
  });
});
