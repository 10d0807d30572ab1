import { randomUUID } from "node:crypto";
import {
  MastraVector,
  type CreateIndexParams,
  type DeleteIndexParams,
  type DeleteVectorParams,
  type DeleteVectorsParams,
  type DescribeIndexParams,
  type IndexStats,
  type QueryResult,
  type QueryVectorParams,
  type UpdateVectorParams,
  type UpsertVectorParams,
} from "@mastra/core/vector";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkOneOf, checkText, refuse } from "../internal/check.ts";
import {
  checkScope,
  decodeKeyPart,
  decodeRecord,
  encodeKeyPart,
  encodeRecord,
  keyTag,
  type ScopedRedis,
} from "../redis/index.ts";
import {
  createVectors,
  type Attributes,
  type AttributeSchema,
  type EngineChoice,
  type Metric,
  type StoredEntry,
  type Vectors,
} from "../vectors/index.ts";
import { toWhere } from "./filter.ts";

/** Indexes that one store can have. */
const INDEXES_MAX = 100;
const METRICS = { cosine: "cosine", dotproduct: "ip", euclidean: "l2" } as const satisfies Record<string, Metric>;

/** Options of {@link MarrowVector}. */
export interface MarrowVectorOptions<S extends AttributeSchema> {
  /** Name of the store within its scope, and its `id` for Mastra. */
  readonly id: string;
  /** Metadata fields that filters may name, with their kinds. All other metadata is stored and returned, too. @default none */
  readonly attributes?: S | undefined;
  /** `hnsw` searches a graph; `flat` compares with every vector. @default "hnsw" */
  readonly index?: "hnsw" | "flat" | undefined;
  /** Vector engine on Redis. @default "auto" */
  readonly engine?: EngineChoice | undefined;
  /** TTL of stored vectors, in milliseconds. @default no expiry */
  readonly ttlMs?: number | undefined;
}

/** Record of an index. */
interface IndexRecord {
  readonly dimension: number;
  readonly metric: keyof typeof METRICS;
}

/**
 * Vector collections of one scope as Mastra's `MastraVector`: for agents' memory (`semanticRecall`) and for retrieval.
 *
 * An index of Mastra's is a collection of `createVectors`. The indexes are recorded in Redis, so any process can use an index that another
 * one created. `createIndex` can be repeated; with another dimension or metric it is a `conflict`.
 */
export class MarrowVector<S extends AttributeSchema = Readonly<Record<string, never>>> extends MastraVector {
  readonly #redis: ScopedRedis;
  readonly #options: MarrowVectorOptions<S>;
  readonly #key: string;
  /** Collections that this process has used, by their index. */
  readonly #known = new Map<string, { readonly vectors: Vectors<S>; readonly record: IndexRecord }>();

  /** Makes no round trip. @throws MarrowError `invalid_option` */
  constructor(redis: ScopedRedis, options: MarrowVectorOptions<S>) {
    super({ id: checkText("id", options.id, 128) });
    checkScope(redis);
    this.#redis = redis;
    this.#options = options;
    this.#key = `${keyTag(redis)}:mastra:${encodeKeyPart("id", options.id)}:indexes`;
  }

  /** Two round trips. @throws MarrowError `conflict` for an index of another dimension or metric */
  async createIndex({ indexName, dimension, metric = "cosine" }: CreateIndexParams): Promise<void> {
    const record: IndexRecord = {
      dimension: checkInteger("dimension", dimension, { min: 1, max: 16_000 }, "invalid_input"),
      metric: checkOneOf("metric", metric, Object.keys(METRICS) as (keyof typeof METRICS)[], "invalid_input"),
    };
    const field = encodeKeyPart("indexName", checkText("indexName", indexName, 128, "invalid_input"));
    const count = Number(await this.#redis.send(["HLEN", this.#key], { retry: "safe" }));
    const stored = await this.#read(indexName);
    if (stored === undefined && count >= INDEXES_MAX)
      throw new MarrowError("invalid_input", `a store has at most ${INDEXES_MAX} indexes; delete one first`, {
        details: { path: "indexName" },
      });
    if (stored === undefined)
      await this.#redis.send(["HSETNX", this.#key, field, encodeRecord(record)], { retry: "safe" });
    const kept = stored ?? (await this.#read(indexName)) ?? record;
    if (kept.dimension !== record.dimension || kept.metric !== record.metric)
      throw new MarrowError(
        "conflict",
        `the index exists with dimension ${kept.dimension} and metric ${kept.metric}; asked for ${record.dimension} and ${record.metric}`,
        { details: { path: "indexName" } },
      );
  }

  async listIndexes(): Promise<string[]> {
    const names = (await this.#redis.send(["HKEYS", this.#key], { retry: "safe" })) as (string | Buffer)[];
    return names.map((name) => decodeKeyPart(String(name))).toSorted();
  }

  async describeIndex({ indexName }: DescribeIndexParams): Promise<IndexStats> {
    const { vectors, record } = await this.#open(indexName);
    return { ...record, count: await vectors.count() };
  }

  /** Deletes the index with all its vectors. An index that does not exist is no error. */
  async deleteIndex({ indexName }: DeleteIndexParams): Promise<void> {
    const record = await this.#read(indexName);
    if (record === undefined) return;
    await this.#collection(indexName, record).drop();
    await this.#redis.send(["HDEL", this.#key, encodeKeyPart("indexName", indexName)], { retry: "safe" });
    this.#known.delete(indexName);
  }

  /**
   * Stores vectors and returns their ids. With `deleteFilter`, matching vectors are deleted first, not in one transaction.
   * @throws MarrowError the error of the first refused vector; the others are stored
   */
  async upsert({
    indexName,
    vectors,
    metadata,
    ids,
    sparseVectors,
    deleteFilter,
  }: UpsertVectorParams): Promise<string[]> {
    if (sparseVectors !== undefined) noSparse("sparseVectors");
    sameLength("metadata", metadata, vectors.length);
    sameLength("ids", ids, vectors.length);
    const { vectors: collection } = await this.#open(indexName);
    const stale = toWhere<S>(deleteFilter);
    if (stale !== undefined) await collection.deleteWhere(stale);
    const results = await collection.upsert(
      vectors.map((vector, at) => ({
        id: ids?.[at] ?? randomUUID(),
        vector,
        attributes: this.#toAttributes(metadata?.[at] ?? {}),
        payload: metadata?.[at] ?? {},
        ttlMs: this.#options.ttlMs,
      })),
    );
    for (const result of results) if (!result.stored) throw result.error;
    return results.map(({ id }) => id);
  }

  /** Returns the nearest vectors; without `queryVector`, any that match the filter, with a score of 0. */
  async query({
    indexName,
    queryVector,
    topK = 10,
    filter,
    includeVector = false,
    sparseVector,
  }: QueryVectorParams): Promise<QueryResult[]> {
    if (sparseVector !== undefined) noSparse("sparseVector");
    const { vectors } = await this.#open(indexName);
    const where = toWhere<S>(filter);
    if (queryVector !== undefined) {
      const found = await vectors.search({ vector: queryVector, limit: topK, where, withVectors: includeVector });
      return found.map((match) => toResult(match, match.similarity));
    }
    if (where === undefined) refuse("queryVector", "a vector, or a filter in its place", queryVector, "invalid_input");
    const limit = checkInteger("topK", topK, { min: 1, max: 1_000 }, "invalid_input");
    const found: QueryResult[] = [];
    for await (const page of vectors.scan({ where, withVectors: includeVector })) {
      found.push(...page.map((entry) => toResult(entry, 0)));
      if (found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  /** Changes the vector, or merges metadata, of one vector or of all that a filter matches. */
  async updateVector({ indexName, id, filter, update }: UpdateVectorParams): Promise<void> {
    const { vectors } = await this.#open(indexName);
    const where = toWhere<S>(filter);
    if ((id === undefined) === (where === undefined)) refuse("id", "an id or a filter, not both", id, "invalid_input");
    const change = async (entries: readonly (StoredEntry<S> | undefined)[]) => {
      for (const entry of entries) if (entry !== undefined) await this.#change(vectors, entry, update);
    };
    if (id !== undefined) return change(await vectors.get([id], { withVectors: update.vector === undefined }));
    for await (const page of vectors.scan({ where, withVectors: update.vector === undefined })) await change(page);
  }

  async deleteVector({ indexName, id }: DeleteVectorParams): Promise<void> {
    const { vectors } = await this.#open(indexName);
    await vectors.delete([id]);
  }

  async deleteVectors({ indexName, ids, filter }: DeleteVectorsParams): Promise<void> {
    const { vectors } = await this.#open(indexName);
    const where = toWhere<S>(filter);
    if ((ids === undefined) === (where === undefined)) refuse("ids", "ids or a filter, not both", ids, "invalid_input");
    if (ids !== undefined) await vectors.delete(ids);
    if (where !== undefined) await vectors.deleteWhere(where);
  }

  async #change(
    vectors: Vectors<S>,
    { id, payload, ttlMs, vector: kept }: StoredEntry<S>,
    { vector, metadata }: UpdateVectorParams["update"],
  ): Promise<void> {
    const merged = { ...(payload as Record<string, unknown>), ...metadata };
    const attributes = this.#toAttributes(merged);
    if (vector === undefined && kept !== undefined) {
      await vectors.update(id, { attributes, payload: merged });
      return;
    }
    const [result] = await vectors.upsert([{ id, vector: vector ?? [], attributes, payload: merged, ttlMs }]);
    if (result?.stored === false) throw result.error;
  }

  async #open(indexName: string): Promise<{ readonly vectors: Vectors<S>; readonly record: IndexRecord }> {
    const known = this.#known.get(indexName);
    if (known !== undefined) return known;
    const record = await this.#read(checkText("indexName", indexName, 128, "invalid_input"));
    if (record === undefined)
      throw new MarrowError("not_found", "there is no index of this name: call createIndex first", {
        details: { path: "indexName" },
      });
    const opened = { vectors: this.#collection(indexName, record), record };
    this.#known.set(indexName, opened);
    return opened;
  }

  async #read(indexName: string): Promise<IndexRecord | undefined> {
    const field = encodeKeyPart("indexName", indexName);
    const reply = await this.#redis.send(["HGET", this.#key, field], { retry: "safe", reply: "bytes" });
    return reply === null ? undefined : (decodeRecord(reply as Buffer) as IndexRecord);
  }

  #collection(indexName: string, { dimension, metric }: IndexRecord): Vectors<S> {
    return createVectors(this.#redis, {
      name: `mastra/${this.#options.id}/${indexName}`,
      dimensions: dimension,
      metric: METRICS[metric],
      index: this.#options.index ?? "hnsw",
      engine: this.#options.engine ?? "auto",
      attributes: this.#options.attributes,
    });
  }

  #toAttributes(metadata: Readonly<Record<string, unknown>>): Attributes<S> {
    const schema = this.#options.attributes ?? {};
    const declared = Object.entries(metadata).filter(
      ([name, value]) => Object.hasOwn(schema, name) && value !== null && value !== undefined,
    );
    return Object.fromEntries(declared) as Attributes<S>;
  }
}

function toResult<S extends AttributeSchema>({ id, payload, vector }: StoredEntry<S>, score: number): QueryResult {
  return {
    id,
    score,
    metadata: payload as Record<string, unknown>,
    ...(vector !== undefined && { vector: [...vector] }),
  };
}

function sameLength(path: string, list: readonly unknown[] | undefined, length: number): void {
  if (list !== undefined && list.length !== length)
    refuse(path, `a list of ${length}, as many as there are vectors`, list, "invalid_input");
}

function noSparse(path: string): never {
  throw new MarrowError("unsupported", `${path} cannot be used: Marrow has no sparse vectors`, { details: { path } });
}
