import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import {
  decodeKeyPart,
  decodeRecord,
  encodeRecord,
  runScript,
  toFields,
  unreadableOf,
  type Unreadable,
  type ScopedRedis,
} from "../redis/index.ts";
import { part, sharedKey } from "./keys.ts";
import { putEntry } from "./scripts.gen.ts";

/** An entry of a board. */
export interface Entry<T = unknown> {
  readonly value: T;
  /** Grows with every change of the entry. */
  readonly version: number;
  /** In `all`: why its value cannot be read. */
  readonly unreadable?: Unreadable | undefined;
}

/** Result of a put: done, or the current entry. */
export type Put =
  | { readonly done: true; readonly version: number }
  | { readonly done: false; readonly reason: "version" | "full"; readonly version: number };

/** A small board that agents share: at most 1,000 entries with versions. It expires seven days after its last change. */
export interface Board<T = unknown> {
  get(name: string): Promise<Entry<T> | undefined>;
  all(): Promise<Readonly<Record<string, Entry<T>>>>;
  /** Puts an entry, only if it has the given version (0: absent), or unconditionally without one. One round trip. */
  put(name: string, value: T, options?: { readonly version?: number | undefined }): Promise<Put>;
  remove(name: string, options?: { readonly version?: number | undefined }): Promise<Put>;
}

const ROOM = 1_000;
const LIFE_MS = 7 * 86_400_000;

/** Opens a board of a scope. */
export function createBoard<T = unknown>(redis: ScopedRedis, name: string): Board<T> {
  const board = `${sharedKey(redis, "board", checkText("name", name, 128, "invalid_input"))}:board`;

  async function write(entry: string, record: Buffer | "", known: number | undefined): Promise<Put> {
    const version = known === undefined ? -1 : checkInteger("version", known, { min: 0 }, "invalid_input");
    const values = { name: part("name", entry), version, record, room: ROOM, life_ms: LIFE_MS };
    const [done, now] = (await runScript(redis, putEntry, { board }, values)) as readonly [number, number];
    if (done === 1) return { done: true, version: now };
    return { done: false, reason: done === 0 ? "version" : "full", version: now };
  }

  return {
    async get(entry) {
      const stored = (await redis.send(["HGET", board, part("name", entry)], { reply: "bytes" })) as Buffer | null;
      return stored === null ? undefined : toEntry<T>(stored);
    },
    async all() {
      const flat = (await redis.send(["HGETALL", board], { reply: "bytes" })) as readonly Buffer[];
      const entries: [string, Entry<T>][] = [];
      for (const [field, stored] of toFields(flat))
        if (field !== "") entries.push([decodeKeyPart(field), toListed<T>(stored)]);
      return Object.fromEntries(entries);
    },
    async put(entry, value, { version } = {}) {
      if (value === undefined) refuse("value", "a JSON value", value, "invalid_input");
      return write(entry, encodeWritable("value", value, encodeRecord), version);
    },
    remove: (entry, { version } = {}) => write(entry, "", version),
  };
}

function toEntry<T>(stored: Buffer): Entry<T> {
  const space = stored.indexOf(32);
  return {
    version: Number(stored.subarray(0, space).toString()),
    value: decodeRecord(stored.subarray(space + 1)) as T,
  };
}

/** The same for a list: an unreadable entry is marked. */
function toListed<T>(stored: Buffer): Entry<T> {
  try {
    return toEntry(stored);
  } catch (error) {
    const version = Number(stored.subarray(0, stored.indexOf(32)).toString());
    return { version, value: undefined as T, unreadable: unreadableOf(error) };
  }
}
