// A typed vector store: attributes decide what a filter may ask.
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createVectors } from "marrow/vectors";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-vectors",
});
const embedder = staticEmbedder();
const docs = createVectors(redis.scope("acme"), {
  name: "help",
  dimensions: embedder.dimensions,
  metric: "cosine",
  index: "hnsw",
  fingerprint: embedder.fingerprint,
  attributes: { product: "tag", year: "number" },
});

const texts = ["How to reset a password", "How to pay an invoice", "How to change the password of the router"];
const vectors = await embedder.embed(texts);
const results = await docs.upsert(
  texts.map((text, at) => ({
    id: `doc-${at}`,
    vector: vectors[at] as Float32Array,
    attributes: { product: at === 2 ? "router" : "account", year: 2024 + at },
    payload: { text },
  })),
);
console.log(
  results.every(({ stored }) => stored),
  await docs.count(),
);

const [query] = await embedder.embed(["I forgot my password"]);
for (const where of [{}, { product: "account", year: { lt: 2026 } }]) {
  const found = await docs.search({ vector: query as Float32Array, limit: 2, where });
  console.log(found.map(({ id }) => id).join(", "));
}
console.log(await docs.deleteWhere({ year: { gte: 2025 } }, { dryRun: true }));
await docs.drop();
// Output:
// true 3
// doc-0, doc-2
// doc-0, doc-1
// 2
