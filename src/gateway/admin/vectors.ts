import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { FileFilter, StoreInfo } from "../../stores/index.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import {
  createVectors,
  listCollections,
  listMigrations,
  reportEngine,
  type CollectionAbout,
} from "../../vectors/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import type {
  CollectionAnswer,
  FoundChunkAnswer,
  MigrationAnswer,
  StoreAnswer,
  StoreFileAnswer,
  VectorsAnswer,
} from "./answers-roles.ts";
import type { ListAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { withUnreadable } from "./rows.ts";
import { listedQuery, pageQuery, scoped } from "./queries.ts";

const searchBody = z.strictObject({
  query: z.string().min(1).max(10_000),
  limit: z.int().min(1).max(50).optional(),
  min_similarity: z.number().min(0).max(1).optional(),
  /** Whether texts that have the words count, too. */
  words: z.boolean().optional(),
  /** As `filters` in OpenAI's search. */
  filter: z.looseObject({ type: z.string() }).optional(),
});

interface OfStore {
  Params: { readonly store: string };
}

/** Registers `/v1/admin/vectors`: the vector engine, the vector stores of a scope with their files, and a search that returns scores. */
export function registerVectorsAdmin(
  { app, redis, stores, embedder }: GatewayApp,
  { dashboard, engine }: Pick<GatewayConfig, "dashboard" | "engine">,
): void {
  const shows = dashboard.content === "visible";

  app.get("/v1/admin/vectors", { onRequest: checkAdmin }, async (): Promise<VectorsAnswer> => {
    const found = await reportEngine(redis, engine);
    return {
      object: "vectors",
      engine: found.engine,
      why: found.why,
      indexes: found.indexes.length,
      indexes_max: found.indexesMax,
      embedder: embedder === undefined ? null : { name: embedder.fingerprint, dimensions: embedder.dimensions },
    };
  });

  app.get(
    "/v1/admin/vectors/collections",
    { onRequest: checkAdmin, schema: { querystring: listedQuery } },
    async (request): Promise<ListAnswer<CollectionAnswer>> => {
      const tenant = redis.scope(scopeOf(request));
      const { data, cursor, unreadable } = await listCollections(tenant, listedQuery.parse(request.query));
      const next = { ...(cursor !== undefined && { next: cursor }), ...withUnreadable(unreadable) };
      return { object: "list", data: await Promise.all(data.map((one) => toCollection(tenant, one))), ...next };
    },
  );

  app.get(
    "/v1/admin/vectors/migrations",
    { onRequest: checkAdmin, schema: { querystring: listedQuery } },
    async (request): Promise<ListAnswer<MigrationAnswer>> => {
      const page = await listMigrations(redis.scope(scopeOf(request)), listedQuery.parse(request.query));
      const { data, cursor, unreadable } = page;
      const migrations = data.map(({ recall = null, items = null, seenAtMs, ...migration }): MigrationAnswer => {
        return { object: "migration", ...migration, recall, items, seen_at_ms: seenAtMs };
      });
      const next = cursor !== undefined && { next: cursor };
      return { object: "list", data: migrations, ...next, ...withUnreadable(unreadable) };
    },
  );

  app.get(
    "/v1/admin/vectors/stores",
    { onRequest: checkAdmin, schema: { querystring: pageQuery } },
    async (request): Promise<ListAnswer<StoreAnswer>> => {
      if (embedder === undefined) return { object: "list", data: [] };
      const { after, limit = 25 } = pageQuery.parse(request.query);
      const page = await stores(scopeOf(request)).list({ after, limit });
      const damaged = page.data.filter(({ unreadable }) => unreadable !== undefined).length;
      const unreadable = damaged + (page.unreadable?.length ?? 0);
      const next = page.hasMore && { next: page.data.at(-1)?.id };
      return { object: "list", data: page.data.map(toStore), ...next, ...withUnreadable(unreadable) };
    },
  );

  app.get<OfStore>(
    "/v1/admin/vectors/stores/:store",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<StoreAnswer> => toStore(await stores(scopeOf(request)).get(request.params.store)),
  );

  app.get<OfStore>(
    "/v1/admin/vectors/stores/:store/files",
    { onRequest: checkAdmin, schema: { querystring: pageQuery } },
    async (request): Promise<ListAnswer<StoreFileAnswer>> => {
      const { after, limit = 25 } = pageQuery.parse(request.query);
      const page = await (await stores(scopeOf(request)).filesOf(request.params.store)).list({ after, limit });
      const data = page.data.map(({ id, filename, status, usageBytes, chunks, attributes, error }): StoreFileAnswer => {
        return { id, filename, status, bytes: usageBytes, chunks, attributes, error: error?.code };
      });
      return { object: "list", data, ...(page.hasMore && { next: page.data.at(-1)?.id }) };
    },
  );

  app.post<OfStore>(
    "/v1/admin/vectors/stores/:store/search",
    { onRequest: checkAdmin, schema: { body: searchBody, querystring: scoped } },
    async (request): Promise<ListAnswer<FoundChunkAnswer>> => {
      const {
        query,
        filter,
        min_similarity: minSimilarity,
        limit = 10,
        words,
      } = request.body as z.infer<typeof searchBody>;
      const found = await stores(scopeOf(request)).search(request.params.store, {
        queries: [query],
        filter: filter as FileFilter | undefined,
        limit,
        minSimilarity,
        words,
      });
      return {
        object: "list",
        data: found.map(({ fileId, filename, attributes, score, text }) => {
          return { file: fileId, filename, attributes, score, hidden: !shows, ...(shows && { text }) };
        }),
      };
    },
  );
}

/** Returns a collection with its size, if that can be read. */
async function toCollection(
  tenant: ScopedRedis,
  { seenAtMs, recall, ...about }: CollectionAbout,
): Promise<CollectionAnswer> {
  const { name: called, engine, dimensions, metric, index, fingerprint, attributes } = about;
  const shape = { name: called, engine, dimensions, metric, index, fingerprint, attributes };
  const known = { object: "collection", ...shape, seen_at_ms: seenAtMs } as const;
  const shown = recall && { share: recall.recall, samples: recall.samples, effort: recall.effort };
  try {
    const { items, indexBytes, recordBytes } = await createVectors(tenant, about).info();
    const size = indexBytes === undefined ? null : indexBytes + (recordBytes ?? 0);
    return { ...known, items, bytes: size, recall: shown ?? null };
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return { ...known, items: null, bytes: null, recall: shown ?? null };
  }
}

function toStore({
  id,
  name: called,
  status,
  usageBytes,
  fileCounts,
  createdAt,
  lastActiveAt,
  metadata,
  owner,
}: StoreInfo): StoreAnswer {
  return {
    id,
    object: "store",
    name: called,
    status,
    bytes: usageBytes,
    files: fileCounts,
    created_at_ms: createdAt * 1_000,
    active_at_ms: lastActiveAt * 1_000,
    metadata,
    owner: owner ?? null,
  };
}
