import { MarrowError } from "../errors.ts";
import { checkNumber, checkText, refuse } from "../internal/check.ts";
import { checkScope, encodeRecordBody, runScript, type ScopedRedis } from "../redis/index.ts";
import { createAsking } from "./asking.ts";
import { createAudits } from "./audits.ts";
import { toCandidates, toEntry, toEpoch, type Candidate, type Entry, type Epoch, type StoredEntry } from "./entry.ts";
import { createJudge, type Refusal } from "./judge.ts";
import { createEmbedding } from "./embedding.ts";
import { cacheKeys } from "./keys.ts";
import type { Cache, Explanation, Lookup, Nearest } from "./lookup.ts";
import { checkTtl, resolveOptions, TTL_MS_MAX, type CacheOptions } from "./options.ts";
import { createPolicy } from "./policy.ts";
import { toFingerprint, type Fingerprint } from "./question.ts";
import { UNSEALED } from "./sealing.ts";
import { findSimilar, forgetSubject, invalidateTags, storeEntry } from "./scripts.gen.ts";
import { createStream } from "./stream.ts";
import { createThrough } from "./through.ts";
import { createUpkeep } from "./upkeep.ts";

/** Candidates that are judged. More than three changed nothing when measured. */
const CANDIDATES = 3;
/** How widely the index is searched: with the graph that store_entry builds, .994 of near neighbours are found. */
const SEARCH_EFFORT = 50;
/** Scores are rounded on their way; what is near enough is decided here, not in the script. */
const SCORE_SLACK = 1e-6;
/** Questions of the index that a store looks at: of those in it, one in so many has ended, in the long run. */
const SAMPLE = 8;
/** Answers of a subject that one script forgets. */
const FORGOTTEN_AT_ONCE = 256;
/** Links of a question in the graph. */
const LINKS = 8;
/** In the compact profile scores are of bits, and off by some hundredths: more is looked at, and then compared exactly. */
const BITS_SLACK = 0.05;
const COMPACT_CANDIDATES = 8;
const COMPACT_LINKS = 5;

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
    bounds,
    slidingMsMax,
    compact,
    timeoutMs,
  } = resolved;
  const keys = cacheKeys(scoped, name);
  const audits = createAudits(scoped, keys.audits(resolved.judged), ttlMsDefault + staleMs, timeoutMs);
  const policy = createPolicy(resolved.policy, judgeOptions.threshold, audits);
  const embedding = createEmbedding(scoped, embedder);
  const index = `${embedder?.fingerprint ?? "none"}${compact ? ".bits" : ""}`;
  const upkeep = createUpkeep({ redis: scoped, keys, index, bounds, slidingMsMax, timeoutMs });

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
    upkeep.served(question, question.id, entry);
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
        vectors: keys.vectors(question, index),
        epoch: keys.epoch,
        bodies: keys.bodies,
      },
      {
        vector,
        count: compact ? COMPACT_CANDIDATES : CANDIDATES,
        effort: SEARCH_EFFORT,
        floor: String(
          compact ? scoreOfBits(judgeOptions.floor) - BITS_SLACK : scoreOf(judgeOptions.floor) - SCORE_SLACK,
        ),
      },
      { reply: "bytes", timeoutMs },
    );
    const { epoch, candidates: near } = toCandidates(reply);
    const candidates: readonly (Candidate & { readonly entry?: StoredEntry })[] = compact
      ? await exactly(question, near, signal)
      : near;
    if (!since.has(question)) since.set(question, epoch.present);
    const judge = createJudge(question.text, judgeOptions);
    let nearest: Nearest | undefined;
    for (const { id, similarity, body, entry: opened } of candidates) {
      if (similarity < judgeOptions.floor) {
        const judged = { similarity, score: 0, veto: "below_threshold" as const };
        trace.push({ id, ...judged });
        nearest ??= judged;
        break;
      }
      const entry = opened ?? openEntry(body, id);
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
      upkeep.served(question, id, entry);
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

  /** Candidates by their true similarity, which bits only hint at. */
  async function exactly(
    question: Fingerprint,
    near: readonly Candidate[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (Candidate & { readonly entry: StoredEntry })[]> {
    const opened = near.flatMap((candidate) => {
      const entry = candidate.body.length > 0 ? openEntry(candidate.body, candidate.id) : undefined;
      return entry === undefined ? [] : [{ ...candidate, entry }];
    });
    const texts = opened.map(({ entry }) => entry.text);
    const similarities = texts.length === 0 ? [] : await embedding.similarities(question, texts, signal);
    return opened
      .map((candidate, at) => ({ ...candidate, similarity: similarities[at] as number }))
      .toSorted((a, b) => b.similarity - a.similarity)
      .slice(0, CANDIDATES);
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

    async store(question, value, { ttlMs, saves = 1, subject, signal } = {}) {
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
      const record = sealing.seal(encodeRecordBody(body, compact ? "densest" : "dense"), fingerprint.id);
      const bytes = record.length + (vector === undefined ? 0 : vector.length / (compact ? 32 : 4));
      if (!upkeep.fits(bytes)) return false;
      const keptMs = jittered + staleMs;
      // Sent first, and so run first: what could not be stored after all takes room until its end, and never more than the bounds.
      const room = upkeep.admit(fingerprint, {
        bytes,
        saves: checkNumber("saves", saves, { min: 0 }, "invalid_input"),
        ttlMs: keptMs,
      });
      const stored = runScript(
        scoped,
        storeEntry,
        {
          body: keys.body(fingerprint.id),
          vectors: keys.vectors(fingerprint, index),
          epoch: keys.epoch,
          bodies: keys.bodies,
          subject: subject === undefined ? keys.body(fingerprint.id) : keys.subject(subject),
        },
        {
          id: fingerprint.id,
          partition: subject === undefined ? "" : fingerprint.partition,
          record,
          ttl_ms: keptMs,
          vector: vector ?? "",
          sample: SAMPLE,
          quantisation: compact ? "BIN" : "Q8",
          links: compact ? COMPACT_LINKS : LINKS,
          since: since.get(fingerprint) ?? "",
        },
        { timeoutMs },
      );
      await Promise.all([room, stored]);
      return true;
    },

    async forget(question) {
      const id =
        typeof question === "object" && "id" in question
          ? checkText("id", question.id, 64, "invalid_input")
          : toFingerprint(question).id;
      return Number(await scoped.send(["UNLINK", keys.body(id)], { timeoutMs, retry: "safe" })) > 0;
    },

    async forgetSubject(subject) {
      const of = { subject: keys.subject(subject), bodies: keys.bodies, ...keys.stock };
      const vectors = keys.vectors({ partition: "" }, index);
      for (let forgotten = 0; ;) {
        const reply = await runScript(scoped, forgetSubject, { ...of, vectors }, { count: FORGOTTEN_AT_ONCE });
        const [looked, found] = reply as [number, number];
        forgotten += found;
        if (looked < FORGOTTEN_AT_ONCE) return forgotten;
      }
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

/** What vector sets score two vectors of a cosine. */
function scoreOf(cosine: number): number {
  return (1 + cosine) / 2;
}

/** What they score the bits of two such vectors: the part of signs that are equal, about. */
function scoreOfBits(cosine: number): number {
  return 1 - Math.acos(Math.min(1, cosine)) / Math.PI;
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
