/** What `drop` and `forget` leave while a second process writes: nothing that was stored before, and nothing that cannot be deleted. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createVectors, postgres, type RedisEngine } from "../../src/vectors/index.ts";
import { openPostgres } from "../postgres.ts";
import { startSearchServer } from "../search-server.ts";
import { ownServer } from "../servers.ts";

const WRITER = fileURLToPath(new URL("dropping-writer.ts", import.meta.url));
const ENGINES: readonly RedisEngine[] =
  inject("redisKind") === "redis8" ? ["search", "local", "vectorset"] : ["search", "local"];
const [ITEMS, ROUNDS] = [1_500, 4];

/** A Redis with the engine, a connection to it, and a second process that writes on demand. */
async function openEngine(engine: RedisEngine) {
  const own = await ownServer(inject("redisBinary"));
  await own.start();
  const standIn = engine === "search" ? await startSearchServer(own.url) : undefined;
  const url = standIn?.url ?? own.url;
  const app = `d${randomUUID().slice(0, 8)}`;
  const redis = await connect(url, { app, commandTimeoutMs: 20_000 });
  const child = spawn(process.execPath, ["--conditions=@marrow/source", WRITER, url, app, engine], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => String((await said.next()).value);
  onTestFinished(async () => {
    child.stdin.end();
    expect(await ended).toBe(0);
    await redis.close();
    await standIn?.close();
    await own.stop();
  });
  return {
    tenant: redis.scope("acme"),
    keys: async (of: string) => (await redis.send(["KEYS", `*${of}*`])) as string[],
    /** Resolves when the writer has written once. */
    writeTo: async (target: string): Promise<void> => {
      child.stdin.write(`${target}\n`);
      expect(await line()).toBe("writing");
    },
    /** Answers how many the writer wrote. */
    stopWriting: async (): Promise<number> => {
      child.stdin.write("\n");
      return Number(await line());
    },
  };
}

describe.each(ENGINES)("while a second process writes, on the engine %s", (engine) => {
  it("drop deletes all that was stored before, and leaves only items that are listed and can be deleted", async () => {
    const { tenant, keys, writeTo, stopWriting } = await openEngine(engine);
    const docs = createVectors(tenant, { name: "docs", dimensions: 4, metric: "cosine", index: "flat", engine });
    const earlier = Array.from({ length: ITEMS }, (_, at) => ({ id: `i${at}`, vector: [1, at / ITEMS, 0, 0] }));
    for (let round = 0; round < ROUNDS; round += 1) {
      const items = docs.namespace(`round${round}`);
      await items.upsert(earlier);
      await writeTo(`items round${round}`);
      await items.drop();
      expect((await items.get(earlier.map(({ id }) => id))).filter(Boolean)).toEqual([]);
      const written = await stopWriting();

      const later = Array.from({ length: written }, (_, at) => `w${at}`);
      const readable = await items.get(later);
      const left = later.filter((_, at) => readable[at] !== undefined);
      const listed: string[] = [];
      for await (const page of items.scan()) listed.push(...page.map(({ id }) => id));
      expect(listed.toSorted()).toEqual(left.toSorted());
      expect(await items.count()).toBe(left.length);

      await items.drop();
      expect((await items.get(later)).filter(Boolean)).toEqual([]);
      expect(await keys(`round${round}`)).toEqual([]);
      await items.upsert([{ id: "new", vector: [0, 1, 0, 0] }]);
      expect((await items.search({ vector: [1, 0, 0, 0] })).map(({ id }) => id)).toEqual(["new"]);
    }
  });

  it("forget of a memory does", async () => {
    const { tenant, keys, writeTo, stopWriting } = await openEngine(engine);
    const memory = createMemory(tenant, { name: "m", facts: { embedder: hashEmbedder(), engine } });
    for (let round = 0; round < ROUNDS; round += 1) {
      const user = `user${round}`;
      for (let at = 0; at < 40; at += 1) await memory.facts(user).remember({ text: `earlier fact ${at}` });
      await writeTo(`facts ${user}`);
      await memory.forget(user);
      await stopWriting();
      const left = (await memory.facts(user).list({ all: true })).map(({ text }) => text);
      expect(left.filter((text) => text.startsWith("earlier"))).toEqual([]);
      await memory.forget(user);
      expect(await keys(user)).toEqual([]);
      await memory.facts(user).remember({ text: "a new fact" });
      expect((await memory.facts(user).recall("secret number 1 of the writer", { minSimilarity: 0 })).length).toBe(1);
    }
  });
});

describe("on PostgreSQL", () => {
  it("a drop before any statement of a write leaves what every process finds, or nothing", async () => {
    const database = await openPostgres();
    onTestFinished(() => database.close());
    const docs = (client: Parameters<typeof postgres>[0]) =>
      createVectors(postgres(client, { app: "drops" }).scope("acme"), {
        name: "docs",
        dimensions: 2,
        metric: "cosine",
        index: "flat",
      });
    for (const isThere of [false, true]) {
      for (let nth = 1; nth <= 6; nth += 1) {
        const namespace = `n${nth} ${isThere}`;
        if (isThere)
          await docs(database)
            .namespace(namespace)
            .upsert([{ id: "earlier", vector: [0, 1] }]);
        let sent = 0;
        const query = async (text: string, values?: unknown[]) => {
          sent += 1;
          if (sent === nth) await docs(database).namespace(namespace).drop();
          return database.query(text, values);
        };
        await docs({ query })
          .namespace(namespace)
          .upsert([{ id: "written", vector: [1, 0] }]);
        const found = await docs(database)
          .namespace(namespace)
          .search({ vector: [1, 0] });
        const ids = found.map(({ id }) => id);
        if (sent >= nth) expect([nth, ids.filter((id) => id !== "written")]).toEqual([nth, []]);
        await docs(database)
          .namespace(namespace)
          .upsert([{ id: "next", vector: [1, 1] }]);
        const after = await docs(database)
          .namespace(namespace)
          .search({ vector: [1, 0] });
        expect([nth, after.map(({ id }) => id).toSorted()]).toEqual([nth, [...ids, "next"].toSorted()]);
      }
    }
  });
});
