import { encodeKeyPart, keyTag, runScript, type Reply, type ScopedRedis } from "../../redis/index.ts";
import { refuseOther } from "../contract.ts";
import type { FoundItem, ReadItem, StoredItem, VectorDriver } from "../driver.ts";
import { matches } from "../filter.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "../options.ts";
import { countRows, deleteRows, putRow, readRows, replaceRow, upsertRows } from "../scripts.gen.ts";
import type { Near } from "./copy.ts";
import { mirrorsOf, type Mirror } from "./mirrors.ts";
import { decodeRow, encodeRow, headOf, round, unround, type Row } from "./row.ts";

/** Ended items taken out by one upsert at most. */
const SWEEP = 16;
/** More candidates than asked for, in place of those that end while they are looked up. */
const SPARE = 8;
/** Changes that one round trip brings at most. */
const CHANGES_A_TRIP = 512;
/** Searches anew because something had changed since the copy was read; then what was found last is answered. */
const TRIES_MAX = 4;
/** Items that one script reads. */
const READ_BATCH = 512;

/** What `read_rows` answers. */
interface Told {
  readonly born: string;
  readonly anew: boolean;
  readonly last: string;
  readonly more: boolean;
  readonly nowMs: number;
  readonly news: readonly Reply[];
  readonly read: readonly (readonly Reply[] | null)[];
}

/** Items read by id, and how the partition's copy stands after. */
interface ReadReply {
  readonly items: readonly (ReadItem | undefined)[];
  /** Whether the copy is other than it was. */
  readonly changed: boolean;
}

/**
 * The driver for servers without any search: vectors lie in Redis in 8 bits, and each process compares with a copy of the partition
 * in its own memory, exactly. A search finds in the copy, then reads the items from Redis together with what changed since: what
 * changed is put into the copy and the search is done again. So nothing is served that is gone, and what was stored before a search
 * began is found by it. Nothing changed: one round trip.
 */
export function localDriver<S extends AttributeSchema>(
  redis: ScopedRedis,
  options: ResolvedVectorsOptions<S>,
): VectorDriver {
  const { name, contract, dimensions, metric, timeoutMs, mirrorMax } = options;
  const mirrors = mirrorsOf(redis);
  const shape = { dimensions, metric, rowsMax: mirrorMax };

  function keysOf(namespace: string) {
    const start = `${keyTag(redis, [namespace])}:vectors:${encodeKeyPart("name", name)}:local`;
    return {
      items: `${start}:items`,
      rows: `${start}:rows`,
      due: `${start}:due`,
      changes: `${start}:changes`,
      gone: `${start}:gone`,
      meta: `${start}:meta`,
    };
  }

  const toGiven = ({ id, vector, attributes, record, ttlMs }: StoredItem) =>
    [id, encodeRow(vector, attributes), record, ttlMs] as const;

  async function readSome(
    namespace: string,
    ids: readonly string[],
    { mirror, withVectors }: { readonly mirror?: Mirror | undefined; readonly withVectors: boolean },
  ): Promise<ReadReply> {
    const { gone: _, ...keys } = keysOf(namespace);
    let items: ReadReply["items"] = [];
    let changed = false;
    // Many changes come in pages; the items come with the first.
    for (let asked = ids, more = true; more; asked = []) {
      const values = {
        agreed: mirror === undefined ? "" : contract,
        born: mirror?.born ?? "",
        since: mirror?.since ?? "0",
        count: mirror === undefined ? 0 : CHANGES_A_TRIP,
        room: mirrorMax,
        vectors: withVectors ? 1 : 0,
        ids: asked,
      };
      const reply = await runScript(redis, readRows, keys, values, { timeoutMs, reply: "bytes" });
      refuseOther(reply, contract);
      const told = toTold(reply);
      if (mirror !== undefined && follow(mirror, values, told)) changed = true;
      if (asked === ids) items = told.read.map(toReadItem);
      more = told.more && mirror !== undefined;
    }
    return { items, changed };
  }

  function toReadItem(row: readonly Reply[] | null): ReadItem | undefined {
    if (row === null) return undefined;
    const [record, left, kept] = row;
    const vector = Buffer.isBuffer(kept) ? decodeRow(kept, dimensions) : undefined;
    return { record: record as Buffer, ttlMs: Number(String(left)), vector: vector && unround(vector) };
  }

  /** Brings a copy up to what a reply told, unless another reply did so meanwhile. Answers whether anything is other than it was. */
  function follow(mirror: Mirror, asked: Pick<Mirror, "born" | "since">, told: Told): boolean {
    if (mirror.born !== asked.born || mirror.since !== asked.since) return true;
    const begins = told.anew || told.born !== mirror.born;
    if (begins) mirror.copy.clear();
    [mirror.born, mirror.since] = [told.born, told.born === "" ? "0" : told.last];
    // A hair behind the server's clock, by the way of the answer: what has not ended is never passed over.
    mirror.behindMs = Date.now() - told.nowMs;
    for (let at = 0; at < told.news.length; at += 3) {
      const id = String(told.news[at]);
      const bytes = told.news[at + 1];
      const row = Buffer.isBuffer(bytes) ? decodeRow(bytes, dimensions) : undefined;
      if (row === undefined) mirror.copy.remove(id);
      else mirror.copy.put(id, row, Number(String(told.news[at + 2] ?? 0)));
    }
    return told.news.length > 0 || told.born !== asked.born;
  }

  return {
    async upsert(namespace, items) {
      const values = { agreed: contract, sweep: SWEEP, given: items.flatMap(toGiven) };
      const reply = await runScript(redis, upsertRows, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply, contract);
      // Found here without asking anew; the changes that are told later say the same, or what came after.
      const mirror = mirrors.find(keysOf(namespace).meta, shape);
      for (const { id, vector, attributes, ttlMs } of mirror === undefined ? [] : items)
        mirror?.copy.put(id, { ...round(vector), attributes }, ttlMs === 0 ? 0 : Date.now() - mirror.behindMs + ttlMs);
      return Number(reply);
    },

    async put(namespace, item, before) {
      const values = { agreed: contract, before: before ?? "", given: toGiven(item) };
      const reply = await runScript(redis, putRow, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply, contract);
      return reply === 1;
    },

    async search(namespace, { vector, limit, filter, withVectors, whileChecking }) {
      const allows = filter && ((attributes: Row["attributes"]) => matches(filter, attributes));
      return mirrors.use(keysOf(namespace).meta, shape, async (mirror) => {
        for (let tries = 1; ; tries += 1) {
          const near = await findIn(mirror);
          const ids = near.map(({ id }) => id);
          const reading = readSome(namespace, ids, { mirror, withVectors });
          whileChecking?.(near.slice(0, limit));
          const { items, changed } = await reading;
          const again = changed && tries < TRIES_MAX ? await findIn(mirror) : near;
          // What changed may be far from here: what was read is then still what is near.
          if (again.some(({ id }, at) => id !== ids[at]) || again.length !== near.length) continue;
          return again
            .flatMap(({ id, similarity }, at): FoundItem[] => {
              const item = items[at];
              return item === undefined ? [] : [{ id, similarity, record: item.record, vector: item.vector }];
            })
            .slice(0, limit);
        }
      });

      async function findIn(mirror: Mirror): Promise<readonly Near[]> {
        for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
          const nowMs = Date.now() - mirror.behindMs;
          const near = await mirror.copy.search({ vector, limit: limit + SPARE, allows, nowMs });
          // Begun anew meanwhile: compared once more.
          if (near !== undefined) return near;
        }
        return [];
      }
    },

    searchWords: async () => undefined,

    async read(namespace, ids, withVectors) {
      const batches = Array.from({ length: Math.ceil(ids.length / READ_BATCH) }, (_, at) =>
        ids.slice(at * READ_BATCH, (at + 1) * READ_BATCH),
      );
      const read = await Promise.all(batches.map((batch) => readSome(namespace, batch, { withVectors })));
      return read.flatMap(({ items }) => items);
    },

    async replace(namespace, { id, attributes, record }, before) {
      const values = { id, before, head: headOf(dimensions), attributes: JSON.stringify(attributes), record };
      return (await runScript(redis, replaceRow, keysOf(namespace), values, { timeoutMs })) === 1;
    },

    async delete(namespace, ids) {
      return Number(await runScript(redis, deleteRows, keysOf(namespace), { ids }, { timeoutMs }));
    },

    async page(namespace, cursor, size) {
      // Ids that are gone may be among them; reading tells. Redis 7.0 cannot list a hash without its values.
      const command = ["ZSCAN", keysOf(namespace).changes, cursor, "COUNT", String(size)];
      const [next, flat] = (await redis.send(command, { timeoutMs, retry: "safe" })) as [string, string[]];
      return { cursor: next, ids: flat.filter((_, at) => at % 2 === 0) };
    },

    async size(namespace) {
      const { items: records, rows, due } = keysOf(namespace);
      const reply = await runScript(redis, countRows, { items: records, rows, due }, {}, { timeoutMs });
      const [items = 0, indexed = 0, indexBytes = 0, recordBytes = 0] = reply as number[];
      return { items, indexed, indexBytes, recordBytes };
    },

    async drop(namespace) {
      await redis.send(["UNLINK", ...Object.values(keysOf(namespace))], { timeoutMs, retry: "safe" });
    },
  };
}

function toTold(reply: Reply): Told {
  const [born, anew, last, more, now, news, read] = reply as readonly Reply[];
  return {
    born: String(born),
    anew: anew === 1,
    last: String(last),
    more: more === 1,
    nowMs: Number(String(now)),
    news: news as readonly Reply[],
    read: read as Told["read"],
  };
}
