import { MarrowError } from "../errors.ts";
import { mapInSlices } from "../internal/time-slice.ts";
import { checkInteger, checkNumber, checkText, refuse } from "../internal/check.ts";
import { ownField } from "../internal/fields.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import {
  checkScope,
  decodeRecord,
  encodeRecord,
  unreadableOf,
  type ScopedRedis,
  type Unreadable,
} from "../redis/index.ts";
import { decideEngine, requireEngine, type RedisEngine } from "./engine.ts";
import type { DriverSearch, FoundItem, ReadItem, StoredItem, VectorDriver } from "./driver.ts";
import { checkAttributes, matches, toFilter, type AttributeValue, type Filter } from "./filter.ts";
import type { Item, ItemResult, Match, Search, StoredEntry, Vectors } from "./item.ts";
import { noteCollection } from "./collections.ts";
import { laterDriver } from "./later.ts";
import { localDriver } from "./local/local.ts";
import {
  chosenEngine,
  resolveOptions,
  type Attributes,
  type AttributeSchema,
  type RecallReport,
  type ResolvedVectorsOptions,
  type VectorsOptions,
} from "./options.ts";
import { pagesOf } from "./pages.ts";
import { partitionedDriver } from "./partitions.ts";
import { isPostgres, type ScopedPostgres } from "./pgvector/postgres.ts";
import { pgvectorDriver } from "./pgvector/pgvector.ts";
import { diversify, fuse, rankByWords } from "./ranking.ts";
import { createRecallWatch } from "./recall.ts";
import { searchDriver } from "./search/search.ts";
import { toVector } from "./vector.ts";
import { vectorsetDriver } from "./vectorset/vectorset.ts";
import { wordsOf } from "./words.ts";

/** Longest TTL: 366 days. */
export const ITEM_TTL_MS_MAX: number = 366 * 86_400_000;
/** As long as a user's name may be, because the facts about a user are a namespace. */
const NAMESPACE_CHARS_MAX = 256;
const UPSERT_BATCH = 16;
const UPSERTS_AT_ONCE = 4;
const DELETE_BATCH = 256;
const PAGE_DEFAULT = 512;
const LIMIT_MAX = 1_000;
const UPDATE_TRIES = 8;
const EFFORT = 100;
const CANDIDATES_MIN = 50;
/** Items up to which comparing with all of them takes about as long as a round trip over a network. */
const FLAT_UP_TO = 2_000;

/** Internals of a handle, for operations on two of them. */
export interface Insides<S extends AttributeSchema> {
  readonly driver: VectorDriver;
  readonly namespace: string;
  toStoredItem(item: Item<S>): StoredItem;
}

const insides = new WeakMap<object, Insides<AttributeSchema>>();

/** Returns the internals of a handle that `createVectors` made. */
export function insidesOf<S extends AttributeSchema>(vectors: Vectors<S>): Insides<S> {
  const found = insides.get(vectors);
  if (found === undefined) refuse("vectors", "a handle that createVectors made", vectors);
  return found;
}

/** Encodes the record stored beside a vector. @throws MarrowError `invalid_input` for a payload that is not JSON */
function toRecord(attributes: unknown, payload: unknown): Buffer {
  return encodeWritable("payload", payload, () => encodeRecord({ attributes, payload }));
}

/**
 * Makes a handle on a collection of one scope: typed items, filters on its attributes, namespaces as hard partitions. Makes no round trip.
 * The first upsert of a namespace fixes dimensions, metric, quantisation, attributes and fingerprint.
 * @throws MarrowError `invalid_option`
 */
export function createVectors<const S extends AttributeSchema = Readonly<Record<string, never>>>(
  connection: ScopedRedis | ScopedPostgres,
  options: VectorsOptions<S>,
): Vectors<S> {
  const { driver, resolved } = driverFor(connection, options);
  const { attributes: schema, index } = resolved;
  // One for all namespaces: handles on them come and go with requests.
  const watch =
    resolved.recall && index === "hnsw"
      ? createRecallWatch({ ...resolved.recall, onSample: (report) => told(report, resolved.recall?.onSample) })
      : undefined;
  /** The scope's list has it, unless a role keeps it for itself. */
  const noting = isPostgres(connection) || options.listed === false ? undefined : connection;
  const texts = Object.keys(schema).filter((name) => schema[name] === "text");

  function told(report: RecallReport | Error, onSample: ((report: RecallReport | Error) => void) | undefined): void {
    if (noting !== undefined && !(report instanceof Error))
      noteCollection(noting, options, { recall: report, news: true });
    onSample?.(report);
  }

  function toStoredItem(item: Item<S>): StoredItem {
    if (typeof item !== "object" || item === null)
      refuse("items", "objects with an id and a vector", item, "invalid_input");
    const attributes = checkAttributes(schema, item.attributes ?? {}, "attributes");
    return {
      id: checkText("id", item.id, 512, "invalid_input"),
      vector: toVector("vector", item.vector, resolved),
      attributes,
      record: toRecord(attributes, item.payload ?? null),
      ttlMs:
        item.ttlMs === undefined
          ? 0
          : checkInteger("ttlMs", item.ttlMs, { min: 1, max: ITEM_TTL_MS_MAX }, "invalid_input"),
    };
  }

  function open(namespace: string): Vectors<S> {
    async function* entries(
      filter: Filter | undefined,
      pageSize: number,
      withVectors: boolean,
      onUnreadable?: (id: string, code: Unreadable) => void,
    ): AsyncGenerator<StoredEntry<S>[]> {
      const toListed = (id: string, item: ReadItem): StoredEntry<S>[] => {
        try {
          return [toEntry<S>(id, item)];
        } catch (error) {
          if (onUnreadable === undefined) throw error;
          onUnreadable(id, unreadableOf(error));
          return [];
        }
      };
      for await (const { ids } of pagesOf(driver, namespace, "0", pageSize)) {
        const read = await driver.read(namespace, ids, withVectors);
        const found = read
          .flatMap((item, at) => (item === undefined ? [] : toListed(ids[at] as string, item)))
          .filter(
            ({ attributes }) => filter === undefined || matches(filter, attributes as Record<string, AttributeValue>),
          );
        if (found.length > 0) yield found;
      }
    }

    /** Searches for the nearest items, and samples the recall. */
    async function nearest(asked: DriverSearch): Promise<Match<S>[]> {
      const found = await driver.search(namespace, asked);
      if (!asked.exact)
        watch?.searched(found, () => driver.search(namespace, { ...asked, withVectors: false, exact: true }));
      return mapInSlices(found, (item) => toMatch<S>(item));
    }

    /** The items whose texts have the words: from the engine's own index, or out of the nearest. */
    async function byWords(
      { vector, filter, limit }: DriverSearch,
      text: string,
      near: readonly Match<S>[],
    ): Promise<Match<S>[]> {
      const words = wordsOf(text);
      if (words.length === 0) return [];
      const found = await driver.searchWords(namespace, { words, limit, filter, vector });
      if (found !== undefined) return mapInSlices(found, (item) => toMatch<S>(item));
      const textOf = ({ attributes }: Match<S>) =>
        texts.map((name) => String(ownField(attributes, name) ?? "")).join(" ");
      return rankByWords(near, textOf, text);
    }

    const vectors: Vectors<S> = {
      attributes: schema,

      namespace(name) {
        if (checkText("namespace", name, NAMESPACE_CHARS_MAX, "invalid_input").includes("\0"))
          refuse("namespace", "without a NUL character", name, "invalid_input");
        return open(name);
      },

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
        const store = async (start: number) => {
          const batch = good.slice(start, start + UPSERT_BATCH);
          await driver.upsert(
            namespace,
            batch.map(({ item }) => item),
          );
          for (const { at, item } of batch) results.set(at, { id: item.id, stored: true });
        };
        // A few at once, so that the server does not wait for the way to here and back.
        for (let start = 0; start < good.length; start += UPSERT_BATCH * UPSERTS_AT_ONCE) {
          const starts = Array.from({ length: UPSERTS_AT_ONCE }, (_, at) => start + at * UPSERT_BATCH);
          await Promise.all(starts.filter((at) => at < good.length).map(store));
        }
        if (noting !== undefined && good.length > 0) noteCollection(noting, options, { recall: watch?.report() });
        return items.map((_, at) => results.get(at) as ItemResult);
      },

      async search(search) {
        const { minSimilarity = -Infinity, words, diversity = 0, rerank, withVectors = false } = search;
        const limit = checkInteger("limit", search.limit ?? 10, { min: 1, max: LIMIT_MAX }, "invalid_input");
        if (search.minSimilarity !== undefined)
          checkNumber("minSimilarity", minSimilarity, { min: -Number.MAX_VALUE }, "invalid_input");
        checkNumber("diversity", diversity, { min: 0, max: 1 }, "invalid_input");
        if (words !== undefined && texts.length === 0)
          throw new MarrowError("invalid_input", "words needs an attribute of kind text, and the collection has none", {
            details: { path: "words" },
          });
        const chooses = words !== undefined || diversity > 0 || rerank !== undefined;
        const candidates = chooses
          ? checkInteger(
              "candidates",
              search.candidates ?? Math.min(LIMIT_MAX, Math.max(CANDIDATES_MIN, 4 * limit)),
              { min: limit, max: LIMIT_MAX },
              "invalid_input",
            )
          : limit;
        const asked: DriverSearch = {
          vector: toVector("vector", search.vector, { ...resolved, lengthMax: Infinity }),
          limit: candidates,
          filter: toFilter(schema, search.where),
          withVectors: withVectors || diversity > 0,
          effort: checkInteger(
            "effort",
            search.effort ?? watch?.report().effort ?? EFFORT,
            { min: 1, max: 10_000 },
            "invalid_input",
          ),
          exact: search.exact === true || index === "flat",
        };
        const enough = ({ similarity }: Match<S>) => similarity >= minSimilarity;
        const near = (await nearest(asked)).filter(enough);
        if (!chooses) return near;
        let ordered: readonly Match<S>[] = near;
        if (words !== undefined) {
          const spoken = (await byWords(asked, words, near)).filter(enough);
          ordered = fuse([near, spoken]).slice(0, candidates);
        }
        if (rerank !== undefined) ordered = await reorder(ordered, rerank);
        const chosen = diversity > 0 ? diversify(ordered, diversity, limit) : ordered.slice(0, limit);
        return withVectors ? [...chosen] : chosen.map(({ vector: _, ...match }) => match);
      },

      async get(ids, { withVectors = false } = {}) {
        if (ids.length === 0) return [];
        const read = await driver.read(namespace, ids, withVectors);
        return mapInSlices(read, (item, at) => (item === undefined ? undefined : toEntry<S>(ids[at] as string, item)));
      },

      async update(id, change) {
        const given = change.attributes ?? {};
        const set = checkAttributes(schema, given as Attributes<S>, "attributes");
        for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
          const [before] = await driver.read(namespace, [id], false);
          if (before === undefined) return false;
          const present = decodeRecord(before.record) as {
            attributes: Record<string, AttributeValue>;
            payload: unknown;
          };
          const kept = Object.entries(present.attributes).filter(([name]) => !Object.hasOwn(given, name));
          const attributes = { ...Object.fromEntries(kept), ...set };
          const payload = "payload" in change ? (change.payload ?? null) : present.payload;
          const record = toRecord(attributes, payload);
          if (await driver.replace(namespace, { id, attributes, record }, before.record)) return true;
        }
        throw new MarrowError("conflict", "concurrent changes to the item kept conflicting with this one", {
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
        for await (const page of entries(filter, PAGE_DEFAULT, false)) for (const { id } of page) meant.add(id);
        return dryRun ? meant.size : vectors.delete([...meant]);
      },

      scan: ({ where, pageSize = PAGE_DEFAULT, withVectors = false, onUnreadable } = {}) =>
        entries(
          toFilter(schema, where),
          checkInteger("pageSize", pageSize, { min: 1, max: 10_000 }, "invalid_input"),
          withVectors,
          onUnreadable,
        ),

      count: async () => (await driver.size(namespace)).items,

      async info() {
        const { items, indexed, indexBytes, recordBytes } = await driver.size(namespace);
        const bytesPerVector =
          indexBytes === undefined ? undefined : indexed === 0 ? 0 : Math.round(indexBytes / indexed);
        return { items, indexBytes, recordBytes, bytesPerVector, advice: items <= FLAT_UP_TO ? "flat" : "hnsw" };
      },

      recall: () => watch?.report(),

      drop: () => driver.drop(namespace),
    };
    insides.set(vectors, { driver, namespace, toStoredItem });
    return vectors;
  }

  return open("default");
}

/** The driver of a collection, and its options as far as they depend on no engine. */
function driverFor<S extends AttributeSchema>(
  connection: ScopedRedis | ScopedPostgres,
  options: VectorsOptions<S>,
): { readonly driver: VectorDriver; readonly resolved: ResolvedVectorsOptions<S> } {
  if (isPostgres(connection)) {
    if (options.engine !== undefined)
      throw new MarrowError("invalid_option", "engine must be left out on PostgreSQL", { details: { path: "engine" } });
    const resolved = resolveOptions(options, "pgvector");
    return { resolved, driver: partitionedDriver(pgvectorDriver(connection, resolved), resolved.partitions) };
  }
  const redis = checkScope(connection);
  const on = (engine: RedisEngine) => {
    const resolved = resolveOptions(options, engine);
    return { resolved, driver: partitionedDriver(DRIVERS[engine](redis, resolved), resolved.partitions) };
  };
  const chosen = chosenEngine(options);
  if (chosen === "local") return on(chosen);
  if (chosen !== "auto") {
    const { resolved, driver } = on(chosen);
    return { resolved, driver: laterDriver(() => requireEngine(redis, chosen).then(() => driver)) };
  }
  const { quantisation: _, ...rest } = options;
  // Checks that hold for every engine run now, the rest once the engine is known.
  return {
    resolved: resolveOptions(rest as VectorsOptions<S>, "vectorset"),
    driver: laterDriver(
      async () => on(await decideEngine(redis)).driver,
      () => void decideEngine(redis).catch(() => {}),
    ),
  };
}

const DRIVERS: Readonly<
  Record<RedisEngine, (redis: ScopedRedis, options: ResolvedVectorsOptions<AttributeSchema>) => VectorDriver>
> = { vectorset: vectorsetDriver, search: searchDriver, local: localDriver };

async function reorder<S extends AttributeSchema>(
  candidates: readonly Match<S>[],
  rerank: NonNullable<Search<S>["rerank"]>,
): Promise<Match<S>[]> {
  const scores = await rerank(candidates);
  if (!Array.isArray(scores) || scores.length !== candidates.length || !scores.every((score) => Number.isFinite(score)))
    refuse("rerank", `a function that answers ${candidates.length} finite scores`, scores, "invalid_input");
  return candidates
    .map((match, at) => ({ ...match, score: scores[at] as number }))
    .toSorted((a, b) => b.score - a.score);
}

function toEntry<S extends AttributeSchema>(id: string, { record, ttlMs, vector }: ReadItem): StoredEntry<S> {
  const { attributes, payload } = decodeRecord(record) as { attributes: Attributes<S>; payload: unknown };
  return { id, attributes, payload, ...(ttlMs > 0 && { ttlMs }), ...(vector && { vector }) };
}

function toMatch<S extends AttributeSchema>({ id, record, similarity, vector }: FoundItem): Match<S> {
  return { ...toEntry<S>(id, { record, ttlMs: 0, vector }), similarity };
}
