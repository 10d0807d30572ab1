import { Document } from "@langchain/core/documents";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { describe, expect, expectTypeOf } from "vitest";
import { liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createVectors } from "../vectors/index.ts";
import { MarrowEmbeddings, MarrowVectorStore } from "./index.ts";

const embedder = staticEmbedder();
const embeddings = new MarrowEmbeddings(embedder);

function collection(tenant: ScopedRedis) {
  return createVectors(tenant, {
    name: "chain",
    dimensions: embedder.dimensions,
    fingerprint: embedder.fingerprint,
    metric: "cosine",
    index: "hnsw",
    attributes: { topic: "tag", year: "number", text: "text" },
  });
}

const documents = [
  new Document({
    id: "a",
    pageContent: "How to reset a password",
    metadata: { topic: "account", year: 2024, author: { name: "Ada" } },
  }),
  new Document({
    id: "b",
    pageContent: "How to reset the password of a router",
    metadata: { topic: "router", year: 2025 },
  }),
  new Document({ id: "c", pageContent: "How to pay an invoice", metadata: { topic: "billing", year: 2026 } }),
];

describe("a collection as LangChain's vector store", () => {
  liveTest("adds, finds and filters documents", async ({ tenant }) => {
    const store = await MarrowVectorStore.fromDocuments(documents, embeddings, { vectors: collection(tenant) });
    expectTypeOf(store).toExtend<VectorStoreInterface>();
    const [nearest] = await store.similaritySearch("I forgot my password", 1);
    expect(nearest).toMatchObject({
      id: "a",
      pageContent: "How to reset a password",
      metadata: { author: { name: "Ada" } },
    });
    const scored = await store.similaritySearchWithScore("password", 3);
    expect(scored.map(([, score]) => score)).toEqual(scored.map(([, score]) => score).toSorted((x, y) => y - x));
    const filtered = await store.similaritySearch("password", 3, {
      year: { gte: 2025 },
      topic: { in: ["router", "billing"] },
    });
    expect(filtered.map(({ id }) => id)).toEqual(["b", "c"]);
  });

  liveTest("serves as a retriever, by nearness and by difference", async ({ tenant }) => {
    const store = await MarrowVectorStore.fromDocuments(documents, embeddings, { vectors: collection(tenant) });
    const found = await store.asRetriever({ k: 2, filter: { topic: "billing" } }).invoke("password");
    expect(found.map(({ id }) => id)).toEqual(["c"]);
    const unlike = await store
      .asRetriever({ k: 2, searchType: "mmr", searchKwargs: { fetchK: 3, lambda: 0.1 } })
      .invoke("How to reset a password");
    expect(unlike.map(({ id }) => id)).toEqual(["a", "c"]);
    const alone = await store.maxMarginalRelevanceSearch("How to reset a password", { k: 2, lambda: 1 });
    expect(alone.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  liveTest("deletes by id and by filter, never everything by accident", async ({ tenant }) => {
    const texts = documents.map(({ pageContent }) => pageContent);
    const store = await MarrowVectorStore.fromTexts(texts, [{ topic: "x" }, { topic: "y" }], embeddings, {
      vectors: collection(tenant),
    });
    expect(await store.vectors.count()).toBe(3);
    await store.delete({ filter: { topic: "x" } });
    await expect(store.delete()).rejects.toMatchObject({ code: "invalid_input" });
    await expect(store.delete({ filter: {} })).rejects.toMatchObject({ code: "invalid_input" });
    const ids = await store.addDocuments([new Document({ pageContent: "One more" })], { ids: ["own"] });
    expect(ids).toEqual(["own"]);
    await store.delete({ ids: ["own", "none"] });
    expect(await store.vectors.count()).toBe(2);
  });

  liveTest("says what it refuses", async ({ tenant }) => {
    const store = new MarrowVectorStore(embeddings, { vectors: collection(tenant) });
    await expect(store.addVectors([[1, 2]], [documents[0] as Document])).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(store.addVectors([], documents)).rejects.toMatchObject({ code: "invalid_input" });
    const wrong = new Document({ pageContent: "x", metadata: { year: "2024" } });
    await expect(store.addDocuments([wrong])).rejects.toMatchObject({ details: { path: "attributes.year" } });
  });
});
