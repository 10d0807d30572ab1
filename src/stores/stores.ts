import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkNumber, checkText, refuse } from "../internal/check.ts";
import { checkScope, encodeKeyPart, keyTag, unlessDamaged, type ScopedRedis } from "../redis/index.ts";
import { createVectors, type AttributeSchema, type Vectors } from "../vectors/index.ts";
import { CHUNK_ATTRIBUTES, toWhere, type FileFilter, type Slots } from "./attributes.ts";
import { createFiles, type Files } from "./files.ts";
import { resolveOptions, type StoresOptions } from "./options.ts";
import { createShelf, type Page, type PageOptions } from "./shelf.ts";
import type { FileStatus } from "./file-status.ts";
import { createStoreFiles, type StoreFiles } from "./store-files.ts";
import { SEARCH_WAIT, vectorTurns } from "./turns.ts";

/** A vector store: files, cut into searchable chunks. */
export interface Store {
  readonly id: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly lastActiveAt: number;
  /** Days without use after which it expires. */
  readonly expiresAfterDays?: number | undefined;
  /** Id of the owner. @default no owner */
  readonly owner?: string | undefined;
}

type Sums = Awaited<ReturnType<StoreFiles["sums"]>>;
const NO_FILES: Sums = { counts: { in_progress: 0, completed: 0, failed: 0, cancelled: 0 }, weight: 0 };

/** A store with its size and file counts. */
export interface StoreInfo extends Store {
  readonly status: "completed" | "in_progress" | "expired";
  readonly usageBytes: number;
  readonly fileCounts: Readonly<Record<FileStatus, number>>;
  /** In lists: why its size and counts cannot be read. They are 0 then. */
  readonly unreadable?: "corrupt_record" | undefined;
}

/** Settable fields of a store. */
export interface StoreChange {
  readonly name?: string | undefined;
  /** Up to 512 characters; an empty one deletes it. */
  readonly description?: string | undefined;
  /** Up to 16 texts of up to 512 characters under names of up to 64. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** 1 to 365; `null`: no expiry. */
  readonly expiresAfterDays?: number | null | undefined;
}

/** Options of a search. */
export interface StoreSearch {
  /** One question, or several whose best results are merged. */
  readonly queries: readonly string[];
  readonly filter?: FileFilter | undefined;
  /** 1 to 50. @default 10 */
  readonly limit?: number | undefined;
  /** Least cosine similarity of a match, 0 to 1. @default 0 */
  readonly minSimilarity?: number | undefined;
  /** Whether the words of the question count in addition to its meaning. @default true */
  readonly words?: boolean | undefined;
}

/** A chunk that a search found. */
export interface FoundChunk {
  readonly fileId: string;
  readonly filename: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly text: string;
  /** Cosine, 0 to 1. */
  readonly score: number;
}

/** Vector stores with files, as in OpenAI's API, on your own Redis. One handle per scope. */
export interface Stores {
  readonly files: Files;
  create(store?: StoreChange & { readonly owner?: string | undefined }): Promise<StoreInfo>;
  /** @throws MarrowError `not_found` */
  get(id: string): Promise<StoreInfo>;
  /** Returns the owner of a store; `undefined` without one. One round trip. @throws MarrowError `not_found` */
  ownerOf(id: string): Promise<string | undefined>;
  list(
    options?: PageOptions & {
      /** Filters the list. @default all */
      readonly where?: ((store: Store) => boolean) | undefined;
    },
  ): Promise<Page<StoreInfo>>;
  /** @throws MarrowError `not_found`, `invalid_input` */
  update(id: string, change: StoreChange): Promise<StoreInfo>;
  /** Deletes the store with its chunks; the uploaded files stay. @throws MarrowError `not_found` */
  remove(id: string): Promise<void>;
  /**
   * Returns the chunks nearest to a question. A scope's searches wait for their turn.
   * @throws MarrowError `not_found`, `invalid_input`, `rate_limited` if too many searches of the scope wait, or for over 10 seconds
   */
  search(id: string, search: StoreSearch): Promise<FoundChunk[]>;
  /** Opens the files of one store. @throws MarrowError `not_found` */
  filesOf(id: string): Promise<StoreFiles>;
}

/** A store as it is kept. */
interface StoredStore extends Store {
  readonly slots: Slots;
  /** Set before anything of it is deleted: what works for it stops, and a removal that broke off can be done again. */
  readonly removing?: true | undefined;
}

const DAY_SECONDS = 86_400;
/** Most searches, repeated after one found chunks of deleted files. */
const LOOKS_MAX = 4;
/** Use is written down at most this often. */
const ACTIVE_SECONDS = 60;

/**
 * Makes a handle on the vector stores and files of one scope. Makes no round trip.
 * @throws MarrowError `invalid_option`
 */
export function createStores(redis: ScopedRedis, options: StoresOptions): Stores {
  const resolved = resolveOptions(options);
  const { name, embedder, engine, itemsMax } = resolved;
  const start = `${keyTag(checkScope(redis))}:stores:${encodeKeyPart("name", name)}`;
  const shelf = createShelf<StoredStore>(redis, { prefix: `${start}:stores`, room: itemsMax });
  const files = createFiles(redis, start, resolved, async (store, file) => {
    // A store that expired or was removed has nothing of it any more.
    if ((await shelf.get(store)) !== undefined) await openFiles(store).detach(file);
  });
  const chunks: Vectors<AttributeSchema> = createVectors(redis, {
    name: `stores-${name}`,
    dimensions: embedder.dimensions,
    fingerprint: embedder.fingerprint,
    metric: "cosine",
    index: "hnsw",
    engine,
    attributes: CHUNK_ATTRIBUTES,
    recall: resolved.recall,
    timeoutMs: 30_000,
    listed: false,
  });

  function openFiles(id: string): StoreFiles {
    return createStoreFiles({
      redis,
      id,
      prefix: `${start}:store:${encodeKeyPart("id", id)}`,
      chunks: chunks.namespace(id),
      files,
      options: resolved,
      async changeSlots(change) {
        const store = await shelf.change(id, (present) => ({ ...present, slots: change(present.slots) }));
        return store?.removing === true ? undefined : store?.slots;
      },
    });
  }

  async function find(id: string): Promise<StoredStore> {
    const store = await shelf.get(checkText("vector_store_id", id, 256, "invalid_input"));
    if (store === undefined || store.removing === true) throw absent();
    return store;
  }

  /** A store that may be used; use is written down. */
  async function use(id: string): Promise<StoredStore> {
    const store = await find(id);
    if (hasEnded(store)) {
      await chunks.namespace(id).drop();
      throw new MarrowError("conflict", "the vector store has expired", { details: { path: "vector_store_id" } });
    }
    const now = seconds();
    if (now - store.lastActiveAt < ACTIVE_SECONDS) return store;
    return (await shelf.change(id, (present) => ({ ...present, lastActiveAt: now }))) ?? store;
  }

  /** Returns the best chunks of existing files, and removes chunks of deleted ones. */
  async function searchPresent(id: string, asked: ChunkSearch): Promise<readonly ChunkMatch[]> {
    for (let look = 1; ; look += 1) {
      const found = await searchChunks(redis.scope, chunks.namespace(id), asked);
      const ids = [...new Set(found.map(({ attributes }) => String(attributes["file"])))];
      const present = await files.present(ids);
      const gone = ids.filter((file) => !present.has(file));
      if (gone.length === 0 || look === LOOKS_MAX)
        return found.filter(({ attributes }) => present.has(String(attributes["file"])));
      for (const file of gone) await openFiles(id).detach(file);
    }
  }

  async function toInfo(store: StoredStore): Promise<StoreInfo> {
    return toInfoWith(store, await openFiles(store.id).sums());
  }

  /** The same among others, which a store with damaged files must not hide. */
  async function toListed(store: StoredStore): Promise<StoreInfo> {
    const info = await unlessDamaged(toInfo(store));
    return info ?? { ...toInfoWith(store, NO_FILES), unreadable: "corrupt_record" };
  }

  function toInfoWith({ slots: _, removing: __, ...store }: StoredStore, { counts, weight }: Sums): StoreInfo {
    const status = hasEnded(store) ? "expired" : counts.in_progress > 0 ? "in_progress" : "completed";
    return { ...store, status, usageBytes: weight, fileCounts: counts };
  }

  return {
    files,

    async create({ owner, ...change } = {}) {
      const now = seconds();
      const whose = owner === undefined ? {} : { owner: checkText("owner", owner, 256, "invalid_input") };
      const store = {
        ...whose,
        id: `vs_${randomUUID().replaceAll("-", "")}`,
        createdAt: now,
        lastActiveAt: now,
        slots: {},
      };
      const made = applyChange({ ...store, name: "", metadata: {} }, change);
      await shelf.add(made);
      return toInfo(made);
    },

    get: async (id) => toInfo(await find(id)),

    ownerOf: async (id) => (await find(id)).owner,

    async list({ where, ...page } = {}) {
      const { data, ...rest } = await shelf.list({ ...page, ...(where !== undefined && { where }) });
      const open = data.filter(({ removing }) => removing !== true);
      return { ...rest, data: await Promise.all(open.map(toListed)) };
    },

    async update(id, change) {
      await find(id);
      const changed = await shelf.change(id, (store) => applyChange(store, change));
      if (changed === undefined) throw absent();
      return toInfo(changed);
    },

    async remove(id) {
      checkText("vector_store_id", id, 256, "invalid_input");
      if ((await shelf.change(id, (store) => ({ ...store, removing: true as const }))) === undefined) throw absent();
      await openFiles(id).clear();
      await shelf.remove(id);
    },

    async search(id, { queries, filter, limit = 10, minSimilarity = 0, words = true }) {
      checkInteger("max_num_results", limit, { min: 1, max: 50 }, "invalid_input");
      checkNumber("score_threshold", minSimilarity, { min: 0, max: 1 }, "invalid_input");
      if (queries.length < 1 || queries.length > 16) refuse("query", "1 to 16 questions", queries, "invalid_input");
      for (const query of queries) checkText("query", query, 32_768, "invalid_input");
      const { slots } = await use(id);
      const where = filter === undefined ? undefined : toWhere(slots, filter);
      const vectors = await embedder.embed(queries);
      const found = await searchPresent(id, { queries, vectors, limit, minSimilarity, where, words });
      return found.map(({ attributes, payload, similarity }) => {
        const { filename, attributes: given } = payload as Pick<FoundChunk, "filename" | "attributes">;
        const text = String(attributes["body"]);
        return {
          fileId: String(attributes["file"]),
          filename,
          attributes: given,
          text,
          score: Math.max(0, similarity),
        };
      });
    },

    async filesOf(id) {
      await use(id);
      return openFiles(id);
    },
  };
}

/** A search among the chunks of a store. */
interface ChunkSearch {
  readonly queries: readonly string[];
  readonly vectors: readonly Float32Array[];
  readonly limit: number;
  readonly minSimilarity: number;
  readonly where: ReturnType<typeof toWhere> | undefined;
  readonly words: boolean;
}

type ChunkMatch = Awaited<ReturnType<Vectors<AttributeSchema>["search"]>>[number];

/** The best chunks for one question, in the order of its search, or for several, merged by nearness. */
async function searchChunks(
  scope: string,
  store: Vectors<AttributeSchema>,
  asked: ChunkSearch,
): Promise<readonly ChunkMatch[]> {
  const { queries, vectors, limit, minSimilarity, where, words } = asked;
  const lists = await Promise.all(
    queries.map((query, at) => {
      const search = {
        vector: vectors[at] as Float32Array,
        limit,
        minSimilarity,
        where,
        words: words ? query : undefined,
      };
      return vectorTurns.run(scope, () => store.search(search), SEARCH_WAIT);
    }),
  );
  const best = new Map<string, ChunkMatch>();
  for (const match of lists.flat()) {
    const known = best.get(match.id);
    if (known === undefined || known.similarity < match.similarity) best.set(match.id, match);
  }
  const found = [...best.values()];
  if (queries.length > 1) found.sort((a, b) => b.similarity - a.similarity);
  return found.slice(0, limit);
}

function applyChange(store: StoredStore, { name, description, metadata, expiresAfterDays }: StoreChange): StoredStore {
  const changed = { ...store };
  if (name !== undefined) changed.name = name === "" ? "" : checkText("name", name, 256, "invalid_input");
  if (description === "") delete changed.description;
  else if (description !== undefined) changed.description = checkText("description", description, 512, "invalid_input");
  if (metadata !== undefined) changed.metadata = checkMetadata(metadata);
  if (expiresAfterDays === null) delete changed.expiresAfterDays;
  else if (expiresAfterDays !== undefined)
    changed.expiresAfterDays = checkInteger(
      "expires_after.days",
      expiresAfterDays,
      { min: 1, max: 365 },
      "invalid_input",
    );
  return changed;
}

function checkMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata);
  if (entries.length > 16) refuse("metadata", "an object of at most 16 texts", metadata, "invalid_input");
  for (const [key, value] of entries) {
    checkText("metadata", key, 64, "invalid_input");
    if (typeof value !== "string" || value.length > 512)
      refuse(`metadata.${key}`, "a string of at most 512 characters", value, "invalid_input");
  }
  return metadata;
}

/** Returns a store's expiry time, in seconds since 1970. */
export function endOf({ lastActiveAt, expiresAfterDays }: Store): number | undefined {
  return expiresAfterDays === undefined ? undefined : lastActiveAt + expiresAfterDays * DAY_SECONDS;
}

function hasEnded(store: Store): boolean {
  const end = endOf(store);
  return end !== undefined && end <= seconds();
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}

function absent(): MarrowError {
  return new MarrowError("not_found", "there is no such vector store", { details: { path: "vector_store_id" } });
}
