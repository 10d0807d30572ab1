import { MarrowError } from "../errors.ts";
import { runScript, type Reply, type ScopedRedis } from "../redis/index.ts";
import { entryOf, toAlias } from "./alias.ts";
import { toEntry, toEpoch, type Entry, type Epoch, type StoredEntry } from "./entry.ts";
import type { Refusal } from "./judge.ts";
import type { CacheKeys } from "./keys.ts";
import type { Fingerprint } from "./question.ts";
import { findEntry } from "./scripts.gen.ts";
import { UNSEALED, type Sealing } from "./sealing.ts";

/** Result of reading the exact key of a question. */
export interface Found {
  readonly epoch: Epoch;
  /** Id of the entry; differs from the question's id if the question is an alias. */
  readonly id: string;
  /** Absent if there is no entry, or it cannot be decrypted (`unsealed`). */
  readonly entry?: StoredEntry | undefined;
  readonly unsealed: boolean;
}

/** An entry that may be served, with its stored body. */
export interface Opened {
  readonly entry: StoredEntry;
  readonly body: Buffer;
}

/** Reads the entries of one cache. */
export interface Entries {
  /** Decrypts an entry, a large one in turns; `undefined` if it was not sealed with the scope's key. */
  open(body: Buffer, id: string): StoredEntry | undefined | Promise<StoredEntry | undefined>;
  /** Returns why an entry must not be served any more. One round trip for an entry with tags after an invalidation. */
  tooOld(entry: StoredEntry, epoch: Epoch, maxAgeMs: number): Promise<Refusal | undefined>;
  /** Finds the entry under a question's exact key, optionally by an alias. One round trip. */
  find(question: Fingerprint): Promise<Found>;
  /** Reads an entry that may be served by its id. One round trip. */
  read(id: string): Promise<Opened | undefined>;
}

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly sealing: Sealing;
  readonly timeoutMs: number;
  readonly staleMs: number;
  /** Whether exact keys may be aliases. */
  readonly aliases: boolean;
  readonly now: Clock;
}

/** Returns the time in milliseconds since 1970. */
export type Clock = () => number;

/** Whether a reply has two values of strings, or three, in bytes. */

/** Opens the entries of one cache for reading. */
export function createEntries({ redis, keys, sealing, timeoutMs, staleMs, aliases, now }: Parts): Entries {
  function open(body: Buffer, id: string): ReturnType<Entries["open"]> {
    try {
      const entry = toEntry(body, id, sealing);
      return entry instanceof Promise ? entry.catch(unlessSealed) : entry;
    } catch (error) {
      return unlessSealed(error);
    }
  }

  function unlessSealed(error: unknown): undefined {
    if (sealing === UNSEALED || !MarrowError.is(error, "corrupt_record")) throw error;
  }

  async function tooOld(entry: StoredEntry, epoch: Epoch, maxAgeMs: number): Promise<Refusal | undefined> {
    if (ageOf(entry, now()) > maxAgeMs) return "too_old";
    if (entry.since < epoch.all) return "invalidated";
    const { tags = [] } = entry;
    // Only an entry with tags, and only once something was invalidated since, costs another look.
    if (tags.length > 0 && entry.since < epoch.present) {
      const ended = (await redis.send(["HMGET", keys.tags, ...tags], { timeoutMs })) as readonly (string | null)[];
      if (ended.some((at) => at !== null && Number(at) > entry.since)) return "invalidated";
    }
    return staleMs > 0 && entry.endsAtMs <= now() ? "ended" : undefined;
  }

  const inBytes = { reply: "bytes", timeoutMs } as const;

  /** Body, epoch, alias. Without a judge there are no aliases to follow, and a plain command is the cheapest. */
  function get(id: string): Promise<Reply> {
    if (!aliases) return redis.send(["MGET", keys.body(id), keys.epoch], inBytes);
    const at = { body: keys.body(id), alias: keys.alias(id), epoch: keys.epoch, bodies: keys.bodies };
    return runScript(redis, findEntry, at, {}, inBytes);
  }

  function toFound({ id: asked, text }: Fingerprint, reply: Reply): Found | Promise<Found> {
    const [first, second, third] = reply as readonly (Buffer | null)[];
    // The script answers the epoch first.
    const [body, epoch, alias] = aliases ? [second, first, third] : [first, second, undefined];
    const none = { epoch: toEpoch(epoch ?? null), id: asked, unsealed: false };
    if (body === undefined || body === null || body.length === 0) return none;
    const isAlias = alias !== undefined && alias !== null && alias.length > 0;
    if (isAlias && toAlias(alias, asked, body, sealing) === undefined) return none;
    const id = isAlias ? entryOf(alias) : asked;
    const found = (entry: StoredEntry | undefined): Found => {
      // An entry for another prompt belongs to another command's reply, or was put here by another program.
      if (!isAlias && entry !== undefined && entry.text !== text) return none;
      return { epoch: none.epoch, id, entry, unsealed: entry === undefined };
    };
    const opened = open(body, id);
    return opened instanceof Promise ? opened.then(found) : found(opened);
  }

  return {
    open,
    tooOld,

    find: (question) => get(question.id).then((reply) => toFound(question, reply)),

    async read(id) {
      const reply = await redis.send(["MGET", keys.body(id), keys.epoch], inBytes);
      const [body, epoch] = reply as readonly [Buffer | null, Buffer | null];
      const entry = body === null ? undefined : await open(body, id);
      if (body === null || entry === undefined) return undefined;
      return (await tooOld(entry, toEpoch(epoch), Infinity)) === undefined ? { entry, body } : undefined;
    },
  };
}

/** Returns the time since an entry was stored, in milliseconds. */
export function ageOf({ storedAtMs }: Entry, nowMs: number): number {
  return Math.max(0, nowMs - storedAtMs);
}
