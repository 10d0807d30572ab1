// LangChain's VectorStore over Marrow, with the built-in embedder: no key, no network, no model file.
import { Document } from "@langchain/core/documents";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { MarrowEmbeddings, MarrowVectorStore } from "marrow/langchain";
import { createVectors } from "marrow/vectors";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-langchain",
});
const embedder = staticEmbedder();
const vectors = createVectors(redis.scope("acme"), {
  name: "chain",
  dimensions: embedder.dimensions,
  fingerprint: embedder.fingerprint,
  metric: "cosine",
  index: "hnsw",
  attributes: { topic: "tag", text: "text" },
});
const documents = [
  new Document({ pageContent: "How to reset a password", metadata: { topic: "account" } }),
  new Document({ pageContent: "How to pay an invoice", metadata: { topic: "billing" } }),
];
const store = await MarrowVectorStore.fromDocuments(documents, new MarrowEmbeddings(embedder), { vectors });

const retriever = store.asRetriever({ k: 1 });
console.log((await retriever.invoke("I forgot my password")).map(({ pageContent }) => pageContent));
const [billing] = await store.similaritySearch("password", 1, { topic: "billing" });
console.log(billing?.pageContent, billing?.metadata);
await vectors.drop();
// Output:
// [ 'How to reset a password' ]
// How to pay an invoice { topic: 'billing' }
