import {
  allOf,
  encodeKeyPart,
  keyTag,
  routed,
  boundRounds,
  runScript,
  type Argument,
  type Reply,
  type ScopedRedis,
} from "../../redis/index.ts";
import { createHash } from "node:crypto";
import { MarrowError } from "../../errors.ts";
import { refuseOther } from "../contract.ts";
import type { DriverSearch, FoundItem, ReadItem, StoredItem, VectorDriver } from "../driver.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "../options.ts";
import { similarity, similarityOf, type Metric } from "../scale.ts";
import {
  countDocuments,
  deleteDocuments,
  dropDocuments,
  putDocument,
  replaceDocument,
  upsertDocuments,
} from "../scripts.gen.ts";
import { sharedIndex } from "./index-of.ts";
import { formatOf } from "./number-format.ts";
import { FIELDS, packAttributes, packingOf } from "./packing.ts";
import { toQuery, toWordQuery } from "./query.ts";
import { gaveUp, notOurs, readSearchReply, toDistance, type FoundDocument } from "./reply.ts";
import { scriptedSearches } from "./scripted.ts";

/** Ended ids taken out by one upsert at most. */
const SWEEP = 16;
/** More candidates than asked for, in place of those that end while they are searched. */
const SPARE = 8;
/** The largest that valkey-search takes. */
const VALKEY_EFFORT_MAX = 4_096;
/** Default effort of the engines. It is not sent, so that they choose how to combine the search with a filter. */
const EFFORT_USUAL = 100;
/** Ids of a namespace that one step of `drop` deletes. */
const DROP_BATCH = 512;
/** Most passes of `drop` over a namespace that others write to. */
const DROP_PASSES = 4;

const SIMILARITIES: Readonly<Record<Metric, (distance: number) => number>> = {
  cosine: (distance) => similarity.fromCosine(1 - distance),
  ip: (distance) => similarity.fromDot(1 - distance),
  l2: similarity.fromSquaredDistance,
};

/**
 * Makes the driver over FT.*: RediSearch, Redis Query Engine, valkey-search. All namespaces of all tenants share one index for each kind of
 * vectors. A namespace is a partition of it, by a tag that every query begins with. A namespace's hashes are in one slot, with the set of
 * their ids, their expiry times, and the contract. Needs no right to FT.INFO or FT._LIST.
 */
export function searchDriver<S extends AttributeSchema>(
  redis: ScopedRedis,
  options: ResolvedVectorsOptions<S>,
): VectorDriver {
  const { name, contract, index, metric, attributes: schema, timeoutMs } = options;
  const format = formatOf(options.quantisation);
  const packing = packingOf(schema);
  const shared = sharedIndex(redis, { ...options, format });
  const toSimilarity = SIMILARITIES[metric];
  const scripted = scriptedSearches(redis);
  const hasTexts = Object.values(schema).includes("text");

  function keysOf(namespace: string) {
    const tag = keyTag(redis, [namespace]);
    const collection = encodeKeyPart("name", name);
    const start = `${tag}:vectors:${collection}:search`;
    const prefix = `${shared.prefix}${tag}:${collection}:item:`;
    return { contract: `${start}:contract`, ids: `${start}:ids`, due: `${start}:due`, prefix };
  }

  // Keys are different for different partitions, so their digests are.
  const partitionOf = (prefix: string) => createHash("sha256").update(prefix).digest("hex").slice(0, 32);
  const documentOf = (prefix: string, id: string) => `${prefix}${encodeId(id)}`;

  const isValkey = async () => (await redis.capabilities()).engine === "valkey";

  /** Searches one partition, after a look at its contract in the same round trip; makes an index anew that was dropped under its hashes. */
  async function ask(namespace: string, command: readonly Argument[]): Promise<FoundDocument[]> {
    const { contract: known, prefix } = keysOf(namespace);
    for (let attempt = 1; ; attempt += 1) {
      const [stored, reply] = await redis.pipeline([["GET", known], routed(command, known)], {
        timeoutMs,
        retry: "safe",
        reply: "bytes",
      });
      if (stored instanceof Error) throw stored;
      if (stored === null) return [];
      if (String(stored) !== contract) refuseOther(stored, contract);
      // The tag selects the documents; their keys confirm it.
      if (!(reply instanceof Error)) return readSearchReply(reply as Reply).filter(({ key }) => key.startsWith(prefix));
      if (!MarrowError.is(reply, "redis_rejected")) throw reply;
      if (gaveUp(reply))
        throw new MarrowError("timeout", "the server aborted the search before it finished", { cause: reply });
      if (attempt === 2) throw notOurs(shared.name, reply);
      shared.forget();
      await shared.ensure(known);
    }
  }

  async function prepare(namespace: string) {
    const keys = keysOf(namespace);
    await shared.ensure(keys.contract).catch(async (error: unknown) => {
      // A collection of another kind is the better reason, where there is one.
      const stored = await redis.send(["GET", keys.contract], { timeoutMs }).catch(() => null);
      if (stored !== null && stored !== contract) refuseOther(stored, contract);
      throw error;
    });
    return keys;
  }

  function toFields(prefix: string, { vector, attributes, record }: StoredItem): Argument[] {
    const { bytes, step } = format.write(vector);
    const kept = format.type === "INT8" ? ["s", String(step)] : [];
    const packed = packAttributes(packing, schema, attributes);
    return [FIELDS.vector, bytes, FIELDS.partition, partitionOf(prefix), ...kept, "r", record, ...packed];
  }

  /** The search for the nearest documents of a partition, in whatever order they come. */
  async function toCommand(
    prefix: string,
    { vector, limit, filter, exact, effort }: Omit<DriverSearch, "withVectors">,
    fields: readonly string[],
  ): Promise<Argument[]> {
    const valkey = await isValkey();
    const k = String(limit + SPARE);
    const graph = index === "hnsw";
    const whole = exact && graph && !valkey;
    const widely = exact ? VALKEY_EFFORT_MAX : effort;
    const wide = graph && !whole && widely !== EFFORT_USUAL;
    const ef = Math.max(valkey ? Math.min(VALKEY_EFFORT_MAX, widely) : widely, Number(k));
    const how = whole ? " HYBRID_POLICY ADHOC_BF" : wide ? ` EF_RUNTIME ${ef}` : "";
    const query = `${toQuery(partitionOf(prefix), packing, filter)}=>[KNN ${k} @${FIELDS.vector} $q${how} AS d]`;
    const parameters = ["PARAMS", "2", "q", format.write(vector).bytes];
    const wanted = ["RETURN", String(fields.length), ...fields, "LIMIT", "0", k, "DIALECT", "2"];
    return ["FT.SEARCH", shared.name, query, ...parameters, ...wanted];
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
    return [
      { id: decodeId(key.slice(prefix.length)), record, ...(bytes && { vector: toVector(bytes, fields.get("s")) }) },
    ];
  }

  return {
    async upsert(namespace, items) {
      const { prefix, ...keys } = await prepare(namespace);
      const rows = items.flatMap((item) => {
        const fields = toFields(prefix, item);
        return [item.id, item.ttlMs, fields.length, ...fields];
      });
      const documents = items.map(({ id }) => documentOf(prefix, id));
      const values = { agreed: contract, sweep: SWEEP, rows };
      const reply = await runScript(redis, upsertDocuments, { ...keys, documents }, values, { timeoutMs });
      refuseOther(reply, contract);
      return Number(reply);
    },

    async put(namespace, item, before) {
      const { prefix, ...keys } = await prepare(namespace);
      const { id, ttlMs } = item;
      const values = { agreed: contract, before: before ?? "", id, ttl_ms: ttlMs, fields: toFields(prefix, item) };
      const document = documentOf(prefix, id);
      const reply = await runScript(redis, putDocument, { ...keys, document }, values, { timeoutMs });
      refuseOther(reply, contract);
      return reply === 1;
    },

    async replace(namespace, { id, attributes, record }, before) {
      const document = documentOf(keysOf(namespace).prefix, id);
      const gone = [FIELDS.text, ...FIELDS.numbers];
      const fields = [...gone, "r", record, ...packAttributes(packing, schema, attributes)];
      const values = { before, gone: gone.length, fields };
      return (await runScript(redis, replaceDocument, { document }, values, { timeoutMs })) === 1;
    },

    async search(namespace, asked) {
      const { prefix } = keysOf(namespace);
      const { limit, withVectors } = asked;
      const fields = withVectors ? ["d", "r", "v", "s"] : ["d", "r"];
      const found = await ask(namespace, await toCommand(prefix, asked, fields));
      return (
        found
          .flatMap((document) =>
            toFound(prefix, document).map((item): FoundItem => ({
              ...item,
              similarity: toSimilarity(toDistance(document.fields.get("d"))),
            })),
          )
          // A vector of zeros has no cosine: engines answer nan for it.
          .filter(({ similarity: near }) => !Number.isNaN(near))
          .toSorted((a, b) => b.similarity - a.similarity)
          .slice(0, limit)
      );
    },

    async inScript(namespace, { vector, limit }) {
      // Nodes of a cluster have a role's keys and these documents in different slots, and coordinators search in no script.
      if (metric !== "cosine" || !scripted.mayBeAsked() || (await redis.capabilities()).cluster !== "no")
        return undefined;
      const { contract: known, prefix } = keysOf(namespace);
      const usual = { vector, limit, filter: undefined, exact: false, effort: EFFORT_USUAL };
      return { contract: known, agreed: contract, start: prefix, command: await toCommand(prefix, usual, ["d"]) };
    },

    refusedInScript: () => scripted.refused(),

    async searchWords(namespace, { words, vector, limit, filter }) {
      if (!hasTexts || (await isValkey())) return undefined;
      const { prefix } = keysOf(namespace);
      const query = toWordQuery(toQuery(partitionOf(prefix), packing, filter), words);
      const found = await ask(namespace, [
        "FT.SEARCH",
        shared.name,
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
        ["HMGET", documentOf(prefix, id), ...fields],
        ["PTTL", documentOf(prefix, id)],
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
      const documents = ids.map((id) => documentOf(prefix, id));
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
      const { ids, due } = keysOf(namespace);
      const items = Number(await runScript(redis, countDocuments, { ids, due }, {}, { timeoutMs }));
      // No server reports a partition's share of the common index.
      return { items, indexed: items, indexBytes: items === 0 ? 0 : undefined, recordBytes: undefined };
    },

    async drop(namespace) {
      const { ids, due, contract: known } = keysOf(namespace);
      // One pass deletes all that was there when it began. Others write meanwhile: what a last pass leaves is as any other item.
      for (let pass = 1; pass <= DROP_PASSES; pass += 1) {
        let cursor = "0";
        const round = boundRounds("SSCAN");
        do {
          round();
          const page = await this.page(namespace, cursor, DROP_BATCH);
          cursor = page.cursor;
          for (let at = 0; at < page.ids.length; at += DROP_BATCH)
            await this.delete(namespace, page.ids.slice(at, at + DROP_BATCH));
        } while (cursor !== "0");
        if ((await runScript(redis, dropDocuments, { ids, due, contract: known }, {}, { timeoutMs })) === 1) return;
      }
    },
  };
}

/** An id within a key. RediSearch reads keys up to a NUL. */
function encodeId(id: string): string {
  return id.replaceAll(/[%\0]/g, (character) => (character === "%" ? "%25" : "%00"));
}

function decodeId(encoded: string): string {
  return encoded.replaceAll(/%(25|00)/g, (_, code) => (code === "25" ? "%" : "\0"));
}
