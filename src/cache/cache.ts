import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import { checkScope, encodeRecordBody, runScript, type ScopedRedis } from "../redis/index.ts";
import { createAsking } from "./asking.ts";
import { createAudits } from "./audits.ts";
import { toCandidates, toEntry, toEpoch, type Entry, type Epoch, type StoredEntry } from "./entry.ts";
import { createJudge, type Refusal } from "./judge.ts";
import { createEmbedding } from "./embedding.ts";
import { cacheKeys } from "./keys.ts";
import type { Cache, Explanation, Lookup, Nearest } from "./lookup.ts";
import { checkTtl, resolveOptions, TTL_MS_MAX, type CacheOptions } from "./options.ts";
import { createPolicy } from "./policy.ts";
import { toFingerprint, type Fingerprint } from "./question.ts";
import { UNSEALED } from "./sealing.ts";
import { findSimilar, invalidateTags, storeEntry } from "./scripts.gen.ts";
import { createStream } from "./stream.ts";
import { createThrough } from "./through.ts";

/** Candidates that are judged. More than three changed nothing when measured. */
const CANDIDATES = 3;
/** How widely the index is searched: with the graph that store_entry builds, .994 of near neighbours are found. */
const SEARCH_EFFORT = 50;
/** Scores are rounded on their way; what is near enough is decided here, not in the script. */
const SCORE_SLACK = 1e-6;
/** Ended entries that a store takes out of the index at most. */
const SWEEP = 16;

/** Makes the cache of one scope. @throws MarrowError `invalid_option` */
export function createCache<V>(redis: ScopedRedis, options: CacheOptions<V>): Cache<V> {
  const scoped = checkScope(redis);
  const resolved = resolveOptions(options);
  const {
    name,
    embedder,
    judge: judgeOptions,
    ttlMs: ttlMsDefault,
    staleMs,
    ttlJitter,
    sealing,
    entryBytesMax,
    timeoutMs,
  } = resolved;
  const keys = cacheKeys(scoped, name);
  const audits = createAudits(scoped, keys.audits(resolved.judged), ttlMsDefault + staleMs, timeoutMs);
  const policy = createPolicy(resolved.policy, judgeOptions.threshold, audits);
  const embedding = createEmbedding(scoped, embedder);

  /** The epoch in which a question was looked up: its answer is as old as that, however long it took. */
  const since = new WeakMap<Fingerprint, number>();

  /** Why an entry is not what is wanted any more. */
  async function tooOld(entry: StoredEntry, epoch: Epoch, maxAgeMs: number): Promise<Refusal | undefined> {
    if (ageOf(entry) > maxAgeMs) return "too_old";
    if (entry.since < epoch.all) return "invalidated";
    const { tags = [] } = entry;
    // Only what bears a tag, and only once something was invalidated since, costs another look.
    if (tags.length > 0 && entry.since < epoch.present) {
      const ended = (await scoped.send(["HMGET", keys.tags, ...tags], { timeoutMs })) as readonly (string | null)[];
      if (ended.some((at) => at !== null && Number(at) > entry.since)) return "invalidated";
    }
    return staleMs > 0 && entry.endsAtMs <= Date.now() ? "ended" : undefined;
  }

  /** An entry; what does not open with the scope's key is none, and is not trusted. */
  function openEntry(body: Buffer, id: string): StoredEntry | undefined {
    try {
      return toEntry(body, id, sealing);
    } catch (error) {
      if (sealing !== UNSEALED && MarrowError.is(error, "corrupt_record")) return undefined;
      throw error;
    }
  }

  async function lookupExact(question: Fingerprint, maxAgeMs: number): Promise<Lookup<V>> {
    const reply = await scoped.send(["MGET", keys.body(question.id), keys.epoch], { reply: "bytes", timeoutMs });
    const [body, known] = reply as readonly [Buffer | null, Buffer | null];
    const epoch = toEpoch(known);
    since.set(question, epoch.present);
    if (body === null) return { hit: false };
    const entry = openEntry(body, question.id);
    if (entry === undefined) return { hit: false, nearest: { similarity: 1, score: 1, veto: "unsealed" } };
    const refusal = await tooOld(entry, epoch, maxAgeMs);
    if (refusal !== undefined) {
      const stale = refusal === "ended" ? { stale: { value: entry.value as V, ageMs: ageOf(entry) } } : {};
      return { hit: false, nearest: { similarity: 1, score: 1, veto: refusal }, ...stale };
    }
    return {
      hit: true,
      match: "exact",
      id: question.id,
      value: entry.value as V,
      similarity: 1,
      score: 1,
      ageMs: ageOf(entry),
    };
  }

  async function lookupSimilar(
    question: Fingerprint,
    maxAgeMs: number,
    signal: AbortSignal | undefined,
    trace: Explanation["candidates"][number][],
  ): Promise<Lookup<V>> {
    if (embedder === undefined || !(await embedding.works())) return { hit: false };
    const vector = await embedding.vectorOf(question, signal);
    if (vector === undefined) return { hit: false };
    const reply = await runScript(
      scoped,
      findSimilar,
      {
        vectors: keys.vectors(question, embedder),
        due: keys.due(question, embedder),
        epoch: keys.epoch,
        bodies: keys.bodies,
      },
      { vector, count: CANDIDATES, effort: SEARCH_EFFORT, floor: String((1 + judgeOptions.floor) / 2 - SCORE_SLACK) },
      { reply: "bytes", timeoutMs },
    );
    const { epoch, candidates } = toCandidates(reply);
    if (!since.has(question)) since.set(question, epoch.present);
    const judge = createJudge(question.text, judgeOptions);
    let nearest: Nearest | undefined;
    for (const { id, similarity, body } of candidates) {
      if (similarity < judgeOptions.floor) {
        const judged = { similarity, score: 0, veto: "below_threshold" as const };
        trace.push({ id, ...judged });
        nearest ??= judged;
        break;
      }
      const entry = openEntry(body, id);
      if (entry === undefined) {
        nearest ??= { similarity, score: 0, veto: "unsealed" };
        continue;
      }
      const { score, refusal: judgedAs } = judge(entry.text, similarity);
      const veto = (await tooOld(entry, epoch, maxAgeMs)) ?? judgedAs;
      trace.push({ id, similarity, score, veto });
      if (veto !== undefined) {
        nearest ??= { similarity, score, veto };
        continue;
      }
      const value = entry.value as V;
      if (!(await policy.serves({ id, score }))) {
        return { hit: false, nearest: { similarity, score, veto: "unproven" }, withheld: { id, value, score } };
      }
      return {
        hit: true,
        match: "similar",
        id,
        value,
        similarity: Math.min(1, similarity),
        score,
        ageMs: ageOf(entry),
      };
    }
    return { hit: false, nearest };
  }

  /** Ends what bears one of some tags; with none named, everything. */
  async function end(names: readonly string[]): Promise<void> {
    const values = { life_ms: TTL_MS_MAX, names };
    await runScript(scoped, invalidateTags, { epoch: keys.epoch, tags: keys.tags }, values, { timeoutMs });
  }

  const asking = createAsking({ redis: scoped, keys, timeoutMs, sealing, policy, judge: judgeOptions, embedding });
  const cache: Cache<V> = {
    async lookup(question, { maxAgeMs = Infinity, tiers = "both", explain = false, signal } = {}) {
      if (maxAgeMs !== Infinity && !(maxAgeMs >= 0))
        refuse("maxAgeMs", "a number of at least 0", maxAgeMs, "invalid_input");
      const fingerprint = toFingerprint(question);
      const candidates: Explanation["candidates"][number][] = [];
      let found: Lookup<V> = { hit: false };
      if (!fingerprint.leaning) {
        if (tiers !== "similar") found = await lookupExact(fingerprint, maxAgeMs);
        if (!found.hit && tiers !== "exact") {
          found = bothMissed(found, await lookupSimilar(fingerprint, maxAgeMs, signal, candidates));
        }
      }
      if (!explain) return found;
      const { partition, id, text, leaning } = fingerprint;
      const { floor, threshold } = judgeOptions;
      const scoredBy = judgeOptions.verifier === undefined ? "cosine" : "verifier";
      const serves = await policy.threshold();
      return {
        ...found,
        explanation: {
          partition,
          id,
          asked: text,
          leaning,
          scoredBy,
          floor,
          threshold: serves ?? threshold,
          candidates,
        },
      };
    },

    async store(question, value, { ttlMs, signal } = {}) {
      const lifeMs = ttlMs === undefined ? ttlMsDefault : checkTtl("ttlMs", ttlMs);
      const fingerprint = toFingerprint(question);
      if (fingerprint.leaning) return false;
      const jittered = Math.max(1, Math.round(lifeMs * (1 - ttlJitter * Math.random())));
      const storedAtMs = Date.now();
      const { text, tags } = fingerprint;
      const bears = tags.length > 0 ? { tags } : {};
      const entry: Entry = { value, text, storedAtMs, endsAtMs: storedAtMs + jittered, ...bears };
      const body = Buffer.from(JSON.stringify(entry));
      if (body.length > entryBytesMax) return false;
      const vector = (await embedding.works()) ? await embedding.vectorOf(fingerprint, signal) : undefined;
      const index = embedder ?? { fingerprint: "none" };
      await runScript(
        scoped,
        storeEntry,
        {
          body: keys.body(fingerprint.id),
          vectors: keys.vectors(fingerprint, index),
          due: keys.due(fingerprint, index),
          epoch: keys.epoch,
        },
        {
          id: fingerprint.id,
          record: sealing.seal(encodeRecordBody(body, "dense"), fingerprint.id),
          ttl_ms: jittered + staleMs,
          vector: vector ?? "",
          sweep: SWEEP,
          since: since.get(fingerprint) ?? "",
        },
        { timeoutMs },
      );
      return true;
    },

    async forget(question) {
      const id =
        typeof question === "object" && "id" in question
          ? checkText("id", question.id, 64, "invalid_input")
          : toFingerprint(question).id;
      return Number(await scoped.send(["UNLINK", keys.body(id)], { timeoutMs, retry: "safe" })) > 0;
    },

    async invalidate(tags) {
      if (!Array.isArray(tags) || tags.length < 1 || tags.length > 1_000)
        refuse("tags", "a list of 1 to 1,000 tags; to end all answers, use clear", tags, "invalid_input");
      for (const tag of tags) checkText("tags", tag, 256, "invalid_input");
      await end([...tags]);
    },

    async clear() {
      await end([]);
    },

    async feedback(found, right) {
      audits.count(right ? "liked" : "disliked");
      if (found.match === "similar") await audits.record(found.score, right);
      if (!right) await cache.forget({ id: found.id });
    },

    async report() {
      const counts = await audits.counts();
      const of = (what: string) => counts[what] ?? 0;
      const [right, wrong] = ["right:", "wrong:"].map((start) =>
        Object.entries(counts).reduce((sum, [field, count]) => (field.startsWith(start) ? sum + count : sum), 0),
      ) as [number, number];
      return {
        withheld: of("withheld"),
        audited: right + wrong,
        wrong,
        liked: of("liked"),
        disliked: of("disliked"),
        threshold: await policy.threshold(),
      };
    },

    join: asking.join,
    through: createThrough<V>({ asking, policy, cache: () => cache }),
    stream: createStream<V>({ asking, cache: () => cache }),
  };
  return cache;
}

function ageOf({ storedAtMs }: Entry): number {
  return Math.max(0, Date.now() - storedAtMs);
}

/** What two tiers say together: the exact one knows what is stale, the other one what is near. */
function bothMissed<V>(exact: Extract<Lookup<V>, { hit: false }>, similar: Lookup<V>): Lookup<V> {
  if (similar.hit) return similar;
  const nearest = exact.nearest ?? similar.nearest;
  return {
    hit: false,
    ...(nearest && { nearest }),
    ...(exact.stale && { stale: exact.stale }),
    ...(similar.withheld && { withheld: similar.withheld }),
  };
}
