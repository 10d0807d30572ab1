import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { hashEmbedder, type Embedder } from "../embedders/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createStores } from "./index.ts";

const embedder = hashEmbedder({ dimensions: 64 });
const open = (redis: ScopedRedis, withEmbedder: Embedder = embedder) =>
  createStores(redis, { name: "turns", embedder: withEmbedder });

async function prepare(redis: ScopedRedis, count: number, withEmbedder?: Embedder) {
  const stores = open(redis, withEmbedder);
  const { id } = await stores.create();
  const files = await stores.filesOf(id);
  const content = Buffer.from("A few words of a file.\n\n".repeat(200));
  const ids: string[] = [];
  for (let nth = 0; nth < count; nth += 1)
    ids.push((await stores.files.add({ filename: `${nth}.txt`, purpose: "assistants", content })).id);
  return { files, ids };
}

describe("files of many scopes", () => {
  liveTest("take turns: a scope with many files delays another's by few of them", async ({ redis }) => {
    const [busy, other] = [await prepare(redis.scope("busy"), 20), await prepare(redis.scope("other"), 1)];
    let done = 0;
    const all = busy.ids.map((fileId) => busy.files.attach({ fileId }).then(() => (done += 1)));
    await other.files.attach({ fileId: other.ids[0] as string });
    expect(done).toBeLessThan(10);
    await Promise.all(all);
    expect(await busy.files.list({ status: "completed", limit: 100 })).toMatchObject({ data: { length: 20 } });
  });

  liveTest("are embedded two at a time in a scope; the others are in progress", async ({ tenant }) => {
    let [now, most] = [0, 0];
    const counting: Embedder = {
      ...embedder,
      async embed(texts, options) {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
        now -= 1;
        return embedder.embed(texts, options);
      },
    };
    const { files, ids } = await prepare(tenant, 6, counting);
    const begun = await Promise.all(ids.map((fileId) => files.attachWithin({ fileId }, 1)));
    expect(begun.map(({ status }) => status)).toContain("in_progress");
    await expect
      .poll(async () => (await files.list({ status: "completed", limit: 100 })).data.length, { timeout: 30_000 })
      .toBe(6);
    expect(most).toBe(2);
  });
});
