import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ownServer, type OwnServer } from "../../../test/servers.ts";
import { connect, type Redis } from "../../index.ts";
import { createVectors, type Vectors } from "../index.ts";

const schema = { lang: "tag" } as const;
const options = {
  name: "d",
  dimensions: 3,
  metric: "cosine",
  index: "flat",
  engine: "local",
  attributes: schema,
} as const;

let server: OwnServer;
beforeAll(async () => {
  server = await ownServer(inject("redisBinary"), ["--appendonly", "no"]);
  await server.start();
});
afterAll(() => server.stop());

/** What another process would see: it has no copy yet. */
async function process(app: string): Promise<{ redis: Redis; docs: Vectors<typeof schema> }> {
  const redis = await connect(server.url, { app });
  return { redis, docs: createVectors(redis.scope("acme"), options) };
}

const item = (at: number, lang = "en") => ({ id: `i${at}`, vector: [1, at / 100, 0], attributes: { lang } });

async function seenBy(docs: Vectors<typeof schema>) {
  const [all, english] = await Promise.all([
    docs.search({ vector: [1, 0, 0], limit: 100 }),
    docs.search({ vector: [1, 0, 0], limit: 100, where: { lang: "en" } }),
  ]);
  const told = (found: typeof all) => found.map(({ id, similarity }) => `${id} ${similarity.toFixed(4)}`);
  return { all: told(all), english: told(english) };
}

/** Restarts the server with what it had at its last snapshot. */
async function goBack(...connections: Redis[]): Promise<void> {
  await server.kill();
  await server.start();
  for (const redis of connections)
    await expect.poll(() => redis.send(["PING"]).catch(() => undefined), { timeout: 10_000 }).toBe("PONG");
}

describe("a server that went back in time", () => {
  it.each([0, 1, 3, 4, 5, 40])(
    "is followed by processes that run, after %i changes of its new history",
    async (news) => {
      const app = `back${news}`;
      const running = await process(app);
      const writer = await process(app);
      await writer.docs.upsert(Array.from({ length: 10 }, (_, at) => item(at)));
      await writer.redis.send(["SAVE"]);
      await writer.docs.upsert([item(20)]);
      await seenBy(running.docs);
      // What will be undone: a new item, another vector, other attributes, a deletion; the last by the running process itself.
      await writer.docs.upsert([item(11), { ...item(1), vector: [0, 1, 0] }]);
      await writer.docs.update("i2", { attributes: { lang: "de" } });
      await writer.docs.delete(["i3"]);
      await seenBy(running.docs);
      await running.docs.upsert([{ ...item(4), vector: [0, 0, 1] }]);

      await goBack(writer.redis, running.redis);
      for (let at = 0; at < news; at += 1) await writer.docs.upsert([item(30 + (at % 7), at % 2 === 0 ? "en" : "de")]);
      const fresh = await process(app);
      expect(await seenBy(running.docs)).toEqual(await seenBy(fresh.docs));
      expect((await seenBy(running.docs)).all).toHaveLength(10 + Math.min(news, 7));
      await writer.docs.upsert([item(50)]);
      await running.docs.upsert([item(51)]);
      expect(await seenBy(running.docs)).toEqual(await seenBy(fresh.docs));
      await Promise.all([running, writer, fresh].map(({ redis }) => redis.close()));
    },
  );
});
