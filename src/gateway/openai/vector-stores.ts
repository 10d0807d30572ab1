import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { mapInSlices } from "../../internal/time-slice.ts";
import { cannotServe } from "../../redis/index.ts";
import {
  endOf,
  type Attachment,
  type FileBatch,
  type FileFilter,
  type FoundChunk,
  type StoreFile,
  type Store,
  type StoredFile,
  type StoreInfo,
  type Stores,
} from "../../stores/index.ts";
import { reachOf } from "../tenancy/asker.ts";
import { mayChange, mayRead, refuseChange } from "../tenancy/ownership.ts";
import { pairsOf } from "../http/pairs.ts";
import { metadataPairs } from "./metadata.ts";
import { pageQuery, toListBody, toPageOptions } from "./pages.ts";
import { chunksOf, releaseChunks } from "./chunk-bytes.ts";
import type { GatewayApp } from "../parts.ts";
import { readableFile } from "./files.ts";
import { rankingOptions, resultsMax, toRanking, unserved } from "./ranking.ts";

/** Stored bytes per byte of a file in a vector store: its text in chunks, and their vectors. */
const CHUNKS_PER_BYTE = 3;
/** Time that chunks stay booked unless they are deleted. */
const BOOKED_MS = 366 * 86_400_000;
/** Time that a request to attach a file waits for the work on it, in milliseconds. After that it answers `in_progress`. */
const ATTACH_MS = 10_000;
/** Files that are attached in one request. */
const FILES_MAX = 500;

/** The same as the stores' own bounds. */
const QUERIES_MAX = 16;
const ATTRIBUTES_MAX = 16;
const attributes = pairsOf(z.string(), z.union([z.string(), z.number(), z.boolean()]), {
  max: ATTRIBUTES_MAX,
  message: `must be at most ${ATTRIBUTES_MAX} attributes`,
}).nullish();
const chunking = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("auto") }),
    z.strictObject({
      type: z.literal("static"),
      static: z.strictObject({ max_chunk_size_tokens: z.int(), chunk_overlap_tokens: z.int() }),
    }),
  ])
  .nullish();
const changeBody = z.strictObject({
  name: z.string().nullish(),
  description: z.string().max(512).nullish(),
  metadata: metadataPairs.nullish(),
  expires_after: z.strictObject({ anchor: z.literal("last_active_at"), days: z.int() }).nullish(),
});
const storeBody = changeBody.extend({
  file_ids: z.array(z.string().min(1)).max(FILES_MAX).nullish(),
  chunking_strategy: chunking,
});
const fileBody = z.strictObject({ file_id: z.string().min(1), attributes, chunking_strategy: chunking });
const batchBody = z.strictObject({
  file_ids: z.array(z.string().min(1)).max(FILES_MAX).nullish(),
  files: z.array(fileBody).max(FILES_MAX).nullish(),
  attributes,
  chunking_strategy: chunking,
});
const searchBody = z.strictObject({
  query: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(QUERIES_MAX)]),
  filters: z.looseObject({ type: z.string() }).nullish(),
  max_num_results: resultsMax,
  ranking_options: rankingOptions,
  rewrite_query: z.boolean().nullish(),
});
const filesQuery = pageQuery.extend({ filter: z.enum(["in_progress", "completed", "failed", "cancelled"]).optional() });

interface Named {
  Params: { readonly store: string; readonly id: string };
}

/** Registers `/v1/vector_stores` with files and file batches, as in OpenAI's API. */
export function registerVectorStores({ app, stores, storedBytes }: GatewayApp): void {
  /** The stores of a scope, for a request that reads one of them, or changes it. @throws MarrowError `not_found`, `forbidden` */
  async function allowed(request: FastifyRequest<Named>, act: "read" | "change"): Promise<Stores> {
    const scoped = stores(request.principal.scope);
    const reach = reachOf(request);
    if (reach.only === undefined) return scoped;
    const owner = await scoped.ownerOf(request.params.store);
    if (!mayRead(reach, owner, true))
      throw new MarrowError("not_found", "there is no such vector store", { details: { path: "vector_store_id" } });
    if (act === "change" && !mayChange(reach, owner)) refuseChange();
    return scoped;
  }

  /** The files that are to be attached. @throws MarrowError `not_found` for those that the asker may not read */
  async function readFiles(request: FastifyRequest, ids: readonly string[]): Promise<readonly StoredFile[]> {
    const [scoped, reach] = [stores(request.principal.scope), reachOf(request)];
    return Promise.all([...new Set(ids)].map((id) => readableFile(scoped, reach, id)));
  }

  /**
   * Counts the chunks that files are cut into by `attach`: all of them before, or none. A file that is attached again is counted once.
   * `store` is absent for one that `attach` makes. @throws MarrowError `too_large`, before anything is attached
   */
  async function countChunks<T extends { readonly store: string }>(
    { principal: { scope } }: FastifyRequest,
    { files, store }: { readonly files: readonly StoredFile[]; readonly store?: string },
    attach: () => Promise<T>,
  ): Promise<T> {
    const chunks = (of: string) =>
      files.map(({ id, bytes }) => ({ thing: chunksOf(of, id), bytes: bytes * CHUNKS_PER_BYTE }));
    const reserved = await storedBytes.reserve(scope, chunks(store ?? ""));
    try {
      const attached = await attach();
      await reserved.keepAs(chunks(attached.store), BOOKED_MS);
      return attached;
    } catch (error) {
      // Without a reply of Redis they may be attached.
      if (store !== undefined && cannotServe(error)) await reserved.keepAs(chunks(store), BOOKED_MS);
      throw error;
    } finally {
      await reserved.release();
    }
  }

  app.post("/v1/vector_stores", { schema: { body: storeBody } }, async (request) => {
    const body = request.body as z.infer<typeof storeBody>;
    const scoped = stores(request.principal.scope);
    const change = { ...toChange(body), owner: reachOf(request).only };
    const attachments = (body.file_ids ?? []).map((fileId) => toAttachment({ file_id: fileId }, body));
    if (attachments.length === 0) return toStoreBody(await scoped.create(change));
    const files = await readFiles(request, body.file_ids ?? []);
    const { store } = await countChunks(request, { files }, async () => {
      const { id } = await scoped.create(change);
      try {
        await (await scoped.filesOf(id)).attachAll(attachments);
      } catch (error) {
        await scoped.remove(id).catch(() => {});
        throw error;
      }
      return { store: id };
    });
    return toStoreBody(await scoped.get(store));
  });

  app.get("/v1/vector_stores", { schema: { querystring: pageQuery } }, async (request) => {
    const reach = reachOf(request);
    const where = reach.only === undefined ? undefined : (store: Store) => mayRead(reach, store.owner, true);
    return toListBody(
      await stores(request.principal.scope).list({ ...toPageOptions(request.query), where }),
      toStoreBody,
    );
  });

  app.get<Named>("/v1/vector_stores/:store", async (request) =>
    toStoreBody(await (await allowed(request, "read")).get(request.params.store)),
  );

  app.post<Named>("/v1/vector_stores/:store", { schema: { body: changeBody } }, async (request) => {
    const change = toChange(request.body as z.infer<typeof changeBody>);
    return toStoreBody(await (await allowed(request, "change")).update(request.params.store, change));
  });

  app.delete<Named>("/v1/vector_stores/:store", async (request) => {
    const scoped = await allowed(request, "change");
    await releaseChunks(storedBytes, request.principal.scope, scoped, request.params.store);
    await scoped.remove(request.params.store);
    return { id: request.params.store, object: "vector_store.deleted", deleted: true };
  });

  app.post<Named>("/v1/vector_stores/:store/search", { schema: { body: searchBody } }, async (request) => {
    const {
      query,
      filters,
      max_num_results: limit,
      ranking_options: ranking,
      rewrite_query: rewrites,
    } = request.body as z.infer<typeof searchBody>;
    if (rewrites === true) throw unserved("rewrite_query", "another wording of the query", "; no model is called");
    const queries = typeof query === "string" ? [query] : query;
    const scoped = await allowed(request, "read");
    const found = await scoped.search(request.params.store, {
      queries,
      filter: (filters ?? undefined) as FileFilter | undefined,
      limit: limit ?? undefined,
      ...toRanking(ranking, "ranking_options"),
    });
    return {
      object: "vector_store.search_results.page",
      search_query: queries,
      data: found.map(toFoundBody),
      has_more: false,
      next_page: null,
    };
  });

  const filesOf = async (request: FastifyRequest<Named>, act: "read" | "change" = "read") =>
    (await allowed(request, act)).filesOf(request.params.store);
  const filesPath = "/v1/vector_stores/:store/files";

  app.post<Named>(filesPath, { schema: { body: fileBody } }, async (request) => {
    const attachment = toAttachment(request.body as z.infer<typeof fileBody>);
    const files = await filesOf(request, "change");
    const { store } = request.params;
    const counted = { store, files: await readFiles(request, [attachment.fileId]) };
    const { file } = await countChunks(request, counted, async () => ({
      store,
      file: await files.attachWithin(attachment, ATTACH_MS),
    }));
    return toFileBody(store, file);
  });

  app.get<Named>(filesPath, { schema: { querystring: filesQuery } }, async (request) => {
    const { filter: status } = request.query as { filter?: string };
    const page = await (await filesOf(request)).list({ ...toPageOptions(request.query), status });
    return toListBody(page, (file) => toFileBody(request.params.store, file));
  });

  app.get<Named>(`${filesPath}/:id`, async (request) =>
    toFileBody(request.params.store, await (await filesOf(request)).get(request.params.id)),
  );

  app.post<Named>(`${filesPath}/:id`, { schema: { body: z.strictObject({ attributes }) } }, async (request) => {
    const { attributes: given } = request.body as { attributes?: Attachment["attributes"] };
    const files = await filesOf(request, "change");
    return toFileBody(request.params.store, await files.update(request.params.id, given ?? null));
  });

  app.delete<Named>(`${filesPath}/:id`, async (request) => {
    const { store, id } = request.params;
    await (await filesOf(request, "change")).remove(id);
    await storedBytes.release(request.principal.scope, chunksOf(store, id));
    return { id: request.params.id, object: "vector_store.file.deleted", deleted: true };
  });

  app.get<Named>(`${filesPath}/:id/content`, async (request, reply) => {
    const texts = await (await filesOf(request)).content(request.params.id);
    const data = await mapInSlices(texts, (text) => JSON.stringify({ type: "text", text }));
    reply.type("application/json; charset=utf-8");
    return `{"object":"vector_store.file_content.page","data":[${data.join(",")}],"has_more":false,"next_page":null}`;
  });

  const batches = "/v1/vector_stores/:store/file_batches";

  app.post<Named>(batches, { schema: { body: batchBody } }, async (request) => {
    const body = request.body as z.infer<typeof batchBody>;
    const attachments = [
      ...(body.file_ids ?? []).map((id) => toAttachment({ file_id: id }, body)),
      ...(body.files ?? []).map((file) => toAttachment(file)),
    ];
    const files = await filesOf(request, "change");
    const named = attachments.map(({ fileId }) => fileId);
    const { store } = request.params;
    const counted = { store, files: await readFiles(request, named) };
    const { batch } = await countChunks(request, counted, async () => ({
      store,
      batch: await files.attachAll(attachments),
    }));
    return toBatchBody(store, batch);
  });

  app.get<Named>(`${batches}/:id`, async (request) =>
    toBatchBody(request.params.store, await (await filesOf(request)).batch(request.params.id)),
  );

  app.post<Named>(`${batches}/:id/cancel`, async (request) =>
    toBatchBody(request.params.store, await (await filesOf(request, "change")).cancel(request.params.id)),
  );

  app.get<Named>(`${batches}/:id/files`, { schema: { querystring: filesQuery } }, async (request) => {
    const { filter: status } = request.query as { filter?: string };
    const page = await (
      await filesOf(request)
    ).batchFiles(request.params.id, { ...toPageOptions(request.query), status });
    return toListBody(page, (file) => toFileBody(request.params.store, file));
  });
}

function toChange({ name, description, metadata, expires_after: expires }: z.infer<typeof changeBody>) {
  return {
    name: name ?? undefined,
    description: description ?? undefined,
    metadata: metadata ?? undefined,
    expiresAfterDays: expires === null ? null : expires?.days,
  };
}

function toAttachment(
  file: z.infer<typeof fileBody>,
  all: Pick<z.infer<typeof batchBody>, "attributes" | "chunking_strategy"> = file,
): Attachment {
  const strategy = all.chunking_strategy;
  const { max_chunk_size_tokens: maxTokens, chunk_overlap_tokens: overlapTokens } =
    strategy?.type === "static" ? strategy.static : {};
  return {
    fileId: file.file_id,
    attributes: all.attributes,
    chunking: strategy?.type === "static" ? { maxTokens, overlapTokens } : undefined,
  };
}

function toStoreBody(store: StoreInfo) {
  const { in_progress, completed, failed, cancelled } = store.fileCounts;
  const days = store.expiresAfterDays;
  return {
    id: store.id,
    object: "vector_store",
    created_at: store.createdAt,
    name: store.name,
    description: store.description ?? null,
    usage_bytes: store.usageBytes,
    file_counts: { in_progress, completed, failed, cancelled, total: in_progress + completed + failed + cancelled },
    status: store.status,
    expires_after: days === undefined ? null : { anchor: "last_active_at", days },
    expires_at: endOf(store) ?? null,
    last_active_at: store.lastActiveAt,
    metadata: store.metadata,
  };
}

function toFileBody(storeId: string, file: StoreFile) {
  const { maxTokens, overlapTokens } = file.chunking;
  return {
    id: file.id,
    object: "vector_store.file",
    usage_bytes: file.usageBytes,
    created_at: file.createdAt,
    vector_store_id: storeId,
    status: file.status,
    last_error: file.error ?? null,
    attributes: file.attributes,
    chunking_strategy: {
      type: "static",
      static: { max_chunk_size_tokens: maxTokens, chunk_overlap_tokens: overlapTokens },
    },
  };
}

function toBatchBody(storeId: string, { id, createdAt, status, counts }: FileBatch) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    id,
    object: "vector_store.files_batch",
    created_at: createdAt,
    vector_store_id: storeId,
    status,
    file_counts: { ...counts, total },
  };
}

function toFoundBody({ fileId, filename, attributes: given, text, score }: FoundChunk) {
  return { file_id: fileId, filename, score, attributes: given, content: [{ type: "text", text }] };
}
