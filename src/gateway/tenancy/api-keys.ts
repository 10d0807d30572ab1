import { hash, randomBytes } from "node:crypto";
import { MarrowError } from "../../errors.ts";
import { checkInteger } from "../../internal/check.ts";
import {
  cannotServe,
  decodeRecord,
  encodeKeyPart,
  encodeRecord,
  runScript,
  unreadableOf,
  type Redis,
  type Unreadable,
} from "../../redis/index.ts";
import { checkUserName } from "./identity.ts";
import { installedKey, mayHaveLostKeys } from "./installation.ts";
import { createKeyOrder, placesOf } from "./key-order.ts";
import { changeKey, createFirstKey, putKey, removeKey } from "../scripts.gen.ts";

/** Who a key stands for. */
export interface Principal {
  /** The tenant: a hard partition of everything. */
  readonly scope: string;
  /** Subject of limits and owner of sessions, unless a request names a user of its own. */
  readonly user: string;
  /** The key's name, for people. */
  readonly name: string;
  /** Name of the key in limits, spend and the admin API: start of its hash. */
  readonly id: string;
  /** Name of the key's plan. */
  readonly plan?: string | undefined;
  /**
   * `own`: it acts for its user alone, whatever a request says. `any`: for every user of its scope, as an application's key does that names
   * its users in requests.
   */
  readonly actsFor: "own" | "any";
  /** `admin` may use `/v1/admin` for every scope; `viewer` may look there and change nothing, and is for nothing else. */
  readonly role?: "admin" | "viewer" | undefined;
  /** When the key ends, in milliseconds since 1970: from then on it is unknown. Absent: never. */
  readonly endsAtMs?: number | undefined;
  /** It was rotated, and serves on until `endsAtMs`: the end that it had before, which its successors have. */
  readonly rotated?: { readonly endsAtMs?: number | undefined } | undefined;
  /** In lists: why it cannot be read; then only its id is known. */
  readonly unreadable?: Unreadable | undefined;
}

/** Who calls while authentication is off. Nobody is no admin: admin routes ask for an admin's key even then. */
export const NOBODY: Principal = {
  scope: "default",
  user: "default",
  name: "auth is off",
  id: "nobody",
  actsFor: "any",
};

/** A key as it is made. Without `actsFor` it acts for its own user; an admin's, which can make any key, for all. */
export type NewKey = Omit<Principal, "id" | "actsFor"> & { readonly actsFor?: "own" | "any" | undefined };

/** Which keys are listed. */
export interface KeyPage {
  /** Only keys of this scope. @default of all scopes */
  readonly scope?: string | undefined;
  /** The id of the last key of the page before. @default the first page */
  readonly after?: string | undefined;
  /** 1 to 1,000. @default 100 */
  readonly limit?: number | undefined;
}

/** A page of keys. */
export interface KeyList {
  readonly data: readonly Principal[];
  /** Where the next page begins; absent on the last one. */
  readonly cursor?: string | undefined;
}

/** What came of a rotation. */
export interface RotatedKey {
  /** The new key: the only time that it is seen. */
  readonly key: string;
  readonly made: Principal;
  readonly before: Principal;
}

/** The gateway's API keys. Only hashes of them are stored. */
export interface ApiKeys {
  /** Makes a key and answers it: the only time that it is seen. */
  create(principal: NewKey): Promise<string>;
  /** Ends a key. Other processes serve it for up to {@link KEPT_MS} longer. Answers whether it was one. */
  revoke(key: string): Promise<boolean>;
  /** A page of the keys, without what they are, ordered by id. Those that have ended stay in it until they are removed. Two round trips. */
  list(page?: KeyPage): Promise<KeyList>;
  /**
   * Changes a key by its id; answers what it is now, or `undefined`. Other processes know within {@link KEPT_MS}. A key that is ended meanwhile
   * stays ended. @throws MarrowError `conflict` under endless change by others
   */
  update(
    id: string,
    changes: Partial<Pick<NewKey, "name" | "plan" | "actsFor" | "endsAtMs">>,
  ): Promise<Principal | undefined>;
  /**
   * Makes a key that stands for the same as another one, which ends after `overlapMs`; one that ends sooner keeps its end. The new key ends
   * when the other one would have ended without a rotation, and has an id of its own, so limits and spending by key begin anew. Answers `undefined` where there is no key of this id.
   * @throws MarrowError `conflict` for a key that has ended
   */
  rotate(id: string, options: { readonly overlapMs: number }): Promise<RotatedKey | undefined>;
  /** Ends a key by its id. Answers whether it was one. */
  remove(id: string): Promise<boolean>;
  /**
   * Who the key of this id stands for now, for work that goes on after its request; `undefined` once it was ended. What is answered is at
   * most {@link CHECKED_MS} old. While Redis is away: what was known last.
   */
  standing(id: string): Promise<Principal | undefined>;
  /**
   * Who a key stands for. Remembered for {@link KEPT_MS}; while Redis is away, for {@link KEPT_AWAY_MS}.
   * @throws MarrowError `unauthorized` for an unknown key, `unavailable` when Redis is away and the key is not remembered
   */
  identify(key: string | undefined): Promise<Principal>;
  /** The same without waiting: `undefined` when Redis must be asked. */
  remembered(key: string | undefined): Principal | undefined;
  /**
   * Makes the very first key, once in the life of an installation; answers `undefined` when there are keys. `onLost` hears when there were
   * some and they are gone, as an evicting Redis does: then none is made, and an operator must run `marrow key create`.
   */
  createFirst(onLost?: () => void): Promise<string | undefined>;
}

/** How long an answer of Redis about a key is trusted. */
export const KEPT_MS = 10_000;
/** How long a key that was good is taken for good while Redis is away. */
export const KEPT_AWAY_MS = 600_000;
/** How long work in the background goes by what it knows of its key. */
export const CHECKED_MS = 1_000;
const ID_CHARS = 16;
/** Longest life of a key, and longest overlap of a rotation, in milliseconds: ten years. */
export const KEY_LIFE_MS_MAX: number = 3_653 * 86_400_000;
const CHANGE_TRIES = 16;
const LISTED = 100;
const LISTED_MAX = 1_000;
const KEPT_KEYS_MAX = 10_000;
const KEY_BYTES = 32;
const MARK_EVERY_MS = 60_000;
const IN_BYTES = { reply: "bytes", timeoutMs: 1_000 } as const;
const ID = /^[0-9a-f]{16}$/;
const SHAPE = /^mrw_[A-Za-z0-9_-]{43}$/;

/** Returns true if a text has the form of a key of this gateway; whether it is one is for {@link ApiKeys.identify} to say. */
export function isOwnKey(key: string | undefined): boolean {
  return key !== undefined && SHAPE.test(key);
}

/** Keeps the keys in one hash, `{app}:gateway:keys`: field = SHA-256 of the key, value = a record; their order stands beside it. */
export function createApiKeys(redis: Redis): ApiKeys {
  const stored = `{${encodeKeyPart("app", redis.app)}}:gateway:keys`;
  const installed = installedKey(redis);
  const order = createKeyOrder(redis, stored);
  const storedKeys = { keys: stored, order: order.key };
  let markedMs = -Infinity;
  const known = new Map<string, { readonly principal: Principal; readonly atMs: number }>();
  const checked = new Map<
    string,
    { readonly field: string; readonly principal: Principal | undefined; readonly atMs: number }
  >();

  /** Who a key stood for, when that was learnt no longer ago than this and the key has not ended since. */
  function recall(key: string | undefined, withinMs: number): Principal | undefined {
    const kept = known.get(key ?? "");
    if (kept === undefined || performance.now() - kept.atMs >= withinMs) return undefined;
    return hasEnded(kept.principal) ? undefined : kept.principal;
  }

  async function create(principal: NewKey): Promise<string> {
    encodeKeyPart("scope", principal.scope);
    checkUserName("user", principal.user);
    checkEnd(principal.endsAtMs);
    const key = newKey();
    const [hashed, record] = [digest(key), encodeRecord(withReach(principal))];
    const places = placesOf(hashed, principal.scope);
    await runScript(redis, putKey, storedKeys, { digest: hashed, record, places });
    return key;
  }

  /** Says that there is an installation, now and then while its keys are used: where Redis evicts, what is used stays longest. */
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

  /** A stored key by its id: hash and record. */
  async function find(id: string): Promise<readonly [string, Buffer] | undefined> {
    const field = ID.test(id) ? await order.find(id) : undefined;
    if (field === undefined) return undefined;
    const record = await redis.send(["HGET", stored, field], IN_BYTES);
    return Buffer.isBuffer(record) ? [field, record] : undefined;
  }

  async function update(id: string, changes: Partial<NewKey>): Promise<Principal | undefined> {
    checkEnd(changes.endsAtMs);
    for (let attempt = 0; attempt < CHANGE_TRIES; attempt += 1) {
      const found = await find(id);
      if (found === undefined) return undefined;
      const [field, before] = found;
      const { id: _, ...principal } = toPrincipal(before, field);
      // An end that is set by hand is the key's own from then on.
      const isOwnEnd = "endsAtMs" in changes && changes.rotated === undefined;
      const after = withReach({ ...principal, ...changes, ...(isOwnEnd && { rotated: undefined }) });
      const values = { digest: field, before, record: encodeRecord(after) };
      if ((await runScript(redis, changeKey, { keys: stored }, values)) === 1) {
        known.clear();
        checked.clear();
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
      const records = (await redis.send(["HMGET", stored, ...page], IN_BYTES)) as readonly (Buffer | null)[];
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
      known.clear();
      checked.clear();
      return found !== undefined && take(...found);
    },

    async standing(id) {
      const kept = checked.get(id);
      if (kept !== undefined && performance.now() - kept.atMs < CHECKED_MS) return unlessEnded(kept.principal);
      const atMs = performance.now();
      try {
        const [field, record] =
          kept === undefined
            ? ((await find(id)) ?? [])
            : [kept.field, (await redis.send(["HGET", stored, kept.field], IN_BYTES)) as Buffer | null];
        if (field === undefined) return undefined;
        const principal = Buffer.isBuffer(record) ? toPrincipal(record, field) : undefined;
        if (checked.size >= KEPT_KEYS_MAX) checked.clear();
        checked.set(id, { field, principal, atMs });
        return unlessEnded(principal);
      } catch (error) {
        if (kept !== undefined && cannotServe(error)) return unlessEnded(kept.principal);
        throw error;
      }
    },

    async revoke(key) {
      known.delete(key);
      const record = (await redis.send(["HGET", stored, digest(key)], IN_BYTES)) as Buffer | null;
      return record !== null && take(digest(key), record);
    },

    async identify(key) {
      const remembered = recall(key, KEPT_MS);
      if (remembered !== undefined) return remembered;
      if (key === undefined || !SHAPE.test(key)) throw unauthorized();
      const atMs = performance.now();
      try {
        const record = await redis.send(["HGET", stored, digest(key)], { reply: "bytes", timeoutMs: 500 });
        known.delete(key);
        if (!Buffer.isBuffer(record)) throw unauthorized();
        const principal = toPrincipal(record, digest(key));
        if (hasEnded(principal)) throw unauthorized();
        if (known.size >= KEPT_KEYS_MAX) known.clear();
        known.set(key, { principal, atMs });
        mark();
        return principal;
      } catch (error) {
        const kept = cannotServe(error) ? recall(key, KEPT_AWAY_MS) : undefined;
        if (kept !== undefined) return kept;
        throw error;
      }
    },

    remembered: (key) => recall(key, KEPT_MS),

    async createFirst(onLost = () => {}) {
      const standing = Number(await redis.send(["HLEN", stored])) > 0;
      if (!standing && (await mayHaveLostKeys(redis))) {
        onLost();
        return undefined;
      }
      const key = newKey();
      const scope = "default";
      const record = encodeRecord(
        withReach({ scope, user: "default", name: "first key", role: "admin", actsFor: "any" }),
      );
      const [hashed, keys] = [digest(key), { keys: stored, installed, order: order.key }];
      const places = placesOf(hashed, scope);
      const made = await runScript(redis, createFirstKey, keys, { digest: hashed, record, places });
      if (made === -1) onLost();
      return made === 1 ? key : undefined;
    },
  };
}

/** A stored key; one of 0.1 says nothing of whom it acts for. */
function toPrincipal(record: Buffer, hashed: string): Principal {
  return { ...withReach(decodeRecord(record) as NewKey), id: hashed.slice(0, ID_CHARS) };
}

/** The same among others: a key that cannot be read is named by its id alone. */
function toListed(record: Buffer, hashed: string): Principal {
  try {
    return toPrincipal(record, hashed);
  } catch (error) {
    const unreadable = unreadableOf(error);
    return { id: hashed.slice(0, ID_CHARS), scope: "", user: "", name: "", actsFor: "own", unreadable };
  }
}

function withReach(key: NewKey): Omit<Principal, "id"> {
  return { ...key, actsFor: key.actsFor ?? (key.role === "admin" ? "any" : "own") };
}

/** Whether a key has ended by now. */
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

/** The id of a key: the start of its hash. Pure. */
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
