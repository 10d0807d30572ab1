import { z } from "zod";
import type { FileFilter, StoreInfo } from "../../stores/index.ts";
import { reportEngine } from "../../vectors/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import type { FoundChunkAnswer, StoreAnswer, StoreFileAnswer, VectorsAnswer } from "./answers-roles.ts";
import type { ListAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";

const name = z.string().min(1).max(256);
const scoped = z.looseObject({ scope: name.optional() });
const pageQuery = z.looseObject({
  scope: name.optional(),
  after: name.optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});
const searchBody = z.strictObject({
  query: z.string().min(1).max(10_000),
  limit: z.int().min(1).max(50).optional(),
  min_similarity: z.number().min(0).max(1).optional(),
  /** Whether texts that have the words count, too. */
  words: z.boolean().optional(),
  /** As `filters` of OpenAI's search. */
  filter: z.looseObject({ type: z.string() }).optional(),
});

interface OfStore {
  Params: { readonly store: string };
}

/** `/v1/admin/vectors`: what finds vectors, the vector stores of a scope with their files, and a search that shows its scores. */
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
    "/v1/admin/vectors/stores",
    { onRequest: checkAdmin, schema: { querystring: pageQuery } },
    async (request): Promise<ListAnswer<StoreAnswer>> => {
      if (embedder === undefined) return { object: "list", data: [] };
      const { after, limit = 25 } = pageQuery.parse(request.query);
      const page = await stores(scopeOf(request)).list({ after, limit });
      return { object: "list", data: page.data.map(toStore), ...(page.hasMore && { next: page.data.at(-1)?.id }) };
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
