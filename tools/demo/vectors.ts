import type { ScopedRedis } from "../../src/redis/index.ts";
import { createMigration, createVectors } from "../../src/vectors/index.ts";
import type { Random } from "./random.ts";

const PRODUCTS = 300;
const DIMENSIONS = { now: 32, next: 48 } as const;

/** A collection of a program's own, whose searches are checked now and then, and its move to another embedder, of which a part is done. */
export async function addCollections(redis: ScopedRedis, random: Random): Promise<void> {
  const vectorOf = (length: number) => Array.from({ length }, () => random.next() - 0.5);
  const side = (name: string, dimensions: number, fingerprint: string) => ({
    vectors: createVectors(redis, {
      name,
      dimensions,
      fingerprint,
      metric: "cosine",
      index: "hnsw",
      attributes: { category: "tag", price: "number" },
      recall: { sampleEvery: 2 },
    }),
    embed: async (items: readonly object[]) => items.map(() => vectorOf(dimensions)),
    embedQuery: async () => vectorOf(dimensions),
  });
  const from = side("products", DIMENSIONS.now, "static-32");
  const to = side("products-2", DIMENSIONS.next, "static-48");
  await from.vectors.upsert(
    Array.from({ length: PRODUCTS }, (_, nth) => ({
      id: `product-${nth}`,
      vector: vectorOf(DIMENSIONS.now),
      attributes: { category: random.pick(["shoes", "coats", "bags"]), price: 10 + (nth % 90) },
      payload: { nth },
    })),
  );
  for (let nth = 0; nth < 10; nth += 1) await from.vectors.search({ vector: vectorOf(DIMENSIONS.now), limit: 5 });
  await createMigration(redis, { name: "products to static-48", from, to }).backfill();
}
