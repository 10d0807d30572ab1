import { toBytes } from "../../internal/bytes.ts";
import { allOf, encodeKeyPart, keyTag, runScript, type Reply, type ScopedRedis } from "../../redis/index.ts";
import { refuseOther } from "../contract.ts";
import type { DriverSearch, FoundItem, ReadItem, StoredItem, VectorDriver } from "../driver.ts";
import { liftFor } from "../lift.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "../options.ts";
import { countItems, deleteItems, putItem, readItems, replaceItem, searchItems, upsertItems } from "../scripts.gen.ts";
import { toExpression, toStoredAttributes } from "./expression.ts";
import { fromStoredVector } from "./stored-vector.ts";

const QUANTISATIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({ q8: "Q8", none: "NOQUANT", binary: "BIN" }),
);
/** Ended items taken out by one upsert at most. */
const SWEEP = 16;
/** More candidates than asked for, in place of those that have ended: at first, and at most, when many of them lie near. */
const SPARE = { first: 8, growth: 8, most: 4_096 } as const;
/** With a filter, sets up to this size are compared whole: about 2 ms at 256 dimensions, and exact. A selective filter on the graph loses items. */
const EXACT_BELOW = 5_000;

/**
 * Makes the driver over Redis' own vector sets (8.0.2 and newer). A namespace has four keys in the slot of its tag: the set, its records,
 * the expiry times, and the collection's contract.
 */
export function vectorsetDriver<S extends AttributeSchema>(
  redis: ScopedRedis,
  options: ResolvedVectorsOptions<S>,
): VectorDriver {
  const { name, contract, attributes: schema, timeoutMs } = options;
  const lift = liftFor(options.metric, options.dimensions, options.lengthMax);
  const agreed = { agreed: contract, quantisation: QUANTISATIONS.get(options.quantisation) as string };

  function keysOf(namespace: string) {
    const start = `${keyTag(redis, [namespace])}:vectors:${encodeKeyPart("name", name)}`;
    return { set: `${start}:set`, items: `${start}:items`, due: `${start}:due`, contract: `${start}:contract` };
  }

  const toRow = ({ id, vector, attributes, record, ttlMs }: StoredItem) =>
    [id, toBytes(lift.item(vector)), toStoredAttributes(schema, attributes), record, ttlMs] as const;
  const toVector = (parts: Reply) => lift.lower(fromStoredVector(parts as readonly Buffer[], lift.dimensions));

  /** Compares with a large set without holding the server up: outside a script, VSIM works on a thread of its own. */
  async function compareAll(
    namespace: string,
    search: Omit<DriverSearch, "exact" | "effort">,
    spare: number = SPARE.first,
  ): Promise<readonly FoundItem[]> {
    const { vector, limit, filter, withVectors } = search;
    const { contract: known, ...keys } = keysOf(namespace);
    const expression = filter === undefined ? [] : ["FILTER", toExpression(schema, filter)];
    const count = String(limit + spare);
    const query = [
      "VSIM",
      keys.set,
      "FP32",
      toBytes(lift.query(vector)),
      "WITHSCORES",
      "COUNT",
      count,
      "TRUTH",
      ...expression,
    ];
    const [stored = null, found] = allOf(await redis.pipeline([["GET", known], query], { timeoutMs, retry: "safe" }));
    if (stored !== null && stored !== contract) refuseOther(stored, contract);
    const scored = found as readonly string[];
    const ids = scored.filter((_, at) => at % 2 === 0);
    if (ids.length === 0) return [];
    const values = { vectors: withVectors ? 1 : 0, ids };
    const rows = await runScript(redis, readItems, keys, values, { timeoutMs, reply: "bytes" });
    const items = (rows as readonly (readonly Reply[] | null)[])
      .flatMap((row, at) => {
        if (row === null) return [];
        const cosine = Number(scored[at * 2 + 1]) * 2 - 1;
        const vectorOf = row[2] === undefined ? undefined : toVector(row[2]);
        return [
          {
            id: ids[at] as string,
            similarity: lift.similarity(cosine, vector),
            record: row[0] as Buffer,
            vector: vectorOf,
          },
        ];
      })
      .slice(0, limit);
    const mayHaveMore = items.length < limit && ids.length === limit + spare && spare < SPARE.most;
    return mayHaveMore ? compareAll(namespace, search, spare * SPARE.growth) : items;
  }

  return {
    async upsert(namespace, items) {
      const values = { ...agreed, sweep: SWEEP, rows: items.flatMap(toRow) };
      const reply = await runScript(redis, upsertItems, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply, contract);
      return Number(reply);
    },

    async put(namespace, item, before) {
      const values = { ...agreed, before: before ?? "", row: toRow(item) };
      const reply = await runScript(redis, putItem, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply, contract);
      return reply === 1;
    },

    async search(namespace, { vector, limit, filter, exact, effort, withVectors }) {
      if (exact && options.index === "hnsw") return compareAll(namespace, { vector, limit, filter, withVectors });
      const values = {
        agreed: contract,
        vector: toBytes(lift.query(vector)),
        limit,
        spare: SPARE.first,
        filter: filter === undefined ? "" : toExpression(schema, filter),
        exact: exact ? 1 : 0,
        exact_below: EXACT_BELOW,
        effort,
        vectors: withVectors ? 1 : 0,
      };
      const reply = await runScript(redis, searchItems, keysOf(namespace), values, { timeoutMs, reply: "bytes" });
      refuseOther(reply, contract);
      return (reply as readonly (readonly Reply[])[]).map(([id, score, record, stored]) => ({
        id: String(id),
        similarity: lift.similarity(Number(String(score)) * 2 - 1, vector),
        record: record as Buffer,
        vector: stored === undefined ? undefined : toVector(stored),
      }));
    },

    searchWords: async () => undefined,

    async read(namespace, ids, withVectors) {
      const { contract: _, ...keys } = keysOf(namespace);
      const values = { vectors: withVectors ? 1 : 0, ids };
      const reply = await runScript(redis, readItems, keys, values, { timeoutMs, reply: "bytes" });
      return (reply as readonly (readonly Reply[] | null)[]).map((row): ReadItem | undefined => {
        if (row === null) return undefined;
        const [record, left, stored] = row;
        return {
          record: record as Buffer,
          ttlMs: Number(left),
          vector: stored === undefined ? undefined : toVector(stored),
        };
      });
    },

    async replace(namespace, { id, attributes, record }, before) {
      const { contract: _, ...keys } = keysOf(namespace);
      const values = { id, before, attributes: toStoredAttributes(schema, attributes), record };
      return (await runScript(redis, replaceItem, keys, values, { timeoutMs })) === 1;
    },

    async delete(namespace, ids) {
      const { contract: _, ...keys } = keysOf(namespace);
      return Number(await runScript(redis, deleteItems, keys, { ids }, { timeoutMs }));
    },

    async page(namespace, cursor, size) {
      const command = ["HSCAN", keysOf(namespace).items, cursor, "COUNT", String(size), "NOVALUES"];
      const [next, ids] = (await redis.send(command, { timeoutMs, retry: "safe" })) as [string, string[]];
      return { cursor: next, ids };
    },

    async size(namespace) {
      const { contract: _, ...keys } = keysOf(namespace);
      const reply = await runScript(redis, countItems, keys, {}, { timeoutMs });
      const [items = 0, indexed = 0, indexBytes = 0, recordBytes = 0] = reply as number[];
      return { items, indexed, indexBytes, recordBytes };
    },

    async drop(namespace) {
      await redis.send(["UNLINK", ...Object.values(keysOf(namespace))], { timeoutMs, retry: "safe" });
    },
  };
}
