import { toFile, type OpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { until } from "../servers.ts";

const cats = "# Cats\n\nCats sleep most of the day.\n\nA cat lands on its feet.";
const dogs = "# Dogs\n\nDogs bark at the postman.\n\nA dog fetches a stick.";

let gateway: TestGateway;
let client: OpenAI;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    config: { vectorStores: { fileBytesMax: 100_000, recall: { sampleEvery: 5 } } },
  });
  client = gateway.client();
});
afterAll(() => gateway.close());

const upload = async (name: string, text: string | Buffer) =>
  client.files.create({ file: await toFile(Buffer.from(text), name), purpose: "assistants" });

describe("the official client's files", () => {
  it("upload, list, retrieve, read and delete", async () => {
    const file = await upload("cats.md", cats);
    expect(file).toMatchObject({ object: "file", filename: "cats.md", purpose: "assistants", bytes: cats.length });
    expect(await client.files.retrieve(file.id)).toEqual(file);
    expect(await (await client.files.content(file.id)).text()).toBe(cats);
    const later = await upload("later.md", dogs);
    const listed: string[] = [];
    for await (const one of client.files.list({ limit: 1, order: "asc" })) listed.push(one.id);
    expect(listed).toEqual([file.id, later.id]);
    expect((await client.files.list({ purpose: "batch" })).data).toEqual([]);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.files.content(file.id)).rejects.toMatchObject({ status: 404 });
  });

  it("are refused with a reason", async () => {
    await expect(upload("large.txt", "x".repeat(100_001))).rejects.toMatchObject({ status: 413, param: "file" });
    const wrong = client.files.create({ file: await toFile(Buffer.from("x"), "x.txt"), purpose: "nothing" as never });
    await expect(wrong).rejects.toMatchObject({ status: 400, param: "purpose" });
    const ending = await client.files.create({
      file: await toFile(Buffer.from("x"), "x.txt"),
      purpose: "user_data",
      expires_after: { anchor: "created_at", seconds: 3_600 },
    });
    expect(ending.expires_at).toBe(ending.created_at + 3_600);
  });
});

describe("the official client's vector stores", () => {
  it("are made, listed, changed and deleted", async () => {
    const store = await client.vectorStores.create({
      name: "animals",
      description: "Cats and dogs",
      metadata: { team: "zoo" },
      expires_after: { anchor: "last_active_at", days: 7 },
    });
    expect(store).toMatchObject({
      object: "vector_store",
      name: "animals",
      description: "Cats and dogs",
      status: "completed",
      usage_bytes: 0,
      metadata: { team: "zoo" },
    });
    expect(store.expires_at).toBe((store.last_active_at ?? 0) + 7 * 86_400);
    expect(await client.vectorStores.retrieve(store.id)).toEqual(store);
    const changed = await client.vectorStores.update(store.id, { name: "pets", metadata: {}, expires_after: null });
    expect(changed).toMatchObject({ name: "pets", metadata: {}, expires_after: null, expires_at: null });
    const second = await client.vectorStores.create({});
    const newest = await client.vectorStores.list({ limit: 1 });
    expect(newest.data.map(({ id }) => id)).toEqual([second.id]);
    expect((await newest.getNextPage()).data[0]?.id).toBe(store.id);
    expect((await client.vectorStores.list({ before: store.id, limit: 5 })).data.map(({ id }) => id)).toContain(
      second.id,
    );
    expect(await client.vectorStores.delete(store.id)).toMatchObject({ id: store.id, deleted: true });
    await expect(client.vectorStores.retrieve(store.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.vectorStores.list({ after: store.id })).rejects.toMatchObject({ status: 404, param: "after" });
    await expect(client.vectorStores.update(second.id, { metadata: { a: "x".repeat(513) } })).rejects.toMatchObject({
      status: 400,
      param: "metadata.a",
    });
  });

  it("refuse by name what has no effect", async () => {
    const { id } = await client.vectorStores.create({});
    const search = async (more: object) => client.vectorStores.search(id, { query: "q", ...more });
    for (const [more, param] of [
      [{ rewrite_query: true }, "rewrite_query"],
      [{ max_num_results: 51 }, "max_num_results"],
      [{ ranking_options: { ranker: "bogus" } }, "ranking_options.ranker"],
      [{ ranking_options: { score_threshold: 7 } }, "ranking_options.score_threshold"],
      [{ ranking_options: { hybrid_search: { text_weight: 1 } } }, "ranking_options.hybrid_search"],
      [{ novel: 1 }, "novel"],
    ] as const)
      await expect(search(more)).rejects.toMatchObject({ status: 400, param });
    expect((await search({ rewrite_query: false, ranking_options: { ranker: "auto" } })).data).toEqual([]);
    await expect(client.vectorStores.create({ colour: "red" } as object)).rejects.toMatchObject({ param: "colour" });
    const tool = (more: object) => ({ type: "file_search" as const, vector_store_ids: [id], ...more });
    for (const [more, param] of [
      [{ max_num_results: 51 }, "tools.0.max_num_results"],
      [{ ranking_options: { ranker: "bogus" } }, "tools.0.ranking_options.ranker"],
    ] as const)
      await expect(
        client.responses.create({ model: "demo", input: "q", tools: [tool(more as object)] }),
      ).rejects.toMatchObject({ status: 400, param });
  });

  it("take files and find in them, with filters", async () => {
    const store = await client.vectorStores.create({ name: "animals" });
    const attributes = { kind: "cat", legs: 4, wild: false };
    const cat = await client.vectorStores.files.uploadAndPoll(store.id, await toFile(Buffer.from(cats), "cats.md"));
    expect(cat).toMatchObject({
      object: "vector_store.file",
      status: "completed",
      vector_store_id: store.id,
      last_error: null,
    });
    await client.vectorStores.files.update(cat.id, { vector_store_id: store.id, attributes });
    const dog = await upload("dogs.md", dogs);
    await client.vectorStores.files.createAndPoll(store.id, {
      file_id: dog.id,
      attributes: { kind: "dog", legs: 4, wild: true, year: 2026 },
      chunking_strategy: { type: "static", static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: 10 } },
    });
    expect(await client.vectorStores.retrieve(store.id)).toMatchObject({
      file_counts: { completed: 2, total: 2, failed: 0 },
      status: "completed",
    });
    expect((await client.vectorStores.retrieve(store.id)).usage_bytes).toBeGreaterThan(50);

    const found = await client.vectorStores.search(store.id, { query: "Which animal fetches a stick?" });
    expect(found.data[0]).toMatchObject({
      file_id: dog.id,
      filename: "dogs.md",
      attributes: { kind: "dog", year: 2026 },
    });
    expect(found.data[0]?.content[0]?.text).toContain("stick");
    expect(found.data[0]?.score).toBeGreaterThan(0);

    const filesOf = async (filters: OpenAI.ComparisonFilter | OpenAI.CompoundFilter) =>
      (await client.vectorStores.search(store.id, { query: ["animal", "cat or dog"], filters })).data
        .map(({ filename }) => filename)
        .toSorted();
    expect(await filesOf({ type: "eq", key: "kind", value: "cat" })).toEqual(["cats.md"]);
    expect(await filesOf({ type: "ne", key: "kind", value: "cat" })).toEqual(["dogs.md"]);
    expect(await filesOf({ type: "eq", key: "wild", value: true })).toEqual(["dogs.md"]);
    expect(await filesOf({ type: "eq", key: "wild", value: "true" })).toEqual([]);
    expect(await filesOf({ type: "gte", key: "legs", value: 4 })).toEqual(["cats.md", "dogs.md"]);
    expect(await filesOf({ type: "gt", key: "year", value: 2025 })).toEqual(["dogs.md"]);
    expect(await filesOf({ type: "lt", key: "nobody", value: 1 })).toEqual([]);
    expect(await filesOf({ type: "in", key: "kind", value: ["cat", "cow"] })).toEqual(["cats.md"]);
    expect(await filesOf({ type: "nin", key: "kind", value: ["cat", "cow"] })).toEqual(["dogs.md"]);
    const both = {
      type: "and",
      filters: [
        { type: "eq", key: "legs", value: 4 },
        { type: "or", filters: [{ type: "eq", key: "kind", value: "dog" }] },
      ],
    } as const;
    expect(await filesOf(both as never)).toEqual(["dogs.md"]);
    await expect(filesOf({ type: "like", key: "kind", value: "c" } as never)).rejects.toMatchObject({
      status: 400,
      param: "filters.type",
    });
    await expect(client.vectorStores.search(store.id, { query: "x", max_num_results: 51 })).rejects.toMatchObject({
      status: 400,
      param: "max_num_results",
    });
    expect(
      (
        await client.vectorStores.search(store.id, {
          query: "x",
          ranking_options: { score_threshold: 1, ranker: "none" },
        })
      ).data,
    ).toEqual([]);

    const texts: string[] = [];
    for await (const part of client.vectorStores.files.content(dog.id, { vector_store_id: store.id }))
      texts.push(part.text ?? "");
    expect(texts.join("\n")).toContain("postman");
    await client.vectorStores.files.update(dog.id, { vector_store_id: store.id, attributes: { kind: "wolf" } });
    expect(await filesOf({ type: "eq", key: "kind", value: "wolf" })).toEqual(["dogs.md"]);
    expect(await filesOf({ type: "gt", key: "year", value: 2025 })).toEqual([]);

    expect(await client.vectorStores.files.delete(dog.id, { vector_store_id: store.id })).toMatchObject({
      deleted: true,
    });
    const left = await client.vectorStores.search(store.id, { query: "stick" });
    expect(left.data.every(({ file_id }) => file_id === cat.id)).toBe(true);
    await expect(client.vectorStores.files.retrieve(dog.id, { vector_store_id: store.id })).rejects.toMatchObject({
      status: 404,
    });
    expect(await client.files.retrieve(dog.id)).toMatchObject({ id: dog.id });
  });

  it("replace a file whole, and say why one failed", async () => {
    const store = await client.vectorStores.create({});
    const long = Array.from({ length: 60 }, (_, at) => `Paragraph ${at} speaks of subject number ${at}.`).join("\n\n");
    const file = await upload("long.md", long);
    const strategy = (tokens: number) => ({
      type: "static" as const,
      static: { max_chunk_size_tokens: tokens, chunk_overlap_tokens: 0 },
    });
    await client.vectorStores.files.create(store.id, { file_id: file.id, chunking_strategy: strategy(100) });
    const many = (await client.vectorStores.files.content(file.id, { vector_store_id: store.id })).data.length;
    await client.vectorStores.files.create(store.id, { file_id: file.id, chunking_strategy: strategy(4_096) });
    const few = (await client.vectorStores.files.content(file.id, { vector_store_id: store.id })).data.length;
    expect(many).toBeGreaterThan(3);
    expect(few).toBe(1);
    expect((await client.vectorStores.search(store.id, { query: "subject", max_num_results: 50 })).data).toHaveLength(
      1,
    );
    const image = await upload("image.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]));
    const failed = await client.vectorStores.files.createAndPoll(store.id, { file_id: image.id });
    expect(failed).toMatchObject({ status: "failed", last_error: { code: "unsupported_file" } });
    expect((await client.vectorStores.files.list(store.id, { filter: "failed" })).data.map(({ id }) => id)).toEqual([
      image.id,
    ]);
    await expect(client.vectorStores.files.create(store.id, { file_id: "file-none" })).rejects.toMatchObject({
      status: 404,
      param: "file_id",
    });
    await expect(
      client.vectorStores.files.create(store.id, { file_id: file.id, chunking_strategy: strategy(50) }),
    ).rejects.toMatchObject({ status: 400, param: "max_chunk_size_tokens" });
    await expect(
      client.vectorStores.files.create(store.id, { file_id: file.id, attributes: { "": 1 } }),
    ).rejects.toMatchObject({ status: 400 });
  });

  it("take many files at once", async () => {
    const store = await client.vectorStores.create({});
    const files = await Promise.all(
      ["one", "two", "three"].map((word) => toFile(Buffer.from(`The word is ${word}.`), `${word}.txt`)),
    );
    const batch = await client.vectorStores.fileBatches.uploadAndPoll(store.id, { files }, { pollIntervalMs: 20 });
    expect(batch).toMatchObject({
      object: "vector_store.files_batch",
      status: "completed",
      file_counts: { completed: 3, total: 3 },
    });
    const listed = await client.vectorStores.fileBatches.listFiles(batch.id, { vector_store_id: store.id });
    expect(listed.data.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
    expect((await client.vectorStores.files.list(store.id, { limit: 2 })).has_more).toBe(true);
    const mixed = await client.vectorStores.fileBatches.createAndPoll(
      store.id,
      { file_ids: [(await upload("bad.bin", Buffer.from([0xff, 0xfe, 0]))).id] },
      { pollIntervalMs: 20 },
    );
    expect(mixed.file_counts).toMatchObject({ failed: 1, completed: 0 });
    const cancelled = await client.vectorStores.fileBatches.cancel(batch.id, { vector_store_id: store.id });
    expect(cancelled.status).toBe("completed");
    await expect(client.vectorStores.fileBatches.create(store.id, { file_ids: ["file-none"] })).rejects.toMatchObject({
      status: 404,
    });
    const uploaded = await upload("four.txt", "The word is four.");
    const made = await client.vectorStores.create({ file_ids: [uploaded.id] });
    await until(
      async () => (await client.vectorStores.retrieve(made.id)).file_counts.completed === 1,
      "the file of a new store",
    );
  });

  it("are sampled for what their graphs overlook, and the gauge says so", async () => {
    const store = await client.vectorStores.create({});
    const file = await upload("cats.md", cats);
    await client.vectorStores.files.create(store.id, { file_id: file.id });
    const metrics = async () => (await gateway.app.inject("/metrics")).body;
    for (let at = 0; at < 5; at += 1) await client.vectorStores.search(store.id, { query: `cats ${at}` });
    await until(async () => (await metrics()).includes("marrow_vector_recall 1"), "a sample of the recall");
    expect(await metrics()).toMatch(/marrow_vector_effort 100/);
  });

  it("of another tenant are not there", async () => {
    const store = await client.vectorStores.create({ name: "mine" });
    const file = await upload("mine.txt", "secret");
    const other = gateway.client({ apiKey: await gateway.keys.create({ scope: "Acme", user: "u", name: "other" }) });
    await expect(other.vectorStores.retrieve(store.id)).rejects.toMatchObject({ status: 404 });
    await expect(other.vectorStores.search(store.id, { query: "secret" })).rejects.toMatchObject({ status: 404 });
    await expect(other.files.content(file.id)).rejects.toMatchObject({ status: 404 });
    expect((await other.files.list()).data).toEqual([]);
    expect((await other.vectorStores.list()).data).toEqual([]);
  });
});
