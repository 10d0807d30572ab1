import { createCache, toFingerprint, type Cache, type Hit, type Question } from "../../cache/index.ts";
import type { Embedder } from "../../embedders/index.ts";
import { MarrowError } from "../../errors.ts";
import { cannotServe, type Redis } from "../../redis/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { tagOf, type Reach } from "../tenancy/ownership.ts";
import type { StoredBytes } from "../tenancy/stored-bytes.ts";
import { createAttributeIndex, namesKey, type AttributeIndex, type NotedSet } from "./attribute-index.ts";
import { toAttributeSet, toWithin, type Attributes, type AttributeSet } from "./attributes.ts";
import { toJsonBytes } from "../../internal/json-pieces.ts";

/** A prompt with its answer to store. */
export interface NewEntry {
  readonly prompt: string;
  readonly response: string;
  readonly attributes: Attributes;
  readonly ttlMs?: number | undefined;
}

/** A search for an entry. */
export interface EntrySearch {
  readonly prompt: string;
  readonly attributes: Attributes;
  /** Whether entries of equivalent prompts in other words may be returned. */
  readonly similar: boolean;
}

/** A found entry. */
export interface FoundEntry extends Omit<NewEntry, "ttlMs"> {
  readonly id: string;
  readonly match: Hit<unknown>["match"];
  /** Cosine, 0 to 1. */
  readonly similarity: number;
}

/** The caches of a scope by name: each is the library's `createCache(redis.scope(scope), { name })`, with a separate one for each user. */
export interface Caches {
  /**
   * Stores an entry of the scope, or of the asking user. Returns its id. Two round trips. An entry that does not fit leaves existing ones
   * unchanged.
   * @throws MarrowError `invalid_input` for a prompt that refers to missing earlier turns, `too_large`
   */
  store(name: string, reach: Reach, entry: NewEntry): Promise<string>;
  /**
   * Finds the nearest entry with all of the attributes, of the asking user and of the scope. Two round trips; one for an entry with the
   * same prompt and attributes.
   */
  search(name: string, reach: Reach, search: EntrySearch): Promise<FoundEntry | undefined>;
  /** Deletes an entry by its id; returns whether it existed. One round trip. */
  remove(name: string, reach: Reach, id: string): Promise<boolean>;
  /** Deletes all entries with all of the attributes; returns how many there were. */
  removeWhere(name: string, reach: Reach, attributes: Attributes): Promise<number>;
  /** Deletes all entries. */
  flush(name: string, reach: Reach): Promise<void>;
  /** Deletes all entries of a user in all caches; returns how many there were. */
  forget(user: string): Promise<number>;
}

interface Parts {
  readonly cacheRedis: Redis;
  readonly config: Pick<GatewayConfig, "cache">;
  readonly embedder: Embedder | undefined;
  readonly storedBytes: StoredBytes;
}

/** A cache of a scope, or a user's own one with the same name. */
interface Realm {
  readonly place: string;
  readonly cache: Cache<unknown>;
  readonly index: AttributeIndex;
}

/** A stored value; programs that use the library may store strings, or any JSON. */
type Value = { readonly prompt: string; readonly response: string; readonly attributes: Attributes };

/** Cached realms. They hold no connection. */
const REALMS_MAX = 1_000;
/** Longest wait for one reply of Redis. HTTP callers get the failure, because no model's answer is on its way. */
const TIMEOUT_MS = 1_000;
/** Size of an entry beside its text: keys, vector, index. */
const BESIDE_BYTES = 1_200;

/** Opens the caches of one scope. Makes no round trip before their first use. */
export function createCaches({ cacheRedis, config, embedder, storedBytes }: Parts, scope: string): Caches {
  const scoped = cacheRedis.scope(scope);
  const { cache: options } = config;
  const realms = new Map<string, Realm>();

  function realmOf(name: string, user: string | undefined): Realm {
    const owner = user === undefined ? undefined : tagOf(user);
    const place = owner === undefined ? name : `${name}~${owner}`;
    let realm = realms.get(place);
    if (realm === undefined) {
      const cache = createCache<unknown>(scoped, {
        name: place,
        embedder: options.semantic ? embedder : undefined,
        preset: options.preset,
        minScore: options.minScore,
        verifier: options.verifier,
        ttlMs: options.ttlMs,
        entriesMax: options.entriesMax,
        bytesMax: options.bytesMax,
        profile: options.profile,
        timeoutMs: TIMEOUT_MS,
      });
      realm = { place, cache, index: createAttributeIndex(scoped, { name, place, owner }) };
      if (realms.size >= REALMS_MAX) realms.clear();
      realms.set(place, realm);
    }
    return realm;
  }

  const thingOf = ({ place }: Realm, id: string) => `cache entry:${place}/${id}`;
  const release = (realm: Realm, ids: readonly string[]) =>
    Promise.all(ids.map((id) => storedBytes.release(scope, thingOf(realm, id))));

  /** Deletes the entries of a realm with a set of attributes. */
  async function forgetSet(
    realm: Realm,
    set: NotedSet,
  ): Promise<{ readonly count: number; readonly dropped: boolean }> {
    const ids: string[] = [];
    const count = await realm.cache.forgetSubject(subjectOf(set), (some) => ids.push(...some));
    const [dropped] = await Promise.all([realm.index.drop(set), release(realm, ids)]);
    return { count, dropped };
  }

  async function removeWhere(realm: Realm, attributes: Attributes): Promise<number> {
    let sum = 0;
    await realm.index.pages(toAttributeSet(attributes), async (set) => {
      const { count, dropped } = await forgetSet(realm, set);
      sum += count;
      return dropped;
    });
    return sum;
  }

  return {
    async store(name, { only }, { prompt, response, attributes, ttlMs = options.ttlMs }) {
      const realm = realmOf(name, only);
      const set = toAttributeSet(attributes);
      const question = toQuestion(prompt, attributes);
      const { id, followUp } = toFingerprint(question);
      if (followUp)
        throw new MarrowError(
          "invalid_input",
          "prompt: this is a follow-up to earlier turns, so its answer must not be served in other conversations; put the earlier context into the prompt",
          { details: { path: "prompt" } },
        );
      const value: Value = { prompt, response, attributes };
      const bytes = (await toJsonBytes(value)).length + BESIDE_BYTES;
      const thing = thingOf(realm, id);
      const [booked, noted] = await Promise.allSettled([
        storedBytes.put(scope, thing, bytes, ttlMs),
        realm.index.note(set, ttlMs),
      ]);
      if (booked.status === "rejected") throw booked.reason;
      // An existing entry stays unchanged, with its booking; and so does one that another request stored or deleted meanwhile.
      const put = { bytes, before: booked.value };
      const unbook = () => storedBytes.restore(scope, thing, put, ttlMs).catch(() => {});
      if (noted.status === "rejected") {
        await unbook();
        throw noted.reason;
      }
      let kept: boolean;
      try {
        kept = await realm.cache.store(question, value, { ttlMs, subject: subjectOf(set) });
      } catch (error) {
        // If Redis did not reply, the entry may have been stored: its booking stays until it expires or is stored again.
        if (!cannotServe(error)) await unbook();
        throw error;
      }
      if (kept) return id;
      await unbook();
      throw new MarrowError("too_large", "response: the entry is larger than a cache accepts", {
        details: { path: "response" },
      });
    },

    async search(name, { only }, { prompt, attributes, similar }) {
      const set = toAttributeSet(attributes);
      const question = toQuestion(prompt, attributes);
      const places = only === undefined ? [realmOf(name, undefined)] : [realmOf(name, only), realmOf(name, undefined)];
      const look = async (realm: Realm, asked: Question, of: AttributeSet, tiers: "exact" | "similar") => {
        const found = await realm.cache.lookup(asked, { tiers });
        return found.hit ? [toFound(found, of.attributes)] : [];
      };
      const first = await Promise.all(
        places.map(async (realm) => {
          const [same, others] = await Promise.all([look(realm, question, set, "exact"), realm.index.covering(set)]);
          return { realm, same, others };
        }),
      );
      const [exact] = first.flatMap(({ same }) => same);
      if (exact !== undefined) return exact;
      const near = await Promise.all(
        first.flatMap(({ realm, others }) => [
          ...(similar ? [look(realm, question, set, "similar")] : []),
          ...others.flatMap((other) => {
            const asked = toQuestion(prompt, other.attributes);
            return [look(realm, asked, other, "exact"), ...(similar ? [look(realm, asked, other, "similar")] : [])];
          }),
        ]),
      );
      return near.flat().reduce<FoundEntry | undefined>((best, one) => {
        return best === undefined || one.similarity > best.similarity ? one : best;
      }, undefined);
    },

    async remove(name, { only }, id) {
      const realm = realmOf(name, only);
      const [there] = await Promise.all([realm.cache.forget({ id }), release(realm, [id])]);
      return there;
    },

    removeWhere: (name, { only }, attributes) => removeWhere(realmOf(name, only), attributes),

    async flush(name, { only }) {
      const realm = realmOf(name, only);
      // Clears everything, also entries of the library, and then releases the bookings of entries stored here.
      await realm.cache.clear();
      await removeWhere(realm, {});
    },

    async forget(user) {
      const names = await scoped.send(["ZRANGE", namesKey(scoped, tagOf(user)), "0", "-1"]);
      let sum = 0;
      for (const name of names as readonly string[]) sum += await removeWhere(realmOf(name, user), {});
      return sum;
    },
  };
}

function toQuestion(prompt: string, attributes: Attributes): Question {
  return { prompt, within: toWithin(attributes) };
}

/** Returns the cache subject of an entry: its attributes. */
function subjectOf({ id }: AttributeSet): string {
  return `attributes:${id}`;
}

/** Converts an entry for a response. A value that the library stored is returned as text. */
function toFound({ id, match, similarity, prompt, value }: Hit<unknown>, attributes: Attributes): FoundEntry {
  const told = { id, match, similarity, prompt, attributes };
  if (typeof value === "string") return { ...told, response: value };
  const { prompt: asked, response } = (value ?? {}) as Partial<Value>;
  if (typeof response !== "string") return { ...told, response: JSON.stringify(value) };
  return { ...told, response, ...(typeof asked === "string" && { prompt: asked }) };
}
