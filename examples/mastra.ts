// A Mastra agent that remembers, on Redis. The model here is a stand-in; any of Mastra's takes its place.
import { Agent } from "@mastra/core/agent";
import { MastraCompositeStore } from "@mastra/core/storage";
import { Memory } from "@mastra/memory";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { MarrowThreads, MarrowVector } from "marrow/mastra";
import { startScriptedModel } from "marrow/testing";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const tenant = redis.scope("acme");
const local = staticEmbedder();
const embedder = {
  specificationVersion: "v2" as const,
  provider: "marrow",
  modelId: local.fingerprint,
  maxEmbeddingsPerCall: 100,
  supportsParallelCalls: true,
  doEmbed: async ({ values }: { values: string[] }) => ({ embeddings: (await local.embed(values)).map((v) => [...v]) }),
};
const memory = new Memory({
  storage: new MastraCompositeStore({
    id: "marrow",
    domains: { memory: new MarrowThreads(tenant, { name: "support" }) },
  }),
  vector: new MarrowVector(tenant, { id: "recall", attributes: { resource_id: "tag", thread_id: "tag" } }),
  embedder,
  options: { lastMessages: 10, semanticRecall: { topK: 3, messageRange: 1, scope: "resource" } },
});
const upstream = await startScriptedModel(
  ({ body }) => `I was given ${(body["messages"] as unknown[]).length} messages.`,
);
const model = { id: "local/scripted" as const, url: upstream.baseUrl, apiKey: "none" };
const agent = new Agent({ id: "helper", name: "helper", instructions: "Be brief.", model, memory });

for (const question of ["My name is Ada.", "What is my name?"]) {
  const { text } = await agent.generate(question, { memory: { thread: "chat-7", resource: "42" } });
  console.log(text);
}
const { messages } = await memory.recall({ threadId: "chat-7", resourceId: "42" });
console.log(messages.map(({ role }) => role).join(", "));
await upstream.close();
// Output:
// I was given 2 messages.
// I was given 4 messages.
// user, assistant, user, assistant
