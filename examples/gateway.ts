// The gateway in a process of yours, and the official openai client with another base URL.
import type { AddressInfo } from "node:net";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createApiKeys, createGateway } from "marrow/gateway";
import { demoModel } from "marrow/models";
import OpenAI from "openai";

const redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const app = createGateway({ redis, models: [demoModel()], embedder: staticEmbedder(), config: { logLevel: "silent" } });
await app.listen({ host: "127.0.0.1", port: 0 });
const apiKey = await createApiKeys(redis).create({ scope: "acme", user: "ada", name: "example" });
const client = new OpenAI({ apiKey, baseURL: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1` });

for (const content of ["What is the capital of France?", "What's the capital of France?"]) {
  const startMs = performance.now();
  const { data, response } = await client.chat.completions
    .create({ model: "demo", messages: [{ role: "user", content }] })
    .withResponse();
  const took = performance.now() - startMs > 300 ? "slow" : "fast";
  console.log(`${response.headers.get("x-marrow-cache")}, ${took}: ${data.choices[0]?.message.content}`);
}
await app.close();
await redis.close();
// Output:
// miss, slow: The capital of France is Paris.
// similar, fast: The capital of France is Paris.
