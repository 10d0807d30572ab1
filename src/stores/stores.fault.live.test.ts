import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { hashEmbedder, type Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createStores } from "./index.ts";
import { createShelf } from "./shelf.ts";

const embedder = hashEmbedder();
const open = (redis: ScopedRedis, withEmbedder: Embedder = embedder) =>
  createStores(redis, { name: "test", embedder: withEmbedder });
const text = Array.from({ length: 30 }, (_, at) => `Paragraph number ${at} has a few words of its own.`).join("\n\n");
const upload = (stores: ReturnType<typeof open>) =>
  stores.files.add({ filename: "a.md", purpose: "assistants", content: Buffer.from(text) });
const chunking = { maxTokens: 100, overlapTokens: 0 };

describe("a store", () => {
  liveTest("has each chunk once, whichever command is lost while a file is attached", async ({ tenant }) => {
    const stores = open(tenant);
    const file = await upload(stores);
    const whole = await (await stores.filesOf((await stores.create()).id)).attach({ fileId: file.id, chunking });
    expect(whole.chunks).toBeGreaterThan(3);
    for (const when of ["before", "after"] as const) {
      for (let nth = 1, lost = true; lost; nth += 1) {
        const { id } = await stores.create();
        const breaking = open(losing(tenant, nth, when));
        lost = await breaking
          .filesOf(id)
          .then((files) => files.attach({ fileId: file.id, chunking, attributes: { lang: "en" } }))
          .then(
            () => false,
            () => true,
          );
        const files = await stores.filesOf(id);
        const again = lost
          ? await files.attach({ fileId: file.id, chunking, attributes: { lang: "en" } })
          : await files.get(file.id);
        expect(again).toMatchObject({ status: "completed", chunks: whole.chunks, usageBytes: whole.usageBytes });
        expect(await files.content(file.id)).toHaveLength(whole.chunks);
        const info = await stores.get(id);
        expect(info).toMatchObject({
          usageBytes: whole.usageBytes,
          fileCounts: { completed: 1, in_progress: 0, failed: 0 },
        });
        await stores.remove(id);
        await expect(stores.get(id)).rejects.toMatchObject({ code: "not_found" });
      }
    }
  });

  liveTest("says that a file failed when its embedder did, and takes it later", async ({ tenant }) => {
    const broken: Embedder = {
      ...embedder,
      embed: async () => Promise.reject(new MarrowError("embedder_failed", "away")),
    };
    const { id } = await open(tenant).create();
    const file = await upload(open(tenant));
    const files = await open(tenant, broken).filesOf(id);
    await expect(files.attach({ fileId: file.id })).rejects.toMatchObject({ code: "embedder_failed" });
    expect(await files.get(file.id)).toMatchObject({ status: "failed", error: { code: "server_error" } });
    expect(await (await open(tenant).filesOf(id)).attach({ fileId: file.id })).toMatchObject({ status: "completed" });
  });

  liveTest("is never searched by another embedder", async ({ tenant }) => {
    const { id } = await open(tenant).create();
    const file = await upload(open(tenant));
    await (await open(tenant).filesOf(id)).attach({ fileId: file.id });
    const other = open(tenant, { ...embedder, fingerprint: "other" });
    await expect(other.search(id, { queries: ["x"] })).rejects.toMatchObject({ code: "conflict" });
  });

  liveTest("leaves nothing behind when it is removed", async ({ tenant }) => {
    const stores = open(tenant);
    const { id } = await stores.create({ name: "n", metadata: { a: "b" }, expiresAfterDays: 1 });
    const file = await upload(stores);
    const files = await stores.filesOf(id);
    await files.attach({ fileId: file.id, attributes: { a: "b" } });
    // Work that goes on while the store is removed puts nothing back.
    await files.attachAll([{ fileId: file.id }]);
    await stores.remove(id);
    await expect(stores.remove(id)).rejects.toMatchObject({ code: "not_found" });
    await stores.files.remove(file.id);
    // Which engine and which search indexes an installation has is no store's.
    const own = async () => (await keysOf(tenant)).filter((key) => !/:vectors:(?:engine|indexes)$/.test(key));
    await expect.poll(own).toEqual([]);
  });

  liveTest("holds as many files as it may, and no more", async ({ tenant }) => {
    const few = createStores(tenant, { name: "few", embedder, itemsMax: 2, fileBytesMax: 10 });
    const add = (content: string) =>
      few.files.add({ filename: "x", purpose: "assistants", content: Buffer.from(content) });
    await add("1");
    await add("2");
    await expect(add("3")).rejects.toMatchObject({ code: "too_large", details: { room: 2 } });
    await expect(add("12345678901")).rejects.toMatchObject({ code: "too_large", details: { bytesMax: 10 } });
  });
});

describe("a shelf", () => {
  const shelfOf = (tenant: ScopedRedis, room = 100) =>
    createShelf<{ id: string; label: "a" | "b"; weight: number }, "a" | "b">(tenant, {
      prefix: `{${tenant.app}:acme}:shelf`,
      room,
      labels: ["a", "b"],
      labelOf: ({ label }) => label,
      weightOf: ({ weight }) => weight,
    });

  liveTest("lists both ways, page by page, by label too", async ({ tenant }) => {
    const shelf = shelfOf(tenant);
    for (let at = 0; at < 7; at += 1) await shelf.add({ id: `i${at}`, label: at % 2 === 0 ? "a" : "b", weight: at });
    const ids = async (options: Parameters<typeof shelf.list>[0]) => {
      const { data, hasMore } = await shelf.list(options);
      return [...data.map(({ id }) => id), ...(hasMore ? ["..."] : [])].join(" ");
    };
    expect(await ids({ order: "asc", limit: 3 })).toBe("i0 i1 i2 ...");
    expect(await ids({ order: "asc", limit: 3, after: "i2" })).toBe("i3 i4 i5 ...");
    expect(await ids({ order: "asc", limit: 3, after: "i5" })).toBe("i6");
    expect(await ids({ order: "asc", limit: 3, before: "i5" })).toBe("i2 i3 i4 ...");
    expect(await ids({ order: "asc", limit: 3, before: "i2" })).toBe("i0 i1");
    expect(await ids({ order: "asc", limit: 3, after: "i1", before: "i4" })).toBe("i2 i3");
    expect(await ids({ limit: 2 })).toBe("i6 i5 ...");
    expect(await ids({ limit: 2, before: "i3" })).toBe("i5 i4 ...");
    expect(await ids({ label: "b", order: "asc" })).toBe("i1 i3 i5");
    expect(await ids({ after: "i0", order: "desc" })).toBe("");
    await expect(shelf.list({ after: "none" })).rejects.toMatchObject({
      code: "not_found",
      details: { path: "after" },
    });
    await expect(shelf.list({ label: "b", after: "i0" })).rejects.toMatchObject({ code: "not_found" });
    await expect(shelf.list({ limit: 101 })).rejects.toMatchObject({ details: { path: "limit" } });
    await expect(shelf.list({ label: "c" })).rejects.toMatchObject({ details: { path: "filter" } });
  });

  liveTest("keeps its sums under concurrent change", async ({ tenant }) => {
    const shelf = shelfOf(tenant);
    await shelf.add({ id: "x", label: "a", weight: 0 });
    await shelf.add({ id: "y", label: "b", weight: 5 });
    await expect(shelf.add({ id: "x", label: "a", weight: 1 })).rejects.toMatchObject({ code: "conflict" });
    await Promise.all(
      Array.from({ length: 12 }, () =>
        shelf.change("x", (record) => ({ ...record, label: "b", weight: record.weight + 1 })),
      ),
    );
    expect(await shelf.get("x")).toMatchObject({ weight: 12 });
    expect(await shelf.sums()).toEqual({ counts: { a: 0, b: 2 }, weight: 17 });
    expect([await shelf.remove("x"), await shelf.remove("x")]).toEqual([true, false]);
    expect(await shelf.sums()).toEqual({ counts: { a: 0, b: 1 }, weight: 5 });
    expect(await shelf.change("x", (record) => record)).toBeUndefined();
  });
});

async function keysOf(tenant: ScopedRedis): Promise<readonly string[]> {
  return (await tenant.send(["KEYS", `*${tenant.app}*`])) as readonly string[];
}
