// The official client's vector stores, on your own Redis: upload a file, search it, filter by attributes.
import type { AddressInfo } from "node:net";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createApiKeys, createGateway } from "marrow/gateway";
import OpenAI, { toFile } from "openai";

const redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const app = createGateway({ redis, models: [], embedder: staticEmbedder(), config: { logLevel: "silent" } });
await app.listen({ host: "127.0.0.1", port: 0 });
const apiKey = await createApiKeys(redis).create({ scope: "acme", user: "ada", name: "example" });
const client = new OpenAI({ apiKey, baseURL: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1` });

const store = await client.vectorStores.create({ name: "handbook" });
const pages = { "leave.md": "Holidays are asked for in the portal.", "office.md": "The office opens at eight." };
for (const [name, text] of Object.entries(pages)) {
  const file = await client.files.create({ file: await toFile(Buffer.from(text), name), purpose: "assistants" });
  await client.vectorStores.files.createAndPoll(store.id, {
    file_id: file.id,
    attributes: { topic: name.slice(0, -3) },
  });
}
console.log((await client.vectorStores.retrieve(store.id)).file_counts.completed, "files");

const query = "When does the office open?";
const found = await client.vectorStores.search(store.id, { query, max_num_results: 1 });
console.log(found.data[0]?.filename, found.data[0]?.content[0]?.text);
const filters = { type: "ne", key: "topic", value: "office" } as const;
const other = await client.vectorStores.search(store.id, { query, filters });
console.log(other.data.map(({ filename }) => filename));

await client.vectorStores.delete(store.id);
await app.close();
await redis.close();
// Output:
// 2 files
// office.md The office opens at eight.
// [ 'leave.md' ]
