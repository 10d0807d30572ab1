import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { type Reply, type ScopedRedis } from "../redis/index.ts";
import { toAlias } from "./alias.ts";
import { toEpoch, type StoredEntry } from "./entry.ts";
import type { Entries } from "./entries.ts";
import type { CacheKeys } from "./keys.ts";
import type { Sealing } from "./sealing.ts";

/** A stored answer as a list tells of it. */
export interface EntryAbout<V> {
  readonly id: string;
  /** The question that it answered. */
  readonly prompt: string;
  readonly value: V;
  readonly storedAtMs: number;
  readonly endsAtMs: number;
  readonly tags: readonly string[];
}

/** The same with what only a look at one costs. */
export interface EntryDetail<V> extends EntryAbout<V> {
  /** Other wordings of its question that a judge called the same. */
  readonly aliases: readonly string[];
  /** How often it was served; known in a cache with bounds alone. */
  readonly hits: number | undefined;
}

/** Which entries are listed. */
export interface EntryQuery {
  /** Whose questions they answered, as `store` was told. */
  readonly subject: string;
  /** Words that all stand in the question, in any case. @default any question */
  readonly words?: string | undefined;
  /** The `cursor` of the page before. @default the first page */
  readonly after?: string | undefined;
  /** Enough for a page; it may hold some more. 1 to 200. @default 25 */
  readonly limit?: number | undefined;
}

/** A page of entries, in no order. */
export interface EntryList<V> {
  readonly data: readonly EntryAbout<V>[];
  /** Where the next page begins; absent on the last one. A page may be empty and have a next one. */
  readonly cursor?: string | undefined;
}

/** Reads entries for people, not for requests. */
export interface Listing<V> {
  /** A page of a subject's entries. It looks on for at most 150 ms. */
  entries(query: EntryQuery): Promise<EntryList<V>>;
  /** One entry with its wordings; `undefined` where there is none, or it must not serve any more. Three round trips. */
  entry(id: string): Promise<EntryDetail<V> | undefined>;
}

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly entries: Entries;
  readonly sealing: Sealing;
  readonly timeoutMs: number;
}

/** How long one page looks for what was asked. */
const LOOK_MS = 150;
/** Entries that are read at once. */
const READ_AT_ONCE = 200;
const WORDS_CHARS_MAX = 256;
const WORDINGS_MAX = 100;

/** Makes what lists the entries of one cache. */
export function createListing<V>({ redis, keys, entries, sealing, timeoutMs }: Parts): Listing<V> {
  const inBytes = { reply: "bytes", timeoutMs } as const;

  /** The ids at a cursor, and the next one. */
  async function idsAt(subject: string, cursor: string): Promise<readonly [next: string, ids: readonly string[]]> {
    const command = ["SSCAN", keys.subject(subject), cursor, "COUNT", String(READ_AT_ONCE)];
    const [next, members] = (await redis.send(command, { timeoutMs })) as [string, string[]];
    return [next, members.map((one) => one.slice(0, one.indexOf("|")))];
  }

  async function open(ids: readonly string[]): Promise<readonly (readonly [string, StoredEntry])[]> {
    if (ids.length === 0) return [];
    const reply = (await redis.send(
      ["MGET", keys.epoch, ...ids.map((id) => keys.body(id))],
      inBytes,
    )) as readonly Reply[];
    const [epoch, ...bodies] = reply as readonly (Buffer | null)[];
    const opened = ids.flatMap((id, at) => {
      const body = bodies[at];
      const entry = body === null || body === undefined ? undefined : openSafely(body, id);
      return entry === undefined ? [] : [[id, entry] as const];
    });
    const old = await Promise.all(opened.map(([, entry]) => entries.tooOld(entry, toEpoch(epoch ?? null), Infinity)));
    return opened.filter((_, at) => old[at] === undefined);
  }

  /** One that cannot be read is passed over: a list of the others is worth more than an error. */
  function openSafely(body: Buffer, id: string): StoredEntry | undefined {
    try {
      return entries.open(body, id);
    } catch (error) {
      if (MarrowError.is(error, "corrupt_record") || MarrowError.is(error, "newer_record")) return undefined;
      throw error;
    }
  }

  return {
    async entries({ subject, words = "", after = "0", limit = 25 }) {
      const most = checkInteger("limit", limit, { min: 1, max: READ_AT_ONCE }, "invalid_input");
      if (!/^\d{1,20}$/.test(after)) refuse("after", "the cursor of a page", after, "invalid_input");
      if (words.length > WORDS_CHARS_MAX)
        refuse("words", `at most ${WORDS_CHARS_MAX} characters`, words, "invalid_input");
      const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
      const endMs = performance.now() + LOOK_MS;
      const data: EntryAbout<V>[] = [];
      let cursor = after;
      do {
        const [next, ids] = await idsAt(subject, cursor);
        cursor = next;
        for (let at = 0; at < ids.length; at += READ_AT_ONCE)
          for (const [id, entry] of await open(ids.slice(at, at + READ_AT_ONCE))) {
            const text = entry.text.toLowerCase();
            if (wanted.every((word) => text.includes(word))) data.push(toAbout(id, entry));
          }
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
