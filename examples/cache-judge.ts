// A judge settles what no proof does: a question in quite other words is a miss once, and an alias of the stored answer from then on.
import { connect } from "marrow";
import { createCache, modelJudge } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";
import type { ChatModel } from "marrow/models";

const redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
// Here a stand-in that knows one pair; yours is `openaiModel({ baseUrl, apiKey })` of marrow/models, with the id of a small model.
const small: Pick<ChatModel, "complete"> = {
  async complete({ request }) {
    const { asked } = JSON.parse(String(request.messages.at(-1)?.content)) as { asked: string };
    const content = JSON.stringify({ verdict: asked.includes("login") ? "same" : "different" });
    const choices = [{ index: 0, message: { role: "assistant" as const, content }, finish_reason: "stop" as const }];
    const completion = { id: "1", object: "chat.completion" as const, created: 1, model: "small", choices };
    return { text: JSON.stringify(completion), completion };
  },
};
const cache = createCache<string>(redis.scope("acme"), {
  name: "support",
  embedder: staticEmbedder(),
  judge: { ask: modelJudge({ model: small, id: "small" }), floor: 0.3 },
});
const ask = async () => "Settings, then Security.";

await cache.through("How do I reset my password?", ask);
for (const question of ["My login secret is lost, what now?", "How do I delete my account?"]) {
  const { source } = await cache.through(question, ask);
  console.log(`${source}: ${question}`);
}
while (((await cache.report()).judge["aliases"] ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
for (const question of ["My login secret is lost, what now?", "My login secret is lost, what now"]) {
  const { source } = await cache.through(question, ask);
  console.log(`${source}: ${question}`);
}
await redis.close();
// Output:
// miss: My login secret is lost, what now?
// miss: How do I delete my account?
// alias: My login secret is lost, what now?
// similar: My login secret is lost, what now
