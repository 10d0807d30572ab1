import { MarrowError } from "../errors.ts";
import { checkInteger, checkOneOf, checkText } from "../internal/check.ts";
import {
  allOf,
  decodeRecord,
  encodeRecord,
  readRecord,
  runScript,
  type ScopedRedis,
  type Unreadable,
} from "../redis/index.ts";
import { listRecords, putRecord, removeRecord } from "./scripts.gen.ts";

/** Options for listing records. */
export interface PageOptions {
  /** Id after which the page begins. */
  readonly after?: string | undefined;
  /** Id before which the page ends. */
  readonly before?: string | undefined;
  /** 1 to 100. @default 20 */
  readonly limit?: number | undefined;
  /** @default "desc", the newest first */
  readonly order?: "asc" | "desc" | undefined;
}

/** A page of records. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly hasMore: boolean;
  /** Records in the range that cannot be read, and why. Absent without any. */
  readonly unreadable?: readonly UnreadableRecord[] | undefined;
}

/** A record that cannot be read. */
export interface UnreadableRecord {
  readonly id: string;
  readonly code: Unreadable;
}

/** Records of one kind in order of creation, each under an id. All in one slot; every change is one script. */
export interface Shelf<T extends { readonly id: string }, L extends string = never> {
  /** Adds a record. @throws MarrowError `conflict` if the id exists, `too_large` if the list is full */
  add(record: T): Promise<void>;
  get(id: string): Promise<T | undefined>;
  /** Returns many records in one round trip. */
  getMany(ids: readonly string[]): Promise<readonly (T | undefined)[]>;
  /** Changes the current record; `undefined` if there is none. @throws MarrowError `conflict` under constant concurrent changes */
  change(id: string, change: (record: T) => T): Promise<T | undefined>;
  remove(id: string): Promise<boolean>;
  /**
   * Lists a page of records for which `where` holds, optionally of one label. One round trip; with `where` one per 100 records read.
   * @throws MarrowError `not_found` for an unknown cursor
   */
  list(
    options?: PageOptions & { readonly label?: string | undefined; readonly where?: (record: T) => boolean },
  ): Promise<Page<T>>;
  /** Returns the number of records per label and the total weight. */
  sums(): Promise<{ readonly counts: Readonly<Record<L, number>>; readonly weight: number }>;
  /** Deletes all records. */
  clear(): Promise<void>;
}

/** Configuration of a record list. */
export interface ShelfOptions<T, L extends string> {
  /** Start of its keys, with the hash tag. */
  readonly prefix: string;
  /** Most records. */
  readonly room: number;
  readonly labels?: readonly L[];
  readonly labelOf?: (record: T) => L;
  readonly weightOf?: (record: T) => number;
}

const TRIES = 16;
/** Records that one script reads. */
const PAGE_MAX = 100;

/** Makes a handle on a record list. */
export function createShelf<T extends { readonly id: string }, L extends string = never>(
  redis: ScopedRedis,
  { prefix, room, labels = [], labelOf, weightOf }: ShelfOptions<T, L>,
): Shelf<T, L> {
  const keys = {
    records: `${prefix}:records`,
    order: `${prefix}:order`,
    weights: `${prefix}:weights`,
    labels: labels.map((label) => `${prefix}:order:${label}`),
  };

  async function read(id: string): Promise<Buffer | null> {
    return (await redis.send(["HGET", keys.records, id], { reply: "bytes" })) as Buffer | null;
  }

  async function put(record: T, before: Buffer | string): Promise<boolean> {
    const values = {
      id: record.id,
      before,
      record: encodeRecord(record),
      label: labelOf === undefined ? 0 : labels.indexOf(labelOf(record)) + 1,
      weight: weightOf?.(record) ?? 0,
      room,
    };
    const reply = await runScript(redis, putRecord, keys, values);
    if (reply === -1) throw new MarrowError("too_large", `at most ${room} of these may exist`, { details: { room } });
    return reply === 1;
  }

  /** A page of all records. */
  async function page(
    { after, before, limit = 20, order = "desc" }: PageOptions,
    listed: string,
  ): Promise<Page<T> & { readonly ids: readonly string[] }> {
    const values = {
      after: after === undefined ? "" : checkText("after", after, 256, "invalid_input"),
      before: before === undefined ? "" : checkText("before", before, 256, "invalid_input"),
      limit: checkInteger("limit", limit, { min: 1, max: PAGE_MAX }, "invalid_input"),
      newest_first: checkOneOf("order", order, ["asc", "desc"], "invalid_input") === "desc" ? 1 : 0,
    };
    const scriptKeys = { records: keys.records, order: listed };
    const reply = await runScript(redis, listRecords, scriptKeys, values, { reply: "bytes" });
    if (!Array.isArray(reply))
      throw new MarrowError("not_found", "the cursor does not belong to this list", {
        details: { path: values.after === "" ? "before" : "after" },
      });
    const [more, ...fields] = reply as [number, ...Buffer[]];
    const [data, unreadable]: [T[], UnreadableRecord[]] = [[], []];
    const ids: string[] = [];
    for (let at = 0; at < fields.length; at += 2) {
      const [id, found] = [String(fields[at]), readRecord(fields[at + 1] as Buffer)];
      ids.push(id);
      if (found.unreadable === undefined) data.push(found.value as T);
      else unreadable.push({ id, code: found.unreadable });
    }
    return { data, hasMore: more === 1, ids, ...(unreadable.length > 0 && { unreadable }) };
  }

  const list: Shelf<T, L>["list"] = async ({ label, where, ...options } = {}) => {
    const listed =
      label === undefined ? keys.order : `${prefix}:order:${checkOneOf("filter", label, labels, "invalid_input")}`;
    const { limit = 20 } = options;
    if (where === undefined) {
      const { ids: _, ...found } = await page(options, listed);
      // A page with only unreadable records would end a client's paging, so continue as with a condition.
      if (found.data.length > 0 || !found.hasMore) return found;
    }
    const wanted = where ?? (() => true);
    checkInteger("limit", limit, { min: 1, max: PAGE_MAX }, "invalid_input");
    // A page before something is the one that touches it: it is filled from its end.
    const backwards = options.before !== undefined && options.after === undefined;
    let [data, next]: [T[], PageOptions] = [[], options];
    const lost: UnreadableRecord[] = [];
    // The owner of an unreadable record is unknown, so a caller with a filter does not see it.
    const named = () => (lost.length > 0 && where === undefined ? { unreadable: lost } : {});
    for (let looked = 0; looked <= room; looked += PAGE_MAX) {
      const found = await page({ ...next, limit: PAGE_MAX }, listed);
      const kept = found.data.filter(wanted);
      lost.push(...(found.unreadable ?? []));
      data = backwards ? [...kept, ...data] : [...data, ...kept];
      if (data.length > limit)
        return { data: backwards ? data.slice(-limit) : data.slice(0, limit), hasMore: true, ...named() };
      const edge = found.ids.at(backwards ? 0 : -1);
      if (!found.hasMore || edge === undefined) return { data, hasMore: false, ...named() };
      next = { ...options, [backwards ? "before" : "after"]: edge };
    }
    return { data, hasMore: false, ...named() };
  };

  return {
    async add(record) {
      if (!(await put(record, "")))
        throw new MarrowError("conflict", "a record with this id already exists", { details: { path: "id" } });
    },

    async get(id) {
      const record = await read(id);
      return record === null ? undefined : (decodeRecord(record) as T);
    },

    async getMany(ids) {
      if (ids.length === 0) return [];
      const found = await redis.send(["HMGET", keys.records, ...ids], { reply: "bytes" });
      return (found as readonly (Buffer | null)[]).map((record) =>
        record === null ? undefined : (decodeRecord(record) as T),
      );
    },

    async change(id, change) {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const before = await read(id);
        if (before === null) return undefined;
        const changed = change(decodeRecord(before) as T);
        if (await put(changed, before)) return changed;
      }
      throw new MarrowError("conflict", "concurrent changes to the record kept conflicting with this one", {
        details: { tries: TRIES },
      });
    },

    async remove(id) {
      return (await runScript(redis, removeRecord, keys, { id })) === 1;
    },

    list,

    async sums() {
      const commands = [["HGET", keys.weights, ""], ...keys.labels.map((key) => ["ZCARD", key])];
      const [weight, ...counts] = allOf(await redis.pipeline(commands));
      return {
        weight: Number(weight ?? 0),
        counts: Object.fromEntries(labels.map((label, at) => [label, Number(counts[at])])) as Record<L, number>,
      };
    },

    async clear() {
      await redis.send(["UNLINK", keys.records, keys.order, keys.weights, ...keys.labels], { retry: "safe" });
    },
  };
}
