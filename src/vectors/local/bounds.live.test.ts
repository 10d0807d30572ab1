import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import { createVectors } from "../index.ts";
import { BLOCK_BYTES } from "./arena.ts";
import { mirrorsOf } from "./mirrors.ts";

/** The same server over a `send` of its own, as another process has. */
const process = (redis: ScopedRedis): ScopedRedis => ({ ...redis, send: (...args) => redis.send(...args) });

const options = { name: "d", dimensions: 4, metric: "l2", index: "flat", engine: "local", lengthMax: 100 } as const;
const vector = [0, 0, 0, 0];
const item = (id: string, ttlMs?: number) => ({ id, vector, ...(ttlMs !== undefined && { ttlMs }) });
const numbered = (word: string, count: number) => Array.from({ length: count }, (_, at) => `${word}${at}`);

describe("a search of the local engine", () => {
  liveTest("finds the newest items that are left, in new processes and in those that run", async ({ tenant }) => {
    const small = { ...options, mirrorMax: 5 };
    const docs = createVectors(tenant, small);
    const running = createVectors(process(tenant), small);
    const find = async (one: typeof docs) => (await one.search({ vector, limit: 100 })).map(({ id }) => id).toSorted();
    await docs.upsert(numbered("keep", 5).map((id) => item(id)));
    for (const word of ["few", "many"]) {
      const ids = numbered(word, word === "few" ? 5 : 60);
      await docs.upsert(ids.map((id) => item(id)));
      expect(await find(running)).toEqual(ids.slice(-5).toSorted());
      await docs.delete(ids);
      expect(await find(running)).toEqual(numbered("keep", 5));
      expect(await find(createVectors(process(tenant), small))).toEqual(numbered("keep", 5));
    }
    await docs.upsert(numbered("ends", 40).map((id) => item(id, 400)));
    expect(await find(running)).toHaveLength(5);
    await sleep(450);
    expect(await docs.count()).toBe(5);
    expect(await find(running)).toEqual(numbered("keep", 5));
    expect(await find(createVectors(process(tenant), small))).toEqual(numbered("keep", 5));
  });

  liveTest("reads nothing anew where a few newer items are deleted", async ({ tenant }) => {
    const docs = createVectors(tenant, { ...options, mirrorMax: 20 });
    let sent = 0;
    const counting: ScopedRedis = { ...tenant, send: (...args) => ((sent += 1), tenant.send(...args)) };
    const running = createVectors(counting, { ...options, mirrorMax: 20 });
    await docs.upsert(numbered("old", 30).map((id) => item(id)));
    await running.search({ vector });
    for (let at = 29; at >= 20; at -= 1) {
      await docs.delete([`old${at}`]);
      sent = 0;
      const found = await running.search({ vector, limit: 100 });
      // One that learns of the change and one that reads what the next search finds.
      expect([found.length, sent]).toEqual([20, 2]);
    }
  });

  liveTest("finds everything in more namespaces than have a copy at once, also many at a time", async ({ tenant }) => {
    const redis = process(tenant);
    mirrorsOf(redis, 6 * BLOCK_BYTES);
    const docs = createVectors(redis, options);
    const names = numbered("n", 40);
    const writer = createVectors(process(tenant), options);
    for (const name of names) await writer.namespace(name).upsert([item(name)]);
    const find = async (name: string) => (await docs.namespace(name).search({ vector })).map(({ id }) => id);
    for (const name of names) expect(await find(name)).toEqual([name]);
    expect(await Promise.all(names.map(find))).toEqual(names.map((name) => [name]));
    expect(mirrorsOf(redis).report().bytes).toBeLessThanOrEqual(6 * BLOCK_BYTES);
  });

  liveTest("of large namespaces at once is right, and of one that is too large names the bound", async ({ tenant }) => {
    const redis = process(tenant);
    mirrorsOf(redis, 10 * BLOCK_BYTES);
    const wide = { ...options, dimensions: 16_000, lengthMax: 1e6 };
    const [docs, writer] = [createVectors(redis, wide), createVectors(process(tenant), wide)];
    const at = (value: number) => new Float32Array(16_000).fill(value);
    const ids = numbered("i", 20);
    for (const name of ["a", "b", "c"])
      await writer.namespace(name).upsert(ids.map((id, nth) => ({ id, vector: at(nth) })));
    const find = async (name: string) =>
      (await docs.namespace(name).search({ vector: at(0), limit: 100 })).map(({ id }) => id);
    expect(await find("a")).toEqual(ids);
    for (let round = 0; round < 5; round += 1)
      expect(await Promise.all(["a", "b", "c", "b"].map(find))).toEqual([ids, ids, ids, ids]);
    await writer.namespace("a").upsert(numbered("more", 20).map((id) => ({ id, vector: at(50) })));
    await expect(find("a")).rejects.toMatchObject({
      code: "too_large",
      message: /at most 36 vectors of 16000 numbers.*this namespace has 40.*mirrorMax/,
    });
    expect(await find("b")).toEqual(ids);
    const newest = createVectors(redis, { ...wide, mirrorMax: 36 });
    expect(await newest.namespace("a").search({ vector: at(0), limit: 100 })).toHaveLength(36);
    // What this process stores itself.
    expect(await docs.namespace("c").upsert(ids.map((id) => ({ id: `own-${id}`, vector: at(60) })))).toHaveLength(20);
    await expect(find("c")).rejects.toMatchObject({ code: "too_large" });
    await docs.namespace("c").delete(numbered("own-i", 10));
    expect(await find("c")).toHaveLength(30);
  });
});
