// Another embedder, while the collection is used: both sides are written, one is read, and nothing stops.
import { connect } from "marrow";
import { hashEmbedder, staticEmbedder, type Embedder } from "marrow/embedders";
import { createMigration, createVectors, type MigrationSide } from "marrow/vectors";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-migration",
});
const tenant = redis.scope("acme");
type Schema = { readonly lang: "tag" };

function side(name: string, embedder: Embedder): MigrationSide<Schema, string> {
  const { dimensions, fingerprint } = embedder;
  const options = {
    name,
    dimensions,
    fingerprint,
    metric: "cosine",
    index: "hnsw",
    attributes: { lang: "tag" },
  } as const;
  return {
    vectors: createVectors(tenant, options),
    embed: (items) => embedder.embed(items.map(({ payload }) => (payload as { text: string }).text)),
    embedQuery: async (query) => (await embedder.embed([query]))[0] as Float32Array,
  };
}

const [from, to] = [side("docs-1", hashEmbedder()), side("docs-2", staticEmbedder())];
const texts = ["How to reset a password", "How to pay an invoice", "How to cancel an order"];
const items = texts.map((text, at) => ({ id: `doc-${at}`, attributes: { lang: "en" }, payload: { text } }) as const);
const vectors = await from.embed(items);
await from.vectors.upsert(items.map((item, at) => ({ ...item, vector: vectors[at] as Float32Array })));

// In every process, from here on: all reads and writes go through the migration.
const docs = createMigration(tenant, { name: "docs-1-to-2", from, to, stateMs: 50 });
const find = async () => `${await docs.phase()}: ${(await docs.search("I forgot my password", { limit: 1 }))[0]?.id}`;
console.log(await find());

// In one process, once; after a crash, again.
console.log(await docs.backfill({ itemsPerSecond: 1_000 }));
await docs.upsert([{ id: "doc-3", attributes: { lang: "de" }, payload: { text: "Passwort vergessen" } }]);
const { items: compared, mended, recall, verified } = await docs.verify();
console.log({ compared, mended, recall, verified });
await docs.switch();
console.log(await find());
await new Promise((resolve) => setTimeout(resolve, 100));
await docs.finish();
console.log(await docs.phase(), await from.vectors.count(), await to.vectors.count());
await to.vectors.drop();
// Output:
// copying: doc-0
// { scanned: 3, copied: 3 }
// { compared: 4, mended: 0, recall: 1, verified: true }
// switched: doc-0
// finished 0 4
