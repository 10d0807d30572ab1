import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { type Reply, type ScopedRedis } from "../redis/index.ts";
import { toAlias } from "./alias.ts";
import { toEpoch, type StoredEntry } from "./entry.ts";
import type { Entries } from "./entries.ts";
import type { CacheKeys } from "./keys.ts";
import type { Sealing } from "./sealing.ts";

/** A stored answer in a list. */
export interface EntryAbout<V> {
  readonly id: string;
  /** The question of the answer. */
  readonly prompt: string;
  readonly value: V;
  readonly storedAtMs: number;
  readonly endsAtMs: number;
  readonly tags: readonly string[];
}

/** The same with fields that are only read for a single entry. */
export interface EntryDetail<V> extends EntryAbout<V> {
  /** Other wordings of its question that the judge found the same. */
  readonly aliases: readonly string[];
  /** Number of hits; only known in a cache with bounds. */
  readonly hits: number | undefined;
}

/** Options for listing entries. */
export interface EntryQuery {
  /** Subject of the questions, as passed to `store`. */
  readonly subject: string;
  /** Words that the question must contain, all of them, in any letter case. @default any question */
  readonly words?: string | undefined;
  /** The `cursor` of the previous page. @default the first page */
  readonly after?: string | undefined;
  /** Most entries per page, 1 to 200. @default 25 */
  readonly limit?: number | undefined;
}

/** A page of entries, in no order. */
export interface EntryList<V> {
  readonly data: readonly EntryAbout<V>[];
  /** Cursor of the next page; absent on the last one. An empty page may have a next one. */
  readonly cursor?: string | undefined;
}

/** Reads entries for administration. */
export interface Listing<V> {
  /** Returns a page of a subject's entries. Searches for at most 150 ms. */
  entries(query: EntryQuery): Promise<EntryList<V>>;
  /** Returns one entry with its wordings; `undefined` if there is none or it must not be served any more. Three round trips. */
  entry(id: string): Promise<EntryDetail<V> | undefined>;
}

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly entries: Entries;
  readonly sealing: Sealing;
  readonly timeoutMs: number;
}

/** Longest search for one page, in milliseconds. */
const LOOK_MS = 150;
/** Entries that are read at once. */
const READ_AT_ONCE = 200;
const WORDS_CHARS_MAX = 256;
const WORDINGS_MAX = 100;
/** Where a page begins: at a cursor of Redis, behind an id of those that are there. */
const ENTRY_CURSOR = /^\d{1,20}(?:\.[\w-]{1,64})?$/;

/** Makes the listing of one cache's entries. */
export function createListing<V>({ redis, keys, entries, sealing, timeoutMs }: Parts): Listing<V> {
  const inBytes = { reply: "bytes", timeoutMs } as const;

  /** The ids at a cursor in their order, and the next cursor. */
  async function idsAt(subject: string, cursor: string): Promise<readonly [next: string, ids: readonly string[]]> {
    const command = ["SSCAN", keys.subject(subject), cursor, "COUNT", String(READ_AT_ONCE)];
    const [next, members] = (await redis.send(command, { timeoutMs })) as [string, string[]];
    return [next, [...new Set(members.map((one) => one.slice(0, one.indexOf("|"))))].toSorted()];
  }

  async function open(ids: readonly string[]): Promise<readonly (readonly [string, StoredEntry])[]> {
    if (ids.length === 0) return [];
    const reply = (await redis.send(
      ["MGET", keys.epoch, ...ids.map((id) => keys.body(id))],
      inBytes,
    )) as readonly Reply[];
    const [epoch, ...bodies] = reply as readonly (Buffer | null)[];
    const opened: (readonly [string, StoredEntry])[] = [];
    for (const [at, id] of ids.entries()) {
      const body = bodies[at];
      const entry = body === null || body === undefined ? undefined : await openSafely(body, id);
      if (entry !== undefined) opened.push([id, entry]);
    }
    const old = await Promise.all(opened.map(([, entry]) => entries.tooOld(entry, toEpoch(epoch ?? null), Infinity)));
    return opened.filter((_, at) => old[at] === undefined);
  }

  /** One that cannot be read is passed over: a list of the others is worth more than an error. */
  async function openSafely(body: Buffer, id: string): Promise<StoredEntry | undefined> {
    try {
      return await entries.open(body, id);
    } catch (error) {
      if (MarrowError.is(error, "corrupt_record") || MarrowError.is(error, "newer_record")) return undefined;
      throw error;
    }
  }

  return {
    async entries({ subject, words = "", after = "0", limit = 25 }) {
      const most = checkInteger("limit", limit, { min: 1, max: READ_AT_ONCE }, "invalid_input");
      if (!ENTRY_CURSOR.test(after)) refuse("after", "the cursor of a page", after, "invalid_input");
      if (words.length > WORDS_CHARS_MAX)
        refuse("words", `at most ${WORDS_CHARS_MAX} characters`, words, "invalid_input");
      const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
      const endMs = performance.now() + LOOK_MS;
      const data: EntryAbout<V>[] = [];
      let [cursor = "0", last = ""] = after.split(".");
      do {
        const [next, ids] = await idsAt(subject, cursor);
        // Redis gives more ids at a cursor than a page takes: the next page begins there again, behind the last id of this one.
        const left = ids.filter((id) => id > last);
        while (left.length > 0) {
          for (const [id, entry] of await open(left.splice(0, wanted.length > 0 ? READ_AT_ONCE : most - data.length))) {
            const text = entry.text.toLowerCase();
            if (!wanted.every((word) => text.includes(word))) continue;
            if (data.push(toAbout(id, entry)) === most && (id !== ids.at(-1) || next !== "0"))
              return { data, cursor: id === ids.at(-1) ? next : `${cursor}.${id}` };
          }
        }
        [cursor, last] = [next, ""];
      } while (cursor !== "0" && data.length < most && performance.now() < endMs);
      return { data, ...(cursor !== "0" && { cursor }) };
    },

    async entry(id) {
      const found = await entries.read(id);
      if (found === undefined) return undefined;
      const [wordings, stock] = await Promise.all([
        redis.send(["SMEMBERS", `${keys.aliases}of:${id}`], { timeoutMs }),
        redis.send(["HGET", keys.stock.stock, id], { timeoutMs }),
      ]);
      const known = (wordings as readonly string[]).slice(0, WORDINGS_MAX);
      const records =
        known.length === 0
          ? []
          : ((await redis.send(
              ["MGET", ...known.map((wording) => keys.alias(wording))],
              inBytes,
            )) as readonly (Buffer | null)[]);
      const aliases = records.flatMap((record, at) => {
        const alias = record === null ? undefined : toAlias(record, known[at] as string, found.body, sealing);
        return alias === undefined ? [] : [alias.text];
      });
      const hits = stock === null ? undefined : Number(String(stock).split(":")[2]);
      return { ...toAbout<V>(id, found.entry), aliases, hits };
    },
  };
}

function toAbout<V>(id: string, { text, value, storedAtMs, endsAtMs, tags = [] }: StoredEntry): EntryAbout<V> {
  return { id, prompt: text, value: value as V, storedAtMs, endsAtMs, tags };
}
