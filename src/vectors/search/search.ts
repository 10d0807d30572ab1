import { MarrowError } from "../../errors.ts";
import {
  allOf,
  encodeKeyPart,
  keyTag,
  runScript,
  type Argument,
  type Reply,
  type ScopedRedis,
} from "../../redis/index.ts";
import { refuseOther } from "../contract.ts";
import type { FoundItem, ReadItem, StoredItem, VectorDriver } from "../driver.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "../options.ts";
import { similarity, similarityOf, type Metric } from "../scale.ts";
import { countDocuments, deleteDocuments, putDocument, replaceDocument, upsertDocuments } from "../scripts.gen.ts";
import { encodeNumber, encodeWord, isWord } from "../words.ts";
import { formatOf } from "./number-format.ts";
import { fieldOf, HAS, toQuery, toWordQuery } from "./query.ts";
import { readSearchReply, toMap, type FoundDocument } from "./reply.ts";

/** Ended ids taken out by one upsert at most. */
const SWEEP = 16;
/** More candidates than asked for, in place of those that end while they are searched. */
const SPARE = 8;
/** The largest that valkey-search takes. */
const VALKEY_EFFORT_MAX = 4_096;

const MEASURES: Readonly<
  Record<Metric, { readonly word: string; readonly toSimilarity: (distance: number) => number }>
> = {
  cosine: { word: "COSINE", toSimilarity: (distance) => similarity.fromCosine(1 - distance) },
  ip: { word: "IP", toSimilarity: (distance) => similarity.fromDot(1 - distance) },
  l2: { word: "L2", toSimilarity: similarity.fromSquaredDistance },
};

/**
 * The driver over FT.*: RediSearch, Redis Query Engine, valkey-search. A namespace is an index and its hashes, all in the slot of its
 * tag, with a set of its ids, the ends of those that end, and the contract. Needs no right to FT.INFO or FT._LIST.
 */
export function searchDriver<S extends AttributeSchema>(
  redis: ScopedRedis,
  options: ResolvedVectorsOptions<S>,
): VectorDriver {
  const { name, contract, dimensions, index, metric, attributes: schema, timeoutMs } = options;
  const format = formatOf(options.quantisation);
  const { word: metricWord, toSimilarity } = MEASURES[metric];
  const texts = Object.keys(schema).filter((attribute) => schema[attribute] === "text");
  const ready = new Set<string>();

  function keysOf(namespace: string) {
    const start = `${keyTag(redis, [namespace])}:vectors:${encodeKeyPart("name", name)}`;
    // The index bears the tag too, so that a cluster asks the node that has the hashes.
    return {
      contract: `${start}:contract`,
      ids: `${start}:ids`,
      due: `${start}:due`,
      index: `${start}:index`,
      prefix: `${start}:item:`,
    };
  }

  const isValkey = async () => (await redis.capabilities()).engine === "valkey";

  /** Makes the index if there is none. Whether there is one is asked by searching it: texts of errors differ and FT.INFO may be forbidden. */
  async function ensure(namespace: string): Promise<void> {
    if (ready.has(namespace)) return;
    const { contract: known, index: indexName, prefix } = keysOf(namespace);
    const stored = await redis.send(["GET", known], { timeoutMs });
    if (stored !== null && stored !== contract) refuseOther(stored, contract);
    const words = texts.length > 0 && !(await isValkey());
    const tag = ["TAG", "SEPARATOR", ",", "CASESENSITIVE"];
    const command = ["FT.CREATE", indexName, "ON", "HASH", "PREFIX", "1", prefix];
    if (words) command.push("STOPWORDS", "0");
    command.push("SCHEMA", "v", "VECTOR", index === "hnsw" ? "HNSW" : "FLAT", "6");
    command.push("TYPE", format.type, "DIM", String(dimensions), "DISTANCE_METRIC", metricWord, HAS, ...tag);
    for (const [attribute, kind] of Object.entries(schema)) {
      if (kind === "text") command.push(...(words ? [fieldOf(attribute), "TEXT"] : []));
      else command.push(fieldOf(attribute), ...(kind === "number" ? ["NUMERIC"] : tag));
    }
    try {
      await redis.send(command, { timeoutMs });
    } catch (refused) {
      const works = redis.send(["FT.SEARCH", indexName, toQuery(undefined), "LIMIT", "0", "0", "DIALECT", "2"], {
        timeoutMs,
      });
      await works.catch(() => Promise.reject(refused as Error));
    }
    ready.add(namespace);
  }

  /** Searches, after a look at the contract in the same round trip; makes an index anew that was dropped under its hashes. */
  async function ask(namespace: string, command: readonly Argument[]): Promise<FoundDocument[]> {
    const { contract: known } = keysOf(namespace);
    for (let attempt = 1; ; attempt += 1) {
      const [stored, reply] = await redis.pipeline([["GET", known], command], {
        timeoutMs,
        retry: "safe",
        reply: "bytes",
      });
      if (stored instanceof Error) throw stored;
      if (stored === null) return [];
      if (String(stored) !== contract) refuseOther(stored, contract);
      if (!(reply instanceof Error)) return readSearchReply(reply as Reply);
      if (attempt === 2 || !MarrowError.is(reply, "redis_rejected")) throw reply;
      ready.delete(namespace);
      await ensure(namespace);
    }
  }

  function toFields({ vector, attributes, record }: StoredItem): Argument[] {
    const { bytes, step } = format.write(vector);
    const kept = format.type === "INT8" ? ["s", String(step)] : [];
    return ["v", bytes, ...kept, "r", record, ...toAttributeFields(attributes)];
  }

  function toAttributeFields(attributes: StoredItem["attributes"]): string[] {
    const given = Object.entries(attributes);
    const fields = given.flatMap(([attribute, value]) => {
      const text =
        schema[attribute] === "text" ? String(value) : isWord(value) ? encodeWord(value) : encodeNumber(value);
      return [fieldOf(attribute), text];
    });
    return [HAS, ["all", ...given.map(([attribute]) => fieldOf(attribute))].join(","), ...fields];
  }

  const toVector = (bytes: Buffer, step: Reply | undefined) =>
    format.read(bytes, step === undefined || step === null ? 1 : Number(String(step)));

  function toFound(
    prefix: string,
    { key, fields }: FoundDocument,
  ): { id: string; record: Buffer; vector?: Float32Array }[] {
    const record = fields.get("r");
    if (record === undefined) return [];
    const bytes = fields.get("v");
    return [{ id: key.slice(prefix.length), record, ...(bytes && { vector: toVector(bytes, fields.get("s")) }) }];
  }

  return {
    async upsert(namespace, items) {
      await ensure(namespace);
      const { prefix, index: _, ...keys } = keysOf(namespace);
      const rows = items.flatMap((item) => {
        const fields = toFields(item);
        return [item.id, item.ttlMs, fields.length, ...fields];
      });
      const documents = items.map(({ id }) => `${prefix}${id}`);
      const values = { agreed: contract, sweep: SWEEP, rows };
      const reply = await runScript(redis, upsertDocuments, { ...keys, documents }, values, { timeoutMs });
      refuseOther(reply, contract);
      return Number(reply);
    },

    async put(namespace, item, before) {
      await ensure(namespace);
      const { prefix, index: _, ...keys } = keysOf(namespace);
      const values = {
        agreed: contract,
        before: before ?? "",
        id: item.id,
        ttl_ms: item.ttlMs,
        fields: toFields(item),
      };
      const reply = await runScript(redis, putDocument, { ...keys, document: `${prefix}${item.id}` }, values, {
        timeoutMs,
      });
      refuseOther(reply, contract);
      return reply === 1;
    },

    async replace(namespace, { id, attributes, record }, before) {
      const document = `${keysOf(namespace).prefix}${id}`;
      const gone = Object.keys(schema).filter((attribute) => !Object.hasOwn(attributes, attribute));
      const fields = [...gone.map(fieldOf), "r", record, ...toAttributeFields(attributes)];
      return (
        (await runScript(
          redis,
          replaceDocument,
          { document },
          { before, gone: gone.length, fields },
          { timeoutMs },
        )) === 1
      );
    },

    async search(namespace, { vector, limit, filter, exact, effort, withVectors }) {
      const { index: indexName, prefix } = keysOf(namespace);
      const valkey = await isValkey();
      const k = String(limit + SPARE);
      const graph = index === "hnsw";
      // Only a query with a filter may be told to compare with everything, so a filter that all satisfy stands in.
      const whole = exact && graph && !valkey;
      const condition = filter === undefined && !whole ? "*" : toQuery(filter);
      const widely = graph && !whole && filter === undefined;
      const ef = valkey ? Math.min(VALKEY_EFFORT_MAX, exact ? VALKEY_EFFORT_MAX : effort) : effort;
      const how = whole ? " HYBRID_POLICY ADHOC_BF" : widely ? ` EF_RUNTIME ${Math.max(ef, Number(k))}` : "";
      const fields = withVectors ? ["d", "r", "v", "s"] : ["d", "r"];
      const found = await ask(namespace, [
        "FT.SEARCH",
        indexName,
        `${condition}=>[KNN ${k} @v $q${how} AS d]`,
        "PARAMS",
        "2",
        "q",
        format.write(vector).bytes,
        "RETURN",
        String(fields.length),
        ...fields,
        "LIMIT",
        "0",
        k,
        "DIALECT",
        "2",
      ]);
      return found
        .flatMap((document) =>
          toFound(prefix, document).map((item): FoundItem => ({
            ...item,
            similarity: toSimilarity(Number(String(document.fields.get("d")))),
          })),
        )
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, limit);
    },

    async searchWords(namespace, { words, vector, limit, filter }) {
      if (texts.length === 0 || (await isValkey())) return undefined;
      const { index: indexName, prefix } = keysOf(namespace);
      const query = `${toQuery(filter)} ${toWordQuery(words, texts)}`;
      const found = await ask(namespace, [
        "FT.SEARCH",
        indexName,
        query,
        "RETURN",
        "3",
        "r",
        "v",
        "s",
        "LIMIT",
        "0",
        String(limit),
        "DIALECT",
        "2",
      ]);
      return found.flatMap((document) =>
        toFound(prefix, document).map(({ id, record, vector: stored }): FoundItem => ({
          id,
          record,
          vector: stored,
          similarity: stored === undefined ? -Infinity : similarityOf(metric, vector, stored),
        })),
      );
    },

    async read(namespace, ids, withVectors) {
      const { prefix } = keysOf(namespace);
      const fields = withVectors ? ["r", "v", "s"] : ["r"];
      const commands = ids.flatMap((id) => [
        ["HMGET", `${prefix}${id}`, ...fields],
        ["PTTL", `${prefix}${id}`],
      ]);
      const replies = allOf(await redis.pipeline(commands, { timeoutMs, retry: "safe", reply: "bytes" }));
      return ids.map((_, at): ReadItem | undefined => {
        const [record, bytes, step] = replies[at * 2] as readonly (Buffer | null)[];
        const left = Number(replies[at * 2 + 1]);
        if (!record || left === -2) return undefined;
        return { record, ttlMs: Math.max(0, left), vector: bytes ? toVector(bytes, step) : undefined };
      });
    },

    async delete(namespace, ids) {
      const { prefix, ids: all, due } = keysOf(namespace);
      const documents = ids.map((id) => `${prefix}${id}`);
      return Number(
        await runScript(redis, deleteDocuments, { ids: all, due, documents }, { gone: ids }, { timeoutMs }),
      );
    },

    async page(namespace, cursor, size) {
      const command = ["SSCAN", keysOf(namespace).ids, cursor, "COUNT", String(size)];
      const [next, ids] = (await redis.send(command, { timeoutMs, retry: "safe" })) as [string, string[]];
      return { cursor: next, ids };
    },

    async size(namespace) {
      const { ids, due, index: indexName } = keysOf(namespace);
      const items = Number(await runScript(redis, countDocuments, { ids, due }, {}, { timeoutMs }));
      if (items === 0) return { items, indexed: 0, indexBytes: 0, recordBytes: undefined };
      // What an index takes is told by FT.INFO alone, by RediSearch alone, to those who may ask.
      const told = await redis.send(["FT.INFO", indexName], { timeoutMs }).catch(() => undefined);
      const megabytes = Array.isArray(told)
        ? Number(toMap(told as readonly Reply[]).get("vector_index_sz_mb"))
        : Number.NaN;
      const indexBytes = Number.isFinite(megabytes) ? Math.round(megabytes * 1024 ** 2) : undefined;
      return { items, indexed: items, indexBytes, recordBytes: undefined };
    },

    async drop(namespace) {
      const { ids, due, contract: known, index: indexName } = keysOf(namespace);
      let cursor = "0";
      do {
        const page = await this.page(namespace, cursor, 512);
        cursor = page.cursor;
        if (page.ids.length > 0) await this.delete(namespace, page.ids);
      } while (cursor !== "0");
      ready.delete(namespace);
      // Where there is no index there is nothing to drop; one that cannot be dropped holds no document any more.
      await redis.send(["FT.DROPINDEX", indexName], { timeoutMs }).catch((error: unknown) => {
        if (!MarrowError.is(error, "redis_rejected")) throw error;
      });
      await redis.send(["UNLINK", ids, due, known], { timeoutMs, retry: "safe" });
    },
  };
}
