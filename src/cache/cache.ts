import { MarrowError } from "../errors.ts";
import { toBytes } from "../internal/bytes.ts";
import { refuse } from "../internal/check.ts";
import { checkScope, encodeRecordBody, runScript, type ScopedRedis } from "../redis/index.ts";
import { toCandidates, toEntry, type Entry } from "./entry.ts";
import { createGuard, type Veto } from "./guard.ts";
import { cacheKeys } from "./keys.ts";
import { checkTtl, resolveOptions, type CacheOptions } from "./options.ts";
import { toFingerprint, type Fingerprint, type Question } from "./question.ts";
import { findSimilar, storeEntry } from "./scripts.gen.ts";

/** A stored answer that serves, or a miss. */
export type Lookup<V> =
  | {
      readonly hit: true;
      /** `exact`: the same question; `similar`: one that is near enough and that no guard vetoed. */
      readonly match: "exact" | "similar";
      readonly value: V;
      /** Cosine, 0 to 1; 1 for an exact match. */
      readonly similarity: number;
      /** Since it was stored, in milliseconds. */
      readonly ageMs: number;
    }
  | {
      readonly hit: false;
      /** The nearest stored question, when there was one: why it was not served. */
      readonly nearest?:
        | { readonly similarity: number; readonly veto: Veto | "below_threshold" | "too_old" }
        | undefined;
    };

/** Bounds of one lookup. */
export interface LookupOptions {
  /** Oldest answer that may be served, in milliseconds since it was stored. @default any age within its life */
  readonly maxAgeMs?: number | undefined;
  /** Which tiers are asked. @default "both" */
  readonly tiers?: "exact" | "similar" | "both" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How one answer is stored. */
export interface StoreOptions {
  /** Life of this entry in milliseconds, 1 to 366 days. @default the cache's `ttlMs` */
  readonly ttlMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Cache.through}. */
export type ThroughOptions = LookupOptions & StoreOptions;

/** What {@link Cache.through} answers: the value, and where it came from. */
export type Through<V> =
  | { readonly source: "exact" | "similar"; readonly value: V; readonly similarity: number; readonly ageMs: number }
  /** Fresh. `stored` is false when the entry was too large, or Redis away. */
  | { readonly source: "miss" | "bypass"; readonly value: V };

/** The answers of one scope. `V` must be JSON. */
export interface Cache<V> {
  /**
   * Finds a stored answer: the exact tier first, which never embeds; then the nearest questions of the same `within`,
   * each held against the guard and the threshold. One round trip for an exact hit, two otherwise.
   * @throws MarrowError `unavailable` or `timeout` when Redis is away, `embedder_failed`, `invalid_input`
   */
  lookup(question: string | Question, options?: LookupOptions): Promise<Lookup<V>>;
  /**
   * Stores an answer under both tiers, replacing the one of the same question: one round trip.
   * Answers whether it was stored: an entry over `entryBytesMax` is not.
   */
  store(question: string | Question, value: V, options?: StoreOptions): Promise<boolean>;
  /** Ends one answer now. Its question may stay in the index for a while, where it serves nothing. One round trip. */
  forget(question: string | Question): Promise<boolean>;
  /**
   * Looks up and, on a miss, asks and stores. Callers of one process who miss the same question at once ask once. Redis or
   * the embedder being away is a `bypass`: the question is asked, nothing is stored, nobody sees an error of the cache.
   * What `ask` throws goes to all who wait, and is never stored. The answer is not kept when `keep` says no.
   */
  through(
    question: string | Question,
    ask: () => Promise<V>,
    options?: ThroughOptions & { readonly keep?: ((value: V) => boolean) | undefined },
  ): Promise<Through<V>>;
}

/** Candidates that the guard looks at. More than three changed nothing when measured. */
const CANDIDATES = 3;
/** How widely the index is searched: with the graph that store_entry builds, .994 of near neighbours are found. */
const SEARCH_EFFORT = 50;
/** Scores are rounded on their way; what is near enough is decided here, not in the script. */
const SCORE_SLACK = 1e-6;
/** Ended entries that a store takes out of the index at most. */
const SWEEP = 16;

/** Makes the cache of one scope. @throws MarrowError `invalid_option` */
export function createCache<V>(redis: ScopedRedis, options: CacheOptions): Cache<V> {
  const scoped = checkScope(redis);
  const { name, embedder, minSimilarity, ttlMs: ttlMsDefault, entryBytesMax, timeoutMs } = resolveOptions(options);
  const keys = cacheKeys(scoped, name);
  const running = new Map<string, Promise<Through<V>>>();
  let semantic: Promise<boolean> | undefined;

  /** Whether the semantic tier can work here: an embedder, and a server with vector sets. */
  function hasSemantic(): Promise<boolean> {
    if (embedder === undefined) return Promise.resolve(false);
    return (semantic ??= scoped.capabilities().then(
      ({ vectorSets }) => vectorSets !== "no",
      (error: unknown) => {
        semantic = undefined;
        throw error;
      },
    ));
  }

  async function lookupExact({ id }: Fingerprint, maxAgeMs: number): Promise<Lookup<V>> {
    const record = await scoped.send(["GET", keys.body(id)], { reply: "bytes", timeoutMs });
    if (!Buffer.isBuffer(record)) return { hit: false };
    const entry = toEntry(record);
    const ageMs = ageOf(entry);
    if (ageMs > maxAgeMs) return { hit: false, nearest: { similarity: 1, veto: "too_old" } };
    return { hit: true, match: "exact", value: entry.value as V, similarity: 1, ageMs };
  }

  async function lookupSimilar(question: Fingerprint, maxAgeMs: number, signal?: AbortSignal): Promise<Lookup<V>> {
    if (embedder === undefined || !(await hasSemantic())) return { hit: false };
    const vector = await vectorOf(question, signal);
    if (vector === undefined) return { hit: false };
    const reply = await runScript(
      scoped,
      findSimilar,
      { vectors: keys.vectors(question, embedder), due: keys.due(question, embedder), bodies: keys.bodies },
      { vector, count: CANDIDATES, effort: SEARCH_EFFORT, floor: String((1 + minSimilarity) / 2 - SCORE_SLACK) },
      { reply: "bytes", timeoutMs },
    );
    const guard = createGuard(question.text);
    let nearest: Extract<Lookup<V>, { hit: false }>["nearest"];
    for (const { similarity, record } of toCandidates(reply)) {
      if (similarity < minSimilarity) {
        nearest ??= { similarity, veto: "below_threshold" };
        break;
      }
      const entry = toEntry(record);
      const ageMs = ageOf(entry);
      const veto = ageMs > maxAgeMs ? "too_old" : guard(entry.text);
      if (veto === undefined) {
        return { hit: true, match: "similar", value: entry.value as V, similarity: Math.min(1, similarity), ageMs };
      }
      nearest ??= { similarity, veto };
    }
    return { hit: false, nearest };
  }

  /** Vectors by question: what is looked up by meaning and then stored is embedded once. */
  const vectors = new WeakMap<Fingerprint, Promise<Buffer | undefined>>();

  function vectorOf(question: Fingerprint, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    let vector = vectors.get(question);
    if (vector === undefined) {
      vector = embed(question.text, signal);
      vectors.set(question, vector);
      vector.catch(() => vectors.delete(question));
    }
    return vector;
  }

  /** A text's vector as bytes, or `undefined` for one without any known word: zero is near to everything. */
  async function embed(text: string, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    const [vector] = (await embedder?.embed([text], { signal })) ?? [];
    if (vector === undefined) return undefined;
    let sum = 0;
    for (let i = 0; i < vector.length; i += 1) sum += Math.abs(vector[i] as number);
    if (sum === 0) return undefined;
    if (!Number.isFinite(sum) || vector.length !== embedder?.dimensions) {
      throw new MarrowError(
        "embedder_failed",
        "the embedder made a vector of the wrong length or with no finite numbers",
      );
    }
    return toBytes(vector);
  }

  const cache: Cache<V> = {
    async lookup(question, { maxAgeMs = Infinity, tiers = "both", signal } = {}) {
      if (maxAgeMs !== Infinity && !(maxAgeMs >= 0))
        refuse("maxAgeMs", "a number of at least 0", maxAgeMs, "invalid_input");
      const fingerprint = toFingerprint(question);
      const exact: Lookup<V> = tiers === "similar" ? { hit: false } : await lookupExact(fingerprint, maxAgeMs);
      return exact.hit || tiers === "exact" ? exact : lookupSimilar(fingerprint, maxAgeMs, signal);
    },

    async store(question, value, { ttlMs, signal } = {}) {
      const lifeMs = ttlMs === undefined ? ttlMsDefault : checkTtl("ttlMs", ttlMs);
      const fingerprint = toFingerprint(question);
      const storedAtMs = Date.now();
      const entry: Entry = { value, text: fingerprint.text, storedAtMs, endsAtMs: storedAtMs + lifeMs };
      const body = Buffer.from(JSON.stringify(entry));
      if (body.length > entryBytesMax) return false;
      const vector = (await hasSemantic()) ? await vectorOf(fingerprint, signal) : undefined;
      const index = embedder ?? { fingerprint: "none" };
      await runScript(
        scoped,
        storeEntry,
        {
          body: keys.body(fingerprint.id),
          vectors: keys.vectors(fingerprint, index),
          due: keys.due(fingerprint, index),
        },
        { id: fingerprint.id, record: encodeRecordBody(body), ttl_ms: lifeMs, vector: vector ?? "", sweep: SWEEP },
        { timeoutMs },
      );
      return true;
    },

    async forget(question) {
      const removed = await scoped.send(["UNLINK", keys.body(toFingerprint(question).id)], {
        timeoutMs,
        retry: "safe",
      });
      return Number(removed) > 0;
    },

    through(question, ask, throughOptions = {}) {
      const { id } = toFingerprint(question);
      const current = running.get(id);
      if (current !== undefined) return current;
      const started = lookupOrAsk(question, ask, throughOptions).finally(() => running.delete(id));
      running.set(id, started);
      return started;
    },
  };

  async function lookupOrAsk(
    question: string | Question,
    ask: () => Promise<V>,
    { keep = () => true, ...bounds }: Parameters<Cache<V>["through"]>[2] & object,
  ): Promise<Through<V>> {
    let found: Lookup<V> | undefined;
    try {
      found = await cache.lookup(question, bounds);
    } catch (error) {
      if (!isAway(error)) throw error;
    }
    if (found?.hit === true) {
      const { match: source, value, similarity, ageMs } = found;
      return { source, value, similarity, ageMs };
    }
    const value = await ask();
    if (found === undefined) return { source: "bypass", value };
    if (keep(value)) {
      await cache.store(question, value, bounds).catch((error: unknown) => {
        if (!isAway(error)) throw error;
      });
    }
    return { source: "miss", value };
  }

  return cache;
}

/** Whether an error means that the cache cannot help now, rather than that it was called wrongly. */
export function isAway(error: unknown): boolean {
  return MarrowError.is(error) && AWAY.has(error.code);
}

const AWAY = new Set<string>([
  "unavailable",
  "timeout",
  "redis_full",
  "redis_denied",
  "redis_rejected",
  "unsupported",
  "embedder_failed",
]);

function ageOf({ storedAtMs }: Entry): number {
  return Math.max(0, Date.now() - storedAtMs);
}
