import { hash, randomBytes } from "node:crypto";
import { MarrowError } from "../../errors.ts";
import { checkInteger } from "../../internal/check.ts";
import { dropOldest } from "../../internal/drop-oldest.ts";
import { encodeKeyPart, runScript, type Redis } from "../../redis/index.ts";
import { checkUserName } from "./identity.ts";
import { installedKey, mayHaveLostKeys } from "./installation.ts";
import { ID_CHARS, toListed, toPrincipal, toRecord, withReach, type NewKey, type Principal } from "./key-record.ts";
import { createKeyOrder, placesOf } from "./key-order.ts";
import { isRecordOf } from "./own-record.ts";
import { watchLosses, type LostKeys } from "./lost-keys.ts";
import { changeKey, createFirstKey, putKey, removeKey } from "../scripts.gen.ts";

export type { NewKey, Principal };

/** Principal of all requests while authentication is off. It is not an admin: admin routes require an admin's key even then. */
export const NOBODY: Principal = {
  scope: "default",
  user: "default",
  name: "auth is off",
  id: "nobody",
  actsFor: "any",
};

/** Options for listing keys. */
export interface KeyPage {
  /** Lists only keys of this scope. @default all scopes */
  readonly scope?: string | undefined;
  /** Id of the last key of the previous page. @default the first page */
  readonly after?: string | undefined;
  /** 1 to 1,000. @default 100 */
  readonly limit?: number | undefined;
}

/** A page of keys. */
export interface KeyList {
  readonly data: readonly Principal[];
  /** Cursor of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
}

/** Result of a rotation. */
export interface RotatedKey {
  /** The new key, which cannot be read again. */
  readonly key: string;
  readonly made: Principal;
  readonly before: Principal;
}

/** The gateway's API keys. Only hashes of them are stored. */
export interface ApiKeys {
  /** Makes a key and returns it. It cannot be read again later. */
  create(principal: NewKey): Promise<string>;
  /** Revokes a key. Other processes accept it for up to {@link KEPT_MS} longer. Returns whether it existed. */
  revoke(key: string): Promise<boolean>;
  /** Lists a page of keys by id, without the keys themselves. Expired ones are included until they are removed. Two round trips. */
  list(page?: KeyPage): Promise<KeyList>;
  /**
   * Changes a key by its id; returns its new state, or `undefined`. Other processes see it within {@link KEPT_MS}. A key that is revoked
   * meanwhile stays revoked.
   * @throws MarrowError `conflict` under constant concurrent changes
   */
  update(
    id: string,
    changes: Partial<Pick<NewKey, "name" | "plan" | "actsFor" | "endsAtMs">>,
  ): Promise<Principal | undefined>;
  /**
   * Makes a new key with the same rights as an existing one, which expires after `overlapMs` or at its own earlier expiry. The new key has
   * the original expiry, and its own id, so limits and spending by key start over. Returns `undefined` if no key has this id.
   * @throws MarrowError `conflict` for an expired key
   */
  rotate(id: string, options: { readonly overlapMs: number }): Promise<RotatedKey | undefined>;
  /** Revokes a key by its id. Returns whether it existed. */
  remove(id: string): Promise<boolean>;
  /**
   * Returns the current holder of a key by its id, for work that continues after its request; `undefined` once it was revoked. At most
   * {@link CHECKED_MS} old; while Redis is unavailable, the last known value.
   */
  standing(id: string): Promise<Principal | undefined>;
  /**
   * Returns the holder of a key. Cached for {@link KEPT_MS}; while Redis is unavailable or the stored key is damaged, for
   * {@link KEPT_AWAY_MS}.
   * @throws MarrowError `unauthorized` for an unknown key, `unavailable` if Redis is unavailable and the key is not cached, `corrupt_record`
   */
  identify(key: string | undefined): Promise<Principal>;
  /** The same from the cache alone: `undefined` if Redis must be read. */
  remembered(key: string | undefined): Principal | undefined;
  /**
   * Makes the first key of an installation, once; returns `undefined` if there are keys. Calls `onGone` if keys existed and are gone, for
   * example evicted: then none is made, and an operator must run `marrow key create`.
   */
  createFirst(onGone?: () => void): Promise<string | undefined>;
}

/** TTL of a cached key. */
export const KEPT_MS = 10_000;
/** TTL of a cached valid key while Redis is unavailable or the stored key is damaged. */
export const KEPT_AWAY_MS = 600_000;
/** TTL of a cached key for background work. */
export const CHECKED_MS = 1_000;
/** Longest lifetime of a key, and longest overlap of a rotation, in milliseconds: ten years. */
export const KEY_LIFE_MS_MAX: number = 3_653 * 86_400_000;
const CHANGE_TRIES = 16;
const LISTED = 100;
const LISTED_MAX = 1_000;
const KEPT_KEYS_MAX = 10_000;
const KEY_BYTES = 32;
const MARK_EVERY_MS = 60_000;
const ID = /^[0-9a-f]{16}$/;
const SHAPE = /^mrw_[A-Za-z0-9_-]{43}$/;

/** Returns true if a text has the form of a key of this gateway; {@link ApiKeys.identify} decides whether it is valid. */
export function isOwnKey(key: string | undefined): boolean {
  return key !== undefined && SHAPE.test(key);
}

/**
 * Makes the API keys, stored in one hash, `{app}:gateway:keys`: field = SHA-256 of the key, value = a record; their order is stored beside
 * it. Calls `onLost`, at most once a minute, if Redis lost the record of a key that a client sends: the client gets the same `unauthorized`.
 */
export function createApiKeys(redis: Redis, onLost: (lost: LostKeys) => void = () => {}): ApiKeys {
  const stored = `{${encodeKeyPart("app", redis.app)}}:gateway:keys`;
  const installed = installedKey(redis);
  const order = createKeyOrder(redis, stored);
  const storedKeys = { keys: stored, order: order.key };
  const lookForLoss = watchLosses(redis, { ...storedKeys, installed }, onLost);
  let markedMs = -Infinity;
  const known = new Map<string, { readonly principal: Principal; readonly atMs: number }>();
  const checked = new Map<
    string,
    { readonly field: string; readonly principal: Principal | undefined; readonly atMs: number }
  >();

  /** Returns the cached holder of a key, if the entry is recent enough and the key has not expired since. */
  function recall(key: string | undefined, withinMs: number): Principal | undefined {
    const kept = known.get(key ?? "");
    if (kept === undefined || performance.now() - kept.atMs >= withinMs) return undefined;
    return hasEnded(kept.principal) ? undefined : kept.principal;
  }

  /** Caches what one key became, if it was cached, or forgets it. What is cached of the others serves while Redis is away. */
  function replace(id: string, principal?: Principal): void {
    checked.delete(id);
    for (const [key, before] of known) {
      if (before.principal.id !== id) continue;
      if (principal === undefined) known.delete(key);
      else known.set(key, { principal, atMs: performance.now() });
    }
  }

  async function create(principal: NewKey): Promise<string> {
    encodeKeyPart("scope", principal.scope);
    checkUserName("user", principal.user);
    checkEnd(principal.endsAtMs);
    const key = newKey();
    const hashed = digest(key);
    const record = toRecord(withReach(principal), hashed);
    const places = placesOf(hashed, principal.scope);
    await runScript(redis, putKey, storedKeys, { digest: hashed, record, places });
    return key;
  }

  /** Renews the installation's mark at times while keys are used, because an evicting Redis keeps used keys longest. */
  function mark(): void {
    const nowMs = performance.now();
    if (nowMs - markedMs < MARK_EVERY_MS) return;
    markedMs = nowMs;
    redis.send(["SET", installed, "1"], { timeoutMs: 500, retry: "safe" }).catch(() => {
      // It is tried again; reads go on where Redis refuses writes.
    });
  }

  /** Takes a key away by its hash. Its places go with it, if only its record can be read. */
  async function take(hashed: string, record: Buffer): Promise<boolean> {
    const { scope } = toListed(record, hashed);
    return (await runScript(redis, removeKey, storedKeys, { digest: hashed, places: placesOf(hashed, scope) })) === 1;
  }

  /** A key's record, by its hash. */
  async function read(hashed: string, timeoutMs = 1_000): Promise<Buffer | null> {
    const how = { reply: "bytes", timeoutMs, accepts: isRecordOf(hashed.slice(0, ID_CHARS)) } as const;
    return (await redis.send(["HGET", stored, hashed], how)) as Buffer | null;
  }

  /** A stored key by its id: hash and record. */
  async function find(id: string): Promise<readonly [string, Buffer] | undefined> {
    const field = ID.test(id) ? await order.find(id) : undefined;
    if (field === undefined) return undefined;
    const record = await read(field);
    return record === null ? undefined : [field, record];
  }

  async function update(id: string, changes: Partial<NewKey>): Promise<Principal | undefined> {
    checkEnd(changes.endsAtMs);
    for (let attempt = 0; attempt < CHANGE_TRIES; attempt += 1) {
      const found = await find(id);
      if (found === undefined) return undefined;
      const [field, before] = found;
      const { id: _, ...principal } = toPrincipal(before, field);
      // An expiry set by hand replaces the original one.
      const isOwnEnd = "endsAtMs" in changes && changes.rotated === undefined;
      const after = withReach({ ...principal, ...changes, ...(isOwnEnd && { rotated: undefined }) });
      const values = { digest: field, before, record: toRecord(after, field) };
      if ((await runScript(redis, changeKey, { keys: stored }, values)) === 1) {
        replace(id, { ...after, id });
        return { ...after, id };
      }
    }
    throw new MarrowError("conflict", "concurrent changes to the key kept conflicting with this one", {
      details: { path: "id" },
    });
  }

  return {
    create,
    update,

    async list({ after = "", limit = LISTED, scope } = {}) {
      const most = checkInteger("limit", limit, { min: 1, max: LISTED_MAX }, "invalid_input");
      const behind = await order.page({ scope, after, limit: most + 1 });
      const page = behind.slice(0, most);
      const cursor = behind.length > most ? page.at(-1)?.slice(0, ID_CHARS) : undefined;
      if (page.length === 0) return { data: [] };
      const records = (await redis.send(["HMGET", stored, ...page], {
        reply: "bytes",
        timeoutMs: 1_000,
      })) as readonly (Buffer | null)[];
      const data = records.flatMap((record, nth) => {
        // One that was removed between the two commands is in no list.
        return record === null ? [] : [toListed(record, page[nth] ?? "")];
      });
      return { data, ...(cursor !== undefined && { cursor }) };
    },

    async rotate(id, { overlapMs }) {
      checkInteger("overlapMs", overlapMs, { min: 0, max: KEY_LIFE_MS_MAX }, "invalid_input");
      const found = await find(id);
      if (found === undefined) return undefined;
      const { id: _, ...standing } = toPrincipal(found[1], found[0]);
      if (hasEnded(standing) || hasEnded(standing.rotated ?? {}))
        throw new MarrowError("conflict", "the key has expired: make a new one", { details: { path: "id" } });
      // The new key first: should the rest fail there are two keys, never none.
      const { rotated = { endsAtMs: standing.endsAtMs }, ...same } = standing;
      const next: NewKey = { ...same, endsAtMs: rotated.endsAtMs };
      const key = await create(next);
      const endsAtMs = Math.min(standing.endsAtMs ?? Infinity, Date.now() + overlapMs);
      const before = await update(id, { endsAtMs, rotated });
      return before && { key, made: { ...withReach(next), id: idOf(key) }, before };
    },

    async remove(id) {
      const found = await find(id);
      replace(id);
      return found !== undefined && take(...found);
    },

    async standing(id) {
      const kept = checked.get(id);
      if (kept !== undefined && performance.now() - kept.atMs < CHECKED_MS) return unlessEnded(kept.principal);
      const atMs = performance.now();
      try {
        const [field, record] = kept === undefined ? ((await find(id)) ?? []) : [kept.field, await read(kept.field)];
        if (field === undefined) return undefined;
        const principal = Buffer.isBuffer(record) ? toPrincipal(record, field) : undefined;
        checked.delete(id);
        checked.set(id, { field, principal, atMs });
        dropOldest(checked, KEPT_KEYS_MAX);
        return unlessEnded(principal);
      } catch (error) {
        if (kept === undefined) throw error;
        return unlessEnded(kept.principal);
      }
    },

    async revoke(key) {
      known.delete(key);
      const record = await read(digest(key));
      return record !== null && take(digest(key), record);
    },

    async identify(key) {
      const remembered = recall(key, KEPT_MS);
      if (remembered !== undefined) return remembered;
      if (key === undefined || !SHAPE.test(key)) throw unauthorized();
      const atMs = performance.now();
      try {
        const record = await read(digest(key), 500);
        const principal = record === null ? undefined : unlessEnded(toPrincipal(record, digest(key)));
        if (principal === undefined) {
          known.delete(key);
          if (record === null) lookForLoss(digest(key), markedMs > -Infinity);
          throw unauthorized();
        }
        known.delete(key);
        known.set(key, { principal, atMs });
        dropOldest(known, KEPT_KEYS_MAX);
        mark();
        return principal;
      } catch (error) {
        // A key that was revoked is gone. Any other failure says nothing about the key.
        const kept = MarrowError.is(error, "unauthorized") ? undefined : recall(key, KEPT_AWAY_MS);
        if (kept !== undefined) return kept;
        throw error;
      }
    },

    remembered: (key) => recall(key, KEPT_MS),

    async createFirst(onGone = () => {}) {
      const standing = Number(await redis.send(["HLEN", stored])) > 0;
      if (!standing && (await mayHaveLostKeys(redis))) {
        onGone();
        return undefined;
      }
      const key = newKey();
      const scope = "default";
      const hashed = digest(key);
      const record = toRecord({ scope, user: "default", name: "first key", role: "admin", actsFor: "any" }, hashed);
      const keys = { keys: stored, installed, order: order.key };
      const places = placesOf(hashed, scope);
      const made = await runScript(redis, createFirstKey, keys, { digest: hashed, record, places });
      if (made === -1) onGone();
      return made === 1 ? key : undefined;
    },
  };
}

/** Returns true for an expired key. */
export function hasEnded({ endsAtMs }: Pick<Principal, "endsAtMs">): boolean {
  return endsAtMs !== undefined && endsAtMs <= Date.now();
}

function unlessEnded(principal: Principal | undefined): Principal | undefined {
  return principal === undefined || hasEnded(principal) ? undefined : principal;
}

/** An end that a key may be given; one in the past ends it now. @throws MarrowError `invalid_input` */
function checkEnd(endsAtMs: number | undefined): void {
  if (endsAtMs !== undefined)
    checkInteger("endsAtMs", endsAtMs, { min: 0, max: Date.now() + KEY_LIFE_MS_MAX }, "invalid_input");
}

/** Returns the id of a key: the start of its hash. Pure. */
export function idOf(key: string): string {
  return digest(key).slice(0, ID_CHARS);
}

function newKey(): string {
  return `mrw_${randomBytes(KEY_BYTES).toString("base64url")}`;
}

function digest(key: string): string {
  return hash("sha256", key);
}

function unauthorized(): MarrowError {
  return new MarrowError("unauthorized", "the API key is missing, unknown, revoked or expired");
}
