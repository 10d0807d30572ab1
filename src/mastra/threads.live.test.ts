import { createOpenAI } from "@ai-sdk/openai";
import { Agent, type MastraDBMessage } from "@mastra/core/agent";
import { MastraCompositeStore } from "@mastra/core/storage";
import { Memory } from "@mastra/memory";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import { createMemory } from "../memory/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { startScriptedModel } from "../testing/index.ts";
import { MarrowThreads, MarrowVector } from "./index.ts";

const storageOf = (tenant: ScopedRedis) =>
  new MastraCompositeStore({ id: "marrow", domains: { memory: new MarrowThreads(tenant, { name: "support" }) } });

/** Mastra's own memory on Marrow: storage, vectors and embedder. */
function memoryOf(tenant: ScopedRedis, options: ConstructorParameters<typeof Memory>[0] = {}) {
  const embedder = staticEmbedder();
  return new Memory({
    storage: storageOf(tenant),
    vector: new MarrowVector(tenant, { id: "recall", attributes: { resource_id: "tag", thread_id: "tag" } }),
    embedder: {
      specificationVersion: "v2",
      provider: "marrow",
      modelId: embedder.fingerprint,
      maxEmbeddingsPerCall: 100,
      supportsParallelCalls: true,
      doEmbed: async ({ values }: { values: string[] }) => ({
        embeddings: (await embedder.embed(values)).map((vector) => [...vector]),
      }),
    } as never,
    ...options,
  });
}

const message = (id: string, text: string, seconds: number, more: Partial<MastraDBMessage> = {}): MastraDBMessage => ({
  id,
  role: "user",
  threadId: "t1",
  resourceId: "ada",
  createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)),
  content: { format: 2, parts: [{ type: "text", text }] },
  ...more,
});

const idsOf = ({ messages }: { readonly messages: readonly MastraDBMessage[] }) => messages.map(({ id }) => id);

describe("sessions as Mastra's memory", () => {
  liveTest("an agent remembers a conversation that another process began", async ({ tenant }) => {
    const model = await startScriptedModel(({ body }) => `turns: ${(body["messages"] as unknown[]).length}`);
    const agent = () =>
      new Agent({
        id: "helper",
        name: "helper",
        instructions: "Help.",
        model: createOpenAI({ baseURL: model.baseUrl, apiKey: "k" }).chat("scripted") as never,
        memory: memoryOf(tenant, { options: { lastMessages: 10 } }),
      });
    const memory = { thread: "chat-7", resource: "ada" };
    const first = await agent().generate("My name is Ada.", { memory });
    const second = await agent().generate("What is my name?", { memory });
    expect([first.text, second.text]).toEqual(["turns: 2", "turns: 4"]);
    await model.close();
    // The gateway and other frameworks read the same session.
    const { turns } = await createMemory(tenant, { name: "support" })
      .session({ user: "ada", id: "chat-7" })
      .window({ last: 10 });
    expect(turns.map(({ role, content }) => [role, content])).toEqual([
      ["user", "My name is Ada."],
      ["assistant", "turns: 2"],
      ["user", "What is my name?"],
      ["assistant", "turns: 4"],
    ]);
  });

  liveTest("recalls by meaning across the threads of one user, and of nobody else", async ({ tenant }) => {
    const memory = memoryOf(tenant, { options: { semanticRecall: { topK: 1, messageRange: 0, scope: "resource" } } });
    for (const [threadId, resourceId] of [
      ["t1", "ada"],
      ["t2", "bob"],
      ["t3", "ada"],
    ] as const)
      await memory.saveThread({ thread: { id: threadId, resourceId, createdAt: new Date(), updatedAt: new Date() } });
    await memory.saveMessages({
      messages: [
        message("m1", "My order goes to Oslo", 1),
        message("m2", "I like tea", 2),
        message("m3", "My order goes to Rome", 3, { threadId: "t2", resourceId: "bob" }),
      ],
    });
    await memory.settled();
    const found = await memory.recall({
      threadId: "t3",
      resourceId: "ada",
      vectorSearchString: "where does my order go?",
    });
    expect(idsOf(found)).toEqual(["m1"]);
  });

  liveTest("lists, changes and deletes threads", async ({ tenant }) => {
    const memory = memoryOf(tenant);
    await memory.createThread({ threadId: "t1", resourceId: "ada", title: "Orders", metadata: { kind: "sales" } });
    await memory.createThread({ threadId: "t2", resourceId: "ada", title: "Tea" });
    await memory.createThread({ threadId: "t3", resourceId: "bob", title: "Rome" });
    await memory.updateThread({ id: "t1", title: "Orders in May", metadata: { open: true } });
    expect(await memory.getThreadById({ threadId: "t1" })).toMatchObject({
      resourceId: "ada",
      title: "Orders in May",
      metadata: { kind: "sales", open: true },
    });
    const { threads, total } = await memory.listThreads({ filter: { resourceId: "ada" }, perPage: 1 });
    expect([threads.length, total]).toEqual([1, 2]);
    const sold = await memory.listThreads({ filter: { resourceId: "ada", metadata: { kind: "sales" } } });
    expect(sold.threads.map(({ id }) => id)).toEqual(["t1"]);
    await memory.deleteThread("t1");
    expect(await memory.getThreadById({ threadId: "t1" })).toBeNull();
    await expect(memory.listThreads({})).rejects.toMatchObject({ code: "unsupported" });
  });

  liveTest("replaces a message of the same id, and merges changes into it", async ({ tenant }) => {
    const store = await storageOf(tenant).getStore("memory");
    if (store === undefined) throw new Error("the store has a memory");
    const now = new Date();
    await store.saveThread({ thread: { id: "t1", resourceId: "ada", createdAt: now, updatedAt: now } });
    await store.saveMessages({
      messages: [message("m1", "one", 1), message("m2", "two", 2), message("m3", "three", 3)],
    });
    await store.saveMessages({ messages: [message("m2", "TWO", 2)] });
    await store.updateMessages({ messages: [{ id: "m1", content: { metadata: { seen: true } } as never }] });
    const listed = await store.listMessages({ threadId: "t1" });
    expect(listed.messages.map(({ id, content }) => [id, content.parts, content.metadata])).toEqual([
      ["m1", [{ type: "text", text: "one" }], { seen: true }],
      ["m2", [{ type: "text", text: "TWO" }], undefined],
      ["m3", [{ type: "text", text: "three" }], undefined],
    ]);
    await store.deleteMessages(["m2"]);
    expect(idsOf(await store.listMessagesById({ messageIds: ["m1", "m2", "m3"] }))).toEqual(["m1", "m3"]);
    expect(await store.listMessages({ threadId: "t1", perPage: 1, page: 1 })).toMatchObject({
      total: 2,
      hasMore: false,
    });
    expect(idsOf(await store.listMessages({ threadId: "t1", resourceId: "bob" }))).toEqual([]);
    const late = { start: new Date(Date.UTC(2026, 0, 1, 0, 0, 2)) };
    expect(idsOf(await store.listMessagesByResourceId({ resourceId: "ada", filter: { dateRange: late } }))).toEqual([
      "m3",
    ]);
    const around = [{ id: "m3", withPreviousMessages: 1 }];
    expect(idsOf(await store.listMessages({ threadId: "t1", perPage: 0, include: around }))).toEqual(["m1", "m3"]);
  });

  liveTest("copies a thread, and gives one to another user", async ({ tenant }) => {
    const memory = memoryOf(tenant);
    await memory.createThread({ threadId: "t1", resourceId: "ada", title: "Orders" });
    await memory.saveMessages({ messages: [message("m1", "one", 1), message("m2", "two", 2)] });
    const { thread, clonedMessages } = await memory.cloneThread({
      sourceThreadId: "t1",
      newThreadId: "t2",
      options: { messageLimit: 1 },
    });
    expect([thread.title, clonedMessages.map(({ content }) => content.parts)]).toEqual([
      "Clone of Orders",
      [[{ type: "text", text: "two" }]],
    ]);
    await memory.updateThreadResourceId({ threadId: "t1", resourceId: "bob" });
    expect(await memory.getThreadById({ threadId: "t1" })).toMatchObject({ resourceId: "bob", title: "Orders" });
    expect(idsOf(await memory.recall({ threadId: "t1", resourceId: "bob" }))).toEqual(["m1", "m2"]);
    await expect(memory.recall({ threadId: "t1", resourceId: "ada" })).rejects.toThrow(/resource/);
  });

  liveTest("keeps a user's working memory over threads", async ({ tenant }) => {
    const options = { options: { workingMemory: { enabled: true, scope: "resource" } } } as const;
    const memory = memoryOf(tenant, options);
    await memory.createThread({ threadId: "t1", resourceId: "ada" });
    await memory.updateWorkingMemory({ threadId: "t1", resourceId: "ada", workingMemory: "# Ada\n- likes tea" });
    const other = memoryOf(tenant, options);
    expect(await other.getWorkingMemory({ threadId: "t9", resourceId: "ada" })).toBe("# Ada\n- likes tea");
  });
});
