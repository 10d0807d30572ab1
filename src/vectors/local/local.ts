import { ownTurn } from "../../internal/time-slice.ts";
import { encodeKeyPart, keyTag, readRecord, runScript, type Reply, type ScopedRedis } from "../../redis/index.ts";
import { refuseOther } from "../contract.ts";
import type { ReadItem, StoredItem, VectorDriver } from "../driver.ts";
import { matches } from "../filter.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "../options.ts";
import { countRows, deleteRows, putRow, readRows, replaceRow, upsertRows } from "../scripts.gen.ts";
import { evictedMax, type Near } from "./copy.ts";
import { mirrorsOf, NOWHERE, restart, type Mirror, type Place } from "./mirrors.ts";
import { decodeRow, encodeRow, headOf, round, unround, type Row } from "./row.ts";
import { settle } from "./settle.ts";

/** Ended items taken out by one upsert at most. */
const SWEEP = 16;
/** More candidates than asked for, in place of those that end or are deleted while they are looked up: at the first try, and at most. */
const SPARE = { first: 8, growth: 4, most: 512 } as const;
/** Changes that one round trip brings at most. */
const CHANGES_A_TRIP = 512;
/** Longest wait in line for reading a copy, in times of the timeout of a command: others read many pages before. */
const LINE_TIMEOUTS = 4;
/** Rows of a reply that are read in a turn of the event loop of their own. */
const ROWS_AT_ONCE = 64;
/** Most repetitions of a search whose data changed while it was verified; then the latest result is returned. */
const TRIES_MAX = 6;
/** Round trips that bring a copy up to date at most: more come only where others change it all the time. */
const TRIPS_MAX = 10_000;
/** Items that one script reads. */
const READ_BATCH = 512;

/** Reply of `read_rows`. */
interface Told {
  readonly born: string;
  readonly anew: boolean;
  /** Number of the last change that is in this reply. */
  readonly last: string;
  /** Number of the newest change, and its mark. */
  readonly head: string;
  readonly mark: string;
  readonly more: boolean;
  readonly nowMs: number;
  /** Items in Redis that have not expired. */
  readonly live: number;
  readonly news: readonly Reply[];
  readonly read: readonly (readonly Reply[] | null)[];
}

/** Items read by id, as they were when the copy of their partition was as it is now. */
interface CaughtUp {
  /** Does not contain items that changed after they were read. */
  readonly read: ReadonlyMap<string, ReadItem | undefined>;
  /** Whether the copy is other than it was. */
  readonly changed: boolean;
  /** The server's time when they were read. */
  readonly nowMs: number;
}

/**
 * Driver for servers without vector search. Redis stores vectors in 8 bits, and each process compares exactly with a copy of the partition
 * in its own memory.
 *
 * A search finds items in the copy, then reads them from Redis together with the changes since the last read. If there are any, it updates
 * the copy and searches again. So it never returns a deleted item, and finds every item stored before it began. Without changes it takes
 * one round trip.
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
      marks: `${start}:marks`,
    };
  }

  const toGiven = ({ id, vector, attributes, record, ttlMs }: StoredItem) =>
    [id, encodeRow(vector, attributes), record, ttlMs] as const;

  const trip = async (namespace: string, ids: readonly string[], withVectors: boolean, place?: Place) => {
    const values = {
      agreed: place === undefined ? "" : contract,
      ...(place ?? NOWHERE),
      count: place === undefined ? 0 : CHANGES_A_TRIP,
      room: mirrorMax + evictedMax(mirrorMax),
      vectors: withVectors ? 1 : 0,
      ids,
    };
    const reply = await runScript(redis, readRows, keysOf(namespace), values, { timeoutMs, reply: "bytes" });
    refuseOther(reply, contract);
    return toTold(reply);
  };

  /**
   * Reads items and brings a copy up to the same moment. Many changes come in pages; the items come with the first. `undefined` if there is
   * no memory for the copy, which is empty then.
   */
  async function catchUp(
    namespace: string,
    mirror: Mirror,
    ids: readonly string[],
    withVectors: boolean,
  ): Promise<CaughtUp | undefined> {
    let leave: (() => void) | undefined;
    // What is read from the start, or in pages, waits in line: hundreds of copies at once would hold the event loop together.
    const lineUp = (trips: number) =>
      leave === undefined && (trips > 0 || mirror.place.born === "")
        ? mirrors.loading
            .take(1, LINE_TIMEOUTS * timeoutMs, { owner: redis.scope })
            .then((given) => void (leave = given))
        : undefined;
    try {
      return await readAlong(namespace, mirror, { ids, withVectors, lineUp });
    } finally {
      leave?.();
    }
  }

  async function readAlong(
    namespace: string,
    mirror: Mirror,
    {
      ids,
      withVectors,
      lineUp,
    }: {
      readonly ids: readonly string[];
      readonly withVectors: boolean;
      readonly lineUp: (trips: number) => Promise<void> | undefined;
    },
  ): Promise<CaughtUp | undefined> {
    const read = new Map<string, ReadItem | undefined>();
    let changed = false;
    let began = false;
    let nowMs = 0;
    for (let trips = 0; trips < TRIPS_MAX; trips += 1) {
      const turn = lineUp(trips);
      if (turn !== undefined) await turn;
      const { place } = mirror;
      const told = await trip(namespace, trips === 0 ? ids : [], withVectors, place);
      // Replies that come together are read in turns of the event loop.
      if (told.news.length >= 3 * ROWS_AT_ONCE) await ownTurn();
      const wanted = Math.min(mirrorMax, told.live);
      mirrors.checkFits(shape, wanted);
      if (trips === 0) {
        ids.forEach((id, at) => read.set(id, toReadItem(told.read[at] ?? null)));
        nowMs = told.nowMs;
      } else {
        if (told.anew) read.clear();
        for (let at = 0; at < told.news.length; at += 3) read.delete(String(told.news[at]));
      }
      if (mirror.place === place) {
        const followed = follow(mirror, told);
        if (followed === "full") return undefined;
        if (followed === "changed") changed = true;
        if (told.more) continue;
      } else {
        // Another search updated the copy meanwhile; this reply may be older or newer.
        changed = true;
        const follows = mirror.place.born === told.born && Number(mirror.place.since) >= Number(told.head);
        if (!follows) continue;
        if (told.nowMs <= mirror.comparedMs) break;
        mirror.copy.tidy(told.nowMs);
      }
      mirror.comparedMs = told.nowMs;
      // Items that had been too old for the copy are among the newest, because newer ones are no more.
      if (mirror.copy.size >= wanted || began) break;
      began = true;
      mirror.place = NOWHERE;
    }
    return { read, changed, nowMs };
  }

  function toReadItem(row: readonly Reply[] | null): ReadItem | undefined {
    if (row === null) return undefined;
    const [record, left, kept] = row;
    const vector = Buffer.isBuffer(kept) ? decodeRow(kept, dimensions) : undefined;
    return { record: record as Buffer, ttlMs: Number(String(left)), vector: vector && unround(vector) };
  }

  /** Updates a copy from a reply. Returns whether anything changed, or that there was no memory for a row. */
  function follow(mirror: Mirror, { born, anew, last, head, mark, news, nowMs }: Told): "same" | "changed" | "full" {
    const { place } = mirror;
    const begins = anew || born !== place.born;
    if (begins) mirror.copy.clear();
    // Slightly behind the server's clock, by the reply's delay, so that unexpired items are never skipped.
    mirror.behindMs = performance.now() - nowMs;
    for (let at = 0; at < news.length; at += 3) {
      const id = String(news[at]);
      const bytes = news[at + 1];
      if (!Buffer.isBuffer(bytes)) mirror.copy.remove(id);
      else if (!mirror.copy.put(id, decodeRow(bytes, dimensions), Number(String(news[at + 2] ?? 0)))) {
        restart(mirror);
        return "full";
      }
    }
    const returned = mirror.copy.tidy(nowMs);
    if (born === "") mirror.place = NOWHERE;
    else if (begins || last !== place.since || head !== place.head)
      mirror.place = { born, since: last, base: begins ? head : place.base, head, mark };
    return news.length > 0 || begins || returned ? "changed" : "same";
  }

  return {
    async upsert(namespace, items) {
      const values = { agreed: contract, sweep: SWEEP, given: items.flatMap(toGiven) };
      const reply = await runScript(redis, upsertRows, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply, contract);
      const [stored, swept, before, markBefore, last, mark, now] = (reply as readonly Reply[]).map(String);
      // A copy that was up to date before gets these rows directly; any other gets them with its next read.
      if (swept === "0" && last !== undefined && mark !== undefined)
        mirrors.change(keysOf(namespace).meta, shape, (mirror) => {
          const { place } = mirror;
          if (place.since !== before || place.head !== before || place.mark !== markBefore) return true;
          mirror.place = { ...place, since: last, head: last, mark };
          return items.every(({ id, vector, attributes, ttlMs }) =>
            mirror.copy.put(id, { ...round(vector), attributes }, ttlMs === 0 ? 0 : Number(now) + ttlMs),
          );
        });
      return Number(stored);
    },

    async put(namespace, item, before) {
      const values = { agreed: contract, before: before ?? "", given: toGiven(item) };
      const reply = await runScript(redis, putRow, keysOf(namespace), values, { timeoutMs });
      refuseOther(reply, contract);
      return reply === 1;
    },

    async search(namespace, { vector, limit, filter, withVectors, whileChecking }) {
      const allows = filter && ((attributes: Row["attributes"]) => matches(filter, attributes));
      const allowsItem = ({ record }: ReadItem) => allows === undefined || allowsRecord(record, allows);
      return mirrors.use(keysOf(namespace).meta, shape, timeoutMs, async (mirror) => {
        /** Lower bound of the server's time; items that had expired at the read are skipped from then on. */
        let sinceMs = 0;
        const findIn = (room: number, nowMs: number) =>
          mirror.copy.search({ vector, limit: room, allows, nowMs }).then((near) => near && { near, nowMs });
        for (
          let tries = 1, spare: number = SPARE.first;
          ;
          tries += 1, spare = Math.min(SPARE.most, spare * SPARE.growth)
        ) {
          const room = limit + spare;
          const before = await findIn(room, Math.max(sinceMs, performance.now() - mirror.behindMs));
          const near = before?.near ?? [];
          const checked = near.slice(0, limit);
          const reading = catchUp(
            namespace,
            mirror,
            near.map(({ id }) => id),
            withVectors,
          );
          whileChecking?.(checked);
          const caught = await reading;
          if (caught === undefined) return undefined;
          const { read, changed, nowMs } = caught;
          sinceMs = nowMs;
          // At the time of the reading: what has expired since may have others in its place, which the copy lacks. And a server's clock that
          // went back had items passed over that have not ended.
          const after = changed || before === undefined || before.nowMs > nowMs ? await findIn(room, nowMs) : before;
          const { found, complete } = settle({ near: after?.near ?? [], room, limit, read, allows: allowsItem });
          const told = whileChecking === undefined || found.every((one) => isAmong(checked, one));
          if (after === undefined) {
            // The copy was emptied while it was searched.
            if (tries >= TRIES_MAX) return undefined;
          } else if ((complete && told) || tries >= TRIES_MAX) return found;
        }
      });
    },

    searchWords: async () => undefined,

    async read(namespace, ids, withVectors) {
      const batches = Array.from({ length: Math.ceil(ids.length / READ_BATCH) }, (_, at) =>
        ids.slice(at * READ_BATCH, (at + 1) * READ_BATCH),
      );
      const told = await Promise.all(batches.map((batch) => trip(namespace, batch, withVectors)));
      return told.flatMap(({ read }) => read.map(toReadItem));
    },

    async replace(namespace, { id, attributes, record }, before) {
      const values = { id, before, head: headOf(dimensions), attributes: JSON.stringify(attributes), record };
      return (await runScript(redis, replaceRow, keysOf(namespace), values, { timeoutMs })) === 1;
    },

    async delete(namespace, ids) {
      return Number(await runScript(redis, deleteRows, keysOf(namespace), { ids }, { timeoutMs }));
    },

    async page(namespace, cursor, size) {
      // May include deleted ids; reading them shows. Redis 7.0 cannot list a hash without its values.
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
  const [born, anew, last, head, mark, more, now, live, news, read] = reply as readonly Reply[];
  return {
    born: String(born),
    anew: anew === 1,
    last: String(last),
    head: String(head),
    mark: String(mark),
    more: more === 1,
    nowMs: Number(String(now)),
    live: Number(live),
    news: news as readonly Reply[],
    read: read as Told["read"],
  };
}

/** Checks whether a filter allows a record. An unreadable one is left to the reader of the whole item. */
function allowsRecord(record: Buffer, allows: (attributes: Row["attributes"]) => boolean): boolean {
  const read = readRecord(record);
  if (read.unreadable !== undefined) return true;
  return allows((read.value as { readonly attributes?: Row["attributes"] }).attributes ?? {});
}

const isAmong = (near: readonly Near[], { id, similarity }: Near) =>
  near.some((one) => one.id === id && one.similarity === similarity);
