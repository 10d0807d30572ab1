import { MarrowError } from "../errors.ts";
import { checkInteger, checkNumber, checkText, refuse } from "../internal/check.ts";
import { checkScope, decodeRecord, encodeRecord, type ScopedRedis } from "../redis/index.ts";
import type { StoredItem } from "./driver.ts";
import { checkAttributes, matches, toFilter, type AttributeValue, type Filter, type Where } from "./filter.ts";
import { resolveOptions, type Attributes, type AttributeSchema, type VectorsOptions } from "./options.ts";
import { toVectorBytes, type Vector } from "./vector.ts";
import { vectorsetDriver } from "./vectorset.ts";

/** An item to store. */
export interface Item<S extends AttributeSchema> {
  /** 1 to 512 characters; an item of the same id in the same namespace is replaced. */
  readonly id: string;
  /** As many finite numbers as the collection has dimensions, not all of them zero. */
  readonly vector: Vector;
  readonly attributes?: Attributes<S> | undefined;
  /** Any JSON, given back as it is. */
  readonly payload?: unknown;
  /** Life from now, in milliseconds, up to 366 days. @default no end */
  readonly ttlMs?: number | undefined;
}

/** An item as it is read. */
export interface StoredEntry<S extends AttributeSchema> {
  readonly id: string;
  readonly attributes: Attributes<S>;
  readonly payload: unknown;
}

/** An item that a search found. */
export interface Match<S extends AttributeSchema> extends StoredEntry<S> {
  /** Cosine, -1 to 1. */
  readonly similarity: number;
}

/** What became of one item of a batch. */
export type ItemResult =
  | { readonly id: string; readonly stored: true }
  | { readonly id: string; readonly stored: false; readonly error: MarrowError };

/** What is searched for. */
export interface Search<S extends AttributeSchema> {
  readonly vector: Vector;
  /** 1 to 1,000. @default 10 */
  readonly limit?: number | undefined;
  /** Cosine below which an item is no match, -1 to 1. @default -1 */
  readonly minSimilarity?: number | undefined;
  readonly where?: Where<S> | undefined;
  /** Compare with everything, whatever the index. @default false */
  readonly exact?: boolean | undefined;
  /** How widely the graph is searched, 1 to 10,000: more finds more and costs more. @default 100 */
  readonly effort?: number | undefined;
}

/** One partition of a collection. */
export interface Vectors<S extends AttributeSchema> {
  /** Another hard partition of the same collection. No call sees two of them. @default "default" */
  namespace(name: string): Vectors<S>;
  /**
   * Stores items; each has a result of its own, in order, and one that is wrong keeps no other from being stored.
   * One round trip for 16 items.
   * @throws MarrowError `conflict` when the collection holds vectors of another kind; `unavailable`, `timeout`
   */
  upsert(items: readonly Item<S>[]): Promise<ItemResult[]>;
  /** The nearest items, nearest first. One round trip. @throws MarrowError `invalid_input`, `conflict` */
  search(search: Search<S>): Promise<Match<S>[]>;
  /** Items by id, in order; `undefined` for what is not there. One round trip. */
  get(ids: readonly string[]): Promise<(StoredEntry<S> | undefined)[]>;
  /**
   * Changes attributes (merged over the present ones; `undefined` takes one away) and payload without the vector; the life stays.
   * Two round trips. Answers whether the item is there.
   * @throws MarrowError `conflict` when others change the same item all the time
   */
  update(
    id: string,
    change: { readonly attributes?: Attributes<S> | undefined; readonly payload?: unknown },
  ): Promise<boolean>;
  /** Deletes items by id; answers how many there were. One round trip for 256 ids. */
  delete(ids: readonly string[]): Promise<number>;
  /**
   * Deletes what a filter means, or only counts it (`dryRun`). An empty filter is refused: to delete everything, say `drop`.
   * Reads the whole namespace in pages. Answers how many.
   */
  deleteWhere(where: Where<S>, options?: { readonly dryRun?: boolean | undefined }): Promise<number>;
  /** All items in pages, in no order; one that is there throughout comes at least once. */
  scan(options?: {
    readonly where?: Where<S> | undefined;
    readonly pageSize?: number | undefined;
  }): AsyncIterable<StoredEntry<S>[]>;
  /** How many items have not ended. One round trip. */
  count(): Promise<number>;
  /** Sizes, bytes for each item, and whether the other kind of index would do better. One round trip. */
  info(): Promise<VectorsInfo>;
  /** Deletes the namespace with all that is in it. */
  drop(): Promise<void>;
}

/** What a namespace takes. */
export interface VectorsInfo {
  readonly items: number;
  readonly indexBytes: number;
  readonly recordBytes: number;
  /** Bytes an item in the index, 0 when empty. */
  readonly bytesPerVector: number;
  /** `flat` while comparing with everything costs little, `hnsw` beyond. */
  readonly advice: "flat" | "hnsw";
}

/** Longest life: 366 days. */
export const ITEM_TTL_MS_MAX: number = 366 * 86_400_000;
const UPSERT_BATCH = 16;
const DELETE_BATCH = 256;
const PAGE_DEFAULT = 512;
const UPDATE_TRIES = 8;
/** Items up to which comparing with all of them takes about as long as a round trip over a network. */
const FLAT_UP_TO = 2_000;

/**
 * Makes a handle on a collection of one scope: typed items, filters from its attributes, namespaces as hard partitions.
 * Makes no round trip; the first upsert fixes dimensions, quantisation and fingerprint.
 * @throws MarrowError `invalid_option`
 */
export function createVectors<const S extends AttributeSchema = Readonly<Record<string, never>>>(
  redis: ScopedRedis,
  options: VectorsOptions<S>,
): Vectors<S> {
  const resolved = resolveOptions(options);
  const driver = vectorsetDriver(checkScope(redis), resolved);
  const { attributes: schema, dimensions, index } = resolved;

  function toStoredItem(item: Item<S>): StoredItem {
    const attributes = checkAttributes(schema, item.attributes ?? {}, "attributes");
    return {
      id: checkText("id", item.id, 512, "invalid_input"),
      vector: toVectorBytes("vector", item.vector, dimensions),
      attributes,
      record: encodeRecord({ attributes, payload: item.payload ?? null }),
      ttlMs:
        item.ttlMs === undefined
          ? 0
          : checkInteger("ttlMs", item.ttlMs, { min: 1, max: ITEM_TTL_MS_MAX }, "invalid_input"),
    };
  }

  function open(namespace: string): Vectors<S> {
    async function* entries(filter: Filter | undefined, pageSize: number): AsyncGenerator<StoredEntry<S>[]> {
      let cursor = "0";
      do {
        const page = await driver.page(namespace, cursor, pageSize);
        cursor = page.cursor;
        const records = page.ids.length === 0 ? [] : await driver.read(namespace, page.ids);
        const found = records.flatMap((record, at) =>
          record === undefined ? [] : [toEntry<S>(page.ids[at] as string, record)],
        );
        const meant =
          filter === undefined
            ? found
            : found.filter(({ attributes }) => matches(filter, attributes as Record<string, AttributeValue>));
        if (meant.length > 0) yield meant;
      } while (cursor !== "0");
    }

    const vectors: Vectors<S> = {
      namespace: (name) => open(checkText("namespace", name, 128, "invalid_input")),

      async upsert(items) {
        const results = new Map<number, ItemResult>();
        const good: { at: number; item: StoredItem }[] = [];
        items.forEach((item, at) => {
          try {
            good.push({ at, item: toStoredItem(item) });
          } catch (error) {
            if (!MarrowError.is(error)) throw error;
            results.set(at, { id: String((item as Partial<Item<S>> | null)?.id), stored: false, error });
          }
        });
        for (let start = 0; start < good.length; start += UPSERT_BATCH) {
          const batch = good.slice(start, start + UPSERT_BATCH);
          await driver.upsert(
            namespace,
            batch.map(({ item }) => item),
          );
          for (const { at, item } of batch) results.set(at, { id: item.id, stored: true });
        }
        return items.map((_, at) => results.get(at) as ItemResult);
      },

      async search({ vector, limit = 10, minSimilarity = -1, where, exact = false, effort = 100 }) {
        checkNumber("minSimilarity", minSimilarity, { min: -1, max: 1 }, "invalid_input");
        const found = await driver.search(namespace, {
          vector: toVectorBytes("vector", vector, dimensions),
          limit: checkInteger("limit", limit, { min: 1, max: 1_000 }, "invalid_input"),
          filter: toFilter(schema, where),
          exact: exact || index === "flat",
          effort: checkInteger("effort", effort, { min: 1, max: 10_000 }, "invalid_input"),
        });
        return found
          .filter(({ similarity }) => similarity >= minSimilarity)
          .map(({ id, similarity, record }) => ({ ...toEntry<S>(id, record), similarity }));
      },

      async get(ids) {
        if (ids.length === 0) return [];
        const records = await driver.read(namespace, ids);
        return records.map((record, at) => (record === undefined ? undefined : toEntry<S>(ids[at] as string, record)));
      },

      async update(id, change) {
        const given = change.attributes ?? {};
        const set = checkAttributes(schema, given as Attributes<S>, "attributes");
        for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
          const [before] = await driver.read(namespace, [id]);
          if (before === undefined) return false;
          const present = decodeRecord(before) as { attributes: Record<string, AttributeValue>; payload: unknown };
          const kept = Object.entries(present.attributes).filter(([name]) => !Object.hasOwn(given, name));
          const attributes = { ...Object.fromEntries(kept), ...set };
          const record = encodeRecord({
            attributes,
            payload: "payload" in change ? (change.payload ?? null) : present.payload,
          });
          if (await driver.replace(namespace, { id, attributes, record }, before)) return true;
        }
        throw new MarrowError("conflict", "the item was changed by others at every try", {
          details: { tries: UPDATE_TRIES },
        });
      },

      async delete(ids) {
        let deleted = 0;
        for (let start = 0; start < ids.length; start += DELETE_BATCH) {
          deleted += await driver.delete(namespace, ids.slice(start, start + DELETE_BATCH));
        }
        return deleted;
      },

      async deleteWhere(where, { dryRun = false } = {}) {
        const filter = toFilter(schema, where);
        if (filter === undefined)
          refuse("where", "a filter with a condition; to delete everything, use drop", where, "invalid_input");
        const meant = new Set<string>();
        for await (const page of entries(filter, PAGE_DEFAULT)) for (const { id } of page) meant.add(id);
        return dryRun ? meant.size : vectors.delete([...meant]);
      },

      scan: ({ where, pageSize = PAGE_DEFAULT } = {}) =>
        entries(toFilter(schema, where), checkInteger("pageSize", pageSize, { min: 1, max: 10_000 }, "invalid_input")),

      count: async () => (await driver.size(namespace)).items,

      async info() {
        const { items, indexed, indexBytes, recordBytes } = await driver.size(namespace);
        const bytesPerVector = indexed === 0 ? 0 : Math.round(indexBytes / indexed);
        return { items, indexBytes, recordBytes, bytesPerVector, advice: items <= FLAT_UP_TO ? "flat" : "hnsw" };
      },

      drop: () => driver.drop(namespace),
    };
    return vectors;
  }

  return open("default");
}

function toEntry<S extends AttributeSchema>(id: string, record: Buffer): StoredEntry<S> {
  const { attributes, payload } = decodeRecord(record) as { attributes: Attributes<S>; payload: unknown };
  return { id, attributes, payload };
}
