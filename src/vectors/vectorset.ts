import { MarrowError } from "../errors.ts";
import { encodeKeyPart, keyTag, runScript, type Reply, type ScopedRedis } from "../redis/index.ts";
import type { StoredItem, VectorDriver } from "./driver.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "./options.ts";
import { countItems, deleteItems, readItems, replaceItem, searchItems, upsertItems } from "./scripts.gen.ts";
import { toExpression, toStoredAttributes } from "./vectorset-filter.ts";

const QUANTISATIONS = { q8: "Q8", none: "NOQUANT", binary: "BIN" } as const;
/** Ended items taken out by one upsert at most. */
const SWEEP = 16;
/** More candidates than asked for, in place of those that have ended. */
const SPARE = 8;
/** With a filter, sets up to this size are compared whole: about 2 ms at 256 dimensions, and exact. A selective filter on the graph loses items. */
const EXACT_BELOW = 5_000;

/**
 * The driver over Redis' own vector sets (8.0.2 and newer). A namespace is four keys in the slot of its tag: the set, its records,
 * the ends of those that end, and the contract of the collection.
 */
export function vectorsetDriver<S extends AttributeSchema>(
  redis: ScopedRedis,
  options: ResolvedVectorsOptions<S>,
): VectorDriver {
  const { name, contract, quantisation, attributes: schema, timeoutMs } = options;

  function keysOf(namespace: string) {
    const start = `${keyTag(redis, [namespace])}:vectors:${encodeKeyPart("name", name)}`;
    return { set: `${start}:set`, items: `${start}:items`, due: `${start}:due`, contract: `${start}:contract` };
  }

  function refuseOther(reply: Reply): void {
    if (typeof reply !== "string" && !Buffer.isBuffer(reply)) return;
    throw new MarrowError("conflict", "the collection holds vectors of another kind", {
      details: { stored: String(reply), expected: contract },
    });
  }

  return {
    async upsert(namespace, items) {
      const rows = items.flatMap(({ id, vector, attributes, record, ttlMs }: StoredItem) => [
        id,
        vector,
        toStoredAttributes(schema, attributes),
        record,
        ttlMs,
      ]);
      const values = { agreed: contract, quantisation: QUANTISATIONS[quantisation], sweep: SWEEP, rows };
      const reply = await runScript(redis, upsertItems, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply);
      return Number(reply);
    },

    async search(namespace, { vector, limit, filter, exact, effort }) {
      const reply = await runScript(
        redis,
        searchItems,
        keysOf(namespace),
        {
          agreed: contract,
          vector,
          limit,
          spare: SPARE,
          filter: filter === undefined ? "" : toExpression(filter),
          exact: exact ? 1 : 0,
          exact_below: EXACT_BELOW,
          effort,
        },
        { timeoutMs, reply: "bytes" },
      );
      refuseOther(reply);
      const parts = reply as readonly Buffer[];
      return Array.from({ length: parts.length / 3 }, (_, at) => ({
        id: String(parts[at * 3]),
        similarity: Math.max(-1, Math.min(1, Number(String(parts[at * 3 + 1])) * 2 - 1)),
        record: parts[at * 3 + 2] as Buffer,
      }));
    },

    async read(namespace, ids) {
      const { items, due } = keysOf(namespace);
      const reply = await runScript(redis, readItems, { items, due }, { ids }, { timeoutMs, reply: "bytes" });
      return (reply as readonly (Buffer | null)[]).map((record) => record ?? undefined);
    },

    async replace(namespace, { id, attributes, record }, before) {
      const { set, items } = keysOf(namespace);
      const values = { id, before, attributes: toStoredAttributes(schema, attributes), record };
      return (await runScript(redis, replaceItem, { set, items }, values, { timeoutMs })) === 1;
    },

    async delete(namespace, ids) {
      const { set, items, due } = keysOf(namespace);
      return Number(await runScript(redis, deleteItems, { set, items, due }, { ids }, { timeoutMs }));
    },

    async page(namespace, cursor, size) {
      const command = ["HSCAN", keysOf(namespace).items, cursor, "COUNT", String(size), "NOVALUES"];
      const [next, ids] = (await redis.send(command, { timeoutMs, retry: "safe" })) as [string, string[]];
      return { cursor: next, ids };
    },

    async size(namespace) {
      const { set, items, due } = keysOf(namespace);
      const reply = await runScript(redis, countItems, { set, items, due }, {}, { timeoutMs });
      const [count = 0, indexed = 0, indexBytes = 0, recordBytes = 0] = reply as number[];
      return { items: count, indexed, indexBytes, recordBytes };
    },

    async drop(namespace) {
      await redis.send(["UNLINK", ...Object.values(keysOf(namespace))], { timeoutMs, retry: "safe" });
    },
  };
}
