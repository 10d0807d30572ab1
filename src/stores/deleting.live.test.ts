import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { hashEmbedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { losing } from "../testing/index.ts";
import { keyTag, type ScopedRedis } from "../redis/index.ts";
import { createShelf, createStores, FILE_PURPOSES, type FilePurpose, type StoredFile, type Stores } from "./index.ts";

const open = (redis: ScopedRedis, embedder = hashEmbedder({ dimensions: 64 })) =>
  createStores(redis, { name: "docs", embedder });
const upload = (stores: Stores, text: string, filename = "a.txt") =>
  stores.files.add({ filename, purpose: "assistants", content: Buffer.from(text) });
const saidBy = async (stores: Stores, store: string, query: string) =>
  (await stores.search(store, { queries: [query] })).map(({ text }) => text);

describe("a file that is deleted", () => {
  liveTest("is found in no vector store any more, and what else they hold is", async ({ tenant }) => {
    const stores = open(tenant);
    const [secret, plain] = [await upload(stores, "the secret recipe"), await upload(stores, "the plain recipe")];
    const made = await Promise.all([stores.create(), stores.create()]);
    for (const { id } of made)
      for (const { id: fileId } of [secret, plain]) await (await stores.filesOf(id)).attach({ fileId });
    await stores.files.remove(secret.id);
    for (const { id } of made) {
      expect(await saidBy(stores, id, "the secret recipe")).toEqual(["the plain recipe"]);
      const files = await stores.filesOf(id);
      await expect(files.get(secret.id)).rejects.toMatchObject({ code: "not_found" });
      expect((await stores.get(id)).fileCounts.completed).toBe(1);
    }
  });

  liveTest(
    "is served by no search, whichever command its deletion loses, and is deleted by another try",
    async ({ tenant }) => {
      for (let nth = 1; nth <= 12; nth += 1) {
        const stores = open(tenant);
        const { id: fileId } = await upload(stores, `secret number ${nth}`);
        const { id } = await stores.create();
        await (await stores.filesOf(id)).attach({ fileId });
        const lost = await open(losing(tenant, nth, "after"))
          .files.remove(fileId)
          .then(
            () => false,
            () => true,
          );
        const there = await stores.files.get(fileId).then(
          () => true,
          () => false,
        );
        if (!there) expect(await saidBy(stores, id, `secret number ${nth}`)).toEqual([]);
        else {
          expect(lost).toBe(true);
          await stores.files.remove(fileId);
          expect(await saidBy(stores, id, `secret number ${nth}`)).toEqual([]);
        }
      }
    },
  );

  liveTest("stays out of a store that was still at work on it", async ({ tenant }) => {
    const gate = Promise.withResolvers<void>();
    const plain = hashEmbedder({ dimensions: 64 });
    const slow = {
      ...plain,
      embed: async (...given: Parameters<typeof plain.embed>) => (await gate.promise, plain.embed(...given)),
    };
    const stores = open(tenant, slow);
    const { id: fileId } = await upload(stores, "late words");
    const { id } = await stores.create();
    const attaching = (await stores.filesOf(id)).attach({ fileId }).catch((error: unknown) => error);
    await expect.poll(async () => (await stores.get(id)).status, { timeout: 5_000 }).toBe("in_progress");
    await stores.files.remove(fileId);
    gate.resolve();
    expect(await attaching).toMatchObject({ code: "not_found" });
    expect(await saidBy(stores, id, "late words")).toEqual([]);
    expect((await stores.get(id)).fileCounts).toMatchObject({ completed: 0, in_progress: 0 });
  });

  liveTest(
    "leaves nothing of itself in a store, whichever command of the work on it comes after",
    async ({ tenant }) => {
      const stores = open(tenant);
      for (const [at, way] of ["deleted", "taken out"].entries()) {
        for (let nth = 1; nth <= 16; nth += 1) {
          const words = `words ${at} ${nth}`;
          const { id: fileId } = await upload(stores, words);
          const { id } = await stores.create();
          const files = await stores.filesOf(id);
          let sent = 0;
          const before: ScopedRedis["send"] = async (command, options) => {
            sent += 1;
            if (sent === nth) await (way === "deleted" ? stores.files.remove(fileId) : files.detach(fileId));
            return tenant.send(command, options);
          };
          const working = open({ ...tenant, send: before });
          const attached = await (await working.filesOf(id)).attach({ fileId }).then(
            (file) => file.status,
            (error: unknown) => (MarrowError.is(error) ? error.code : error),
          );
          const kept = attached === "completed" && (way === "taken out" || nth > sent);
          // A file that was taken out before it was in is in the store all the same.
          if (!kept) expect([nth, attached]).toEqual([nth, "not_found"]);
          expect([nth, await saidBy(stores, id, words)]).toEqual([nth, kept ? [words] : []]);
          expect((await stores.get(id)).fileCounts).toMatchObject({
            completed: kept ? 1 : 0,
            failed: 0,
            in_progress: 0,
          });
        }
      }
    },
  );

  liveTest("is not served when its time is over, though nobody deleted it", async ({ tenant }) => {
    const stores = open(tenant);
    const { id: fileId } = await stores.files.add({
      filename: "a.txt",
      purpose: "assistants",
      content: Buffer.from("words of an hour"),
      expiresAfterSeconds: 3_600,
    });
    const { id } = await stores.create();
    await (await stores.filesOf(id)).attach({ fileId });
    expect(await saidBy(stores, id, "words of an hour")).toEqual(["words of an hour"]);
    // As if the hour had passed: the record is what says so.
    const records = createShelf<StoredFile, FilePurpose>(tenant, {
      prefix: `${keyTag(tenant)}:stores:docs:files`,
      room: 100,
      labels: FILE_PURPOSES,
      labelOf: ({ purpose }) => purpose,
    });
    await records.change(fileId, (file) => ({ ...file, expiresAt: Date.now() / 1_000 - 1 }));
    expect(await saidBy(stores, id, "words of an hour")).toEqual([]);
    expect((await stores.get(id)).fileCounts.completed).toBe(0);
  });
});

describe("a vector store that is removed", () => {
  liveTest("leaves no key of itself, whichever command of the work on its files comes after", async ({ tenant }) => {
    const stores = open(tenant);
    for (const way of ["one file", "many files"]) {
      for (let nth = 1; nth <= 24; nth += 1) {
        const { id: fileId } = await upload(stores, `words of ${way}, ${nth}`);
        const { id } = await stores.create();
        let sent = 0;
        const before: ScopedRedis["send"] = async (command, options) => {
          sent += 1;
          if (sent === nth) await stores.remove(id);
          return tenant.send(command, options);
        };
        const attach = async () => {
          const files = await open({ ...tenant, send: before }).filesOf(id);
          return way === "one file" ? files.attach({ fileId }) : files.attachAll([{ fileId }]);
        };
        await attach().catch((error: unknown) => expect(error).toMatchObject({ code: "not_found" }));
        // The rest of a batch runs behind its caller.
        const keys = async () => tenant.send(["KEYS", `*${id}*`]);
        if (sent < nth) await stores.remove(id);
        await expect.poll(async () => [nth, way, await keys()]).toEqual([nth, way, []]);
      }
    }
  });
});

describe("a vector store that is made with files", () => {
  liveTest("says that they are in progress until they can be searched", async ({ tenant }) => {
    const gate = Promise.withResolvers<void>();
    const plain = hashEmbedder({ dimensions: 64 });
    const slow = {
      ...plain,
      embed: async (...given: Parameters<typeof plain.embed>) => (await gate.promise, plain.embed(...given)),
    };
    const stores = open(tenant, slow);
    const ids = [(await upload(stores, "one")).id, (await upload(stores, "two")).id];
    const { id } = await stores.create();
    await (await stores.filesOf(id)).attachAll(ids.map((fileId) => ({ fileId })));
    expect(await stores.get(id)).toMatchObject({ status: "in_progress", fileCounts: { in_progress: 2 } });
    gate.resolve();
    await expect.poll(async () => (await stores.get(id)).status, { timeout: 5_000 }).toBe("completed");
    expect(await saidBy(stores, id, "two")).toContain("two");
  });
});
