import { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { ChatMessage, ToolCallLLMMessageOptions } from "@llamaindex/core/llms";
import { ChatMemoryBuffer, VectorMemoryBlock } from "@llamaindex/core/memory";
import { Document, NodeRelationship, ObjectType, TextNode } from "@llamaindex/core/schema";
import { VectorStoreQueryMode, type MetadataFilter } from "@llamaindex/core/vector-store";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createMemory } from "../memory/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { createVectors } from "../vectors/index.ts";
import { MarrowChatStore, MarrowVectorStore } from "./index.ts";

const embedder = staticEmbedder();

class Embedding extends BaseEmbedding {
  // eslint-disable-next-line no-useless-constructor -- that of the base class is protected
  constructor() {
    super();
  }

  async getTextEmbedding(text: string): Promise<number[]> {
    const [vector] = await embedder.embed([text]);
    return [...(vector ?? [])];
  }
}
const embedModel = new Embedding();

function storeOf(tenant: ScopedRedis) {
  const vectors = createVectors(tenant, {
    name: "index",
    dimensions: embedder.dimensions,
    fingerprint: embedder.fingerprint,
    metric: "cosine",
    index: "hnsw",
    attributes: { ref_doc_id: "tag", session_id: "tag", topic: "tag", year: "number", text: "text" },
  });
  return new MarrowVectorStore({ vectors, embedModel });
}

/** A node of a document, with its embedding. */
async function node(id: string, text: string, metadata: Record<string, unknown>, document = "guide") {
  const made = new TextNode({ id_: id, text, metadata });
  made.relationships[NodeRelationship.SOURCE] = { nodeId: document, nodeType: ObjectType.DOCUMENT, metadata: {} };
  made.embedding = await embedModel.getTextEmbedding(text);
  return made;
}

async function filled(tenant: ScopedRedis) {
  const store = storeOf(tenant);
  await store.add([
    await node("a", "How to reset a password", { topic: "account", year: 2024, author: "Ada" }),
    await node("b", "How to reset the password of a router", { topic: "router", year: 2025 }),
    await node("c", "How to pay an invoice", { topic: "billing", year: 2026 }, "handbook"),
  ]);
  const query = async (filters?: MetadataFilter[], more: object = {}) => {
    const queryEmbedding = await embedModel.getTextEmbedding("I forgot my password");
    const asked = { queryEmbedding, similarityTopK: 3, mode: VectorStoreQueryMode.DEFAULT, ...more };
    return store.query(filters === undefined ? asked : { ...asked, filters: { filters } });
  };
  return { store, query };
}

describe("a collection as LlamaIndex's vector store", () => {
  liveTest("gives nodes back as they were, the nearest first", async ({ tenant }) => {
    const { query } = await filled(tenant);
    const { ids, nodes, similarities } = await query();
    expect(ids[0]).toBe("a");
    expect(nodes?.[0]).toMatchObject({
      text: "How to reset a password",
      metadata: { topic: "account", author: "Ada" },
    });
    expect(nodes?.[0]?.sourceNode?.nodeId).toBe("guide");
    expect(similarities).toEqual(similarities.toSorted((x, y) => y - x));
  });

  liveTest.for([
    [{ key: "topic", value: "router", operator: "==" }, ["b"]],
    [{ key: "topic", value: "router", operator: "!=" }, ["a", "c"]],
    [{ key: "year", value: 2025, operator: ">=" }, ["b", "c"]],
    [{ key: "year", value: 2025, operator: "<" }, ["a"]],
    [{ key: "topic", value: ["account", "billing"], operator: "in" }, ["a", "c"]],
    [{ key: "topic", value: ["account", "billing"], operator: "nin" }, ["b"]],
    [{ key: "topic", operator: "is_empty" }, []],
  ] as const)("filters by %j", async ([filter, ids], { tenant }) => {
    const { query } = await filled(tenant);
    expect((await query([filter as unknown as MetadataFilter])).ids.toSorted()).toEqual(ids);
  });

  liveTest("searches some documents only, by difference, and by words", async ({ tenant }) => {
    const { query } = await filled(tenant);
    expect((await query(undefined, { docIds: ["handbook"] })).ids).toEqual(["c"]);
    expect(
      (await query(undefined, { mode: VectorStoreQueryMode.MMR, mmrThreshold: 0.1, similarityTopK: 2 })).ids,
    ).toHaveLength(2);
    expect((await query(undefined, { mode: VectorStoreQueryMode.HYBRID, queryStr: "invoice" })).ids).toContain("c");
    await expect(query(undefined, { mode: VectorStoreQueryMode.SVM })).rejects.toMatchObject({ code: "unsupported" });
    await expect(query([{ key: "topic", value: "a", operator: "contains" }])).rejects.toThrow(
      /filters\[0\]\.operator is contains/,
    );
  });

  liveTest("deletes the nodes of a document", async ({ tenant }) => {
    const { store, query } = await filled(tenant);
    await store.delete("guide");
    expect((await query()).ids).toEqual(["c"]);
  });

  liveTest("serves LlamaIndex's own vector memory", async ({ tenant }) => {
    const block = () =>
      new VectorMemoryBlock({
        vectorStore: storeOf(tenant),
        id: "orders",
        priority: 1,
        queryOptions: { similarityTopK: 1 },
      });
    await block().put([
      { id: "1", role: "user", content: "My order goes to Oslo" },
      { id: "2", role: "user", content: "My favourite drink is tea" },
    ]);
    const [found] = await block().get([{ id: "3", role: "user", content: "where does my order go?" }]);
    expect(JSON.stringify(found?.content)).toContain("Oslo");
  });

  liveTest("refuses a collection in which it could not find a document's nodes", ({ tenant }) => {
    const vectors = createVectors(tenant, { name: "x", dimensions: 3, metric: "cosine", index: "flat" });
    expect(() => new MarrowVectorStore({ vectors, embedModel })).toThrow(/ref_doc_id: "tag"/);
    expect(new Document({ text: "" }).type).toBe(ObjectType.DOCUMENT);
  });
});

const MESSAGES: ChatMessage<ToolCallLLMMessageOptions>[] = [
  { role: "user", content: "What is the weather?" },
  { role: "assistant", content: "", options: { toolCall: [{ id: "c1", name: "weather", input: { city: "Oslo" } }] } },
  { role: "user", content: "rain", options: { toolResult: { id: "c1", result: "rain", isError: false } } },
  { role: "assistant", content: [{ type: "text", text: "It rains." }] },
];

describe("sessions as LlamaIndex's chat store", () => {
  const storesOf = (tenant: ScopedRedis) => {
    const memory = createMemory(tenant, { name: "chat" });
    return { memory, chatStore: new MarrowChatStore<ToolCallLLMMessageOptions>({ memory, user: "ada" }) };
  };

  liveTest("keeps a conversation of LlamaIndex's memory for another process", async ({ tenant }) => {
    const buffer = () =>
      new ChatMemoryBuffer({
        llm: { metadata: { contextWindow: 1_000 } } as never,
        chatStore: storesOf(tenant).chatStore,
        chatStoreKey: "chat-7",
        tokenLimit: 1_000,
      });
    const first = buffer();
    for (const message of MESSAGES) void first.put(message);
    expect(await first.getMessages()).toEqual(MESSAGES);
    const second = buffer();
    expect(await second.getAllMessages()).toEqual(MESSAGES);
    // The gateway and other frameworks read the same session.
    const { turns } = await storesOf(tenant).memory.session({ user: "ada", id: "chat-7" }).window({ last: 10 });
    expect(turns.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
    expect(turns[1]).toMatchObject({
      tool_calls: [{ id: "c1", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
    });
    void second.reset();
    expect(await second.getAllMessages()).toEqual([]);
  });

  liveTest("reads what others wrote, and changes messages by their place", async ({ tenant }) => {
    const { memory, chatStore } = storesOf(tenant);
    await memory.session({ user: "ada", id: "k" }).append([
      { role: "user", content: "one" },
      { role: "tool", tool_call_id: "c", content: "hidden" },
      { role: "assistant", content: "three" },
    ]);
    await chatStore.addMessage("k", { role: "user", content: "two" }, 1);
    await chatStore.deleteMessage("k", 0);
    expect(await chatStore.getMessages("k")).toEqual([
      { role: "user", content: "two" },
      { role: "assistant", content: "three" },
    ]);
    await chatStore.addMessage("k2", { role: "user", content: "other" });
    expect([...(await chatStore.getKeys())].toSorted()).toEqual(["k", "k2"]);
    await expect(chatStore.deleteMessage("k", 9)).rejects.toMatchObject({ code: "invalid_input" });
    await chatStore.deleteMessages("k");
    expect([...(await chatStore.getKeys())]).toEqual(["k2"]);
  });

  liveTest("tells the next read of a write that failed, and ends no process", async ({ redis }) => {
    const chatStore = new MarrowChatStore({ memory: createMemory(redis.scope("acme"), { name: "chat" }), user: "ada" });
    const buffer = new ChatMemoryBuffer({ llm: { metadata: { contextWindow: 1_000 } } as never, chatStore });
    void buffer.put({ role: "user", content: "x".repeat(2_000_000) });
    await expect(buffer.getAllMessages()).rejects.toMatchObject({ code: "too_large" });
    expect(await buffer.getAllMessages()).toEqual([]);
  });
});
