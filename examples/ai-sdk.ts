// The cache as a middleware of the AI SDK. The model here is a stand-in; any of the SDK's takes its place.
import { generateText, streamText, wrapLanguageModel } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { connect } from "marrow";
import { cacheMiddleware, type StoredGeneration } from "marrow/ai-sdk";
import { createCache } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const slow = new MockLanguageModelV4({
  doGenerate: async () => ({
    content: [{ type: "text", text: "Paris." }],
    finishReason: { unified: "stop", raw: "stop" },
    usage: {
      inputTokens: { total: 9, noCache: 9, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 2, text: 2, reasoning: 0 },
    },
    warnings: [],
  }),
});
const cache = createCache<StoredGeneration>(redis.scope("acme"), { name: "ai", embedder: staticEmbedder() });
const model = wrapLanguageModel({ model: slow, middleware: cacheMiddleware(cache) });

for (const prompt of ["What is the capital of France?", "What's the capital of France?"]) {
  const { text, providerMetadata } = await generateText({ model, prompt });
  console.log(text, providerMetadata?.["marrow"]?.["cache"] ?? "miss");
}
const { textStream } = streamText({ model, prompt: "Please tell me what the capital of France is" });
for await (const piece of textStream) console.log(piece);
console.log(slow.doGenerateCalls.length, "call");
// Output:
// Paris. miss
// Paris. similar
// Paris.
// 1 call
