import type { Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { checkNumber, checkText, refuse } from "../internal/check.ts";
import { isCertainlyOver } from "../internal/json-pieces.ts";
import { inSlices } from "../internal/time-slice.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { checkScope, encodeRecordBodyBeside, runScript, type ScopedRedis } from "../redis/index.ts";
import { createAsking } from "./asking.ts";
import { createAudits } from "./audits.ts";
import { toAlias } from "./alias.ts";
import { ageOf, createEntries, type Clock } from "./entries.ts";
import { toCandidates, type Candidate, type Entry, type StoredEntry } from "./entry.ts";
import { fromStoredCost, toStoredCost } from "./cost.ts";
import { createJudge } from "./judge.ts";
import { createListing } from "./listing.ts";
import { toCurve } from "./curve.ts";
import { checkJob, createJudging, type NearMiss } from "./judging/index.ts";
import { createEmbedding } from "./embedding.ts";
import { createForgetting } from "./forgetting.ts";
import { cacheKeys, indexName } from "./keys.ts";
import { bothMissed, type Cache, type Explanation, type Lookup, type LookupOptions, type Nearest } from "./lookup.ts";
import { checkTtl, resolveOptions, TTL_MS_MAX, type CacheOptions } from "./options.ts";
import { createPolicy } from "./policy.ts";
import { read, READ_CHARS_MAX } from "./proof/index.ts";
import { toFingerprint, type Fingerprint } from "./question.ts";
import { forgetEntry, invalidateTags, storeEntry } from "./scripts.gen.ts";
import { createQuestions, NOT_INDEXED } from "./questions.ts";
import { createStream } from "./stream.ts";
import { createThrough } from "./through.ts";
import { isTimeBound } from "./time-bound.ts";
import { createUpkeep } from "./upkeep.ts";

/** Candidates that are compared. Each needs a proof, so more of them find more without being wrong more often; beyond five hardly any. */
const CANDIDATES = 5;
/** Index entries that a store checks together after it met an expired one; with fewer, more expired ones stay in the index. */
const SAMPLE = 16;
/** Links of a question in the graph. */
const LINKS = 8;
const COMPACT_LINKS = 5;

/**
 * Makes the cache of one scope. `now` returns the time for the ages of answers; pass another clock to replay old requests.
 * @throws MarrowError `invalid_option`
 */
export function createCache<V>(redis: ScopedRedis, options: CacheOptions<V>, now: Clock = Date.now): Cache<V> {
  const scoped = checkScope(redis);
  const resolved = resolveOptions(options);
  const {
    name,
    embedder,
    judge: judgeOptions,
    ttlMs: ttlMsDefault,
    timeBoundTtlMs,
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
  const embedding = createEmbedding(scoped, embedder, resolved.engine);
  const index = indexName(embedder?.fingerprint, compact);
  const { engine } = resolved;
  const questions = createQuestions({ redis: scoped, keys, name, index, embedder, engine, timeoutMs });
  const upkeep = createUpkeep({ redis: scoped, keys, index, questions, bounds, slidingMsMax, timeoutMs });
  const aliases = resolved.judging !== undefined;
  const entries = createEntries({ redis: scoped, keys, sealing, timeoutMs, staleMs, aliases, now });
  const graph = { quantisation: compact ? ("BIN" as const) : ("Q8" as const), links: compact ? COMPACT_LINKS : LINKS };
  const judging =
    resolved.judging &&
    createJudging<V>({
      redis: scoped,
      keys,
      options: resolved.judging,
      entries,
      embedding,
      sealing,
      index: { name: index, ...graph },
      questions,
      bytesMax: bounds?.bytesMax,
      timeoutMs,
      count: (what) => audits.count(`judge.${what}`),
    });
  /** Cosine from which stored questions are wanted: the judge may look further than the proof. */
  const nearFrom = Math.min(judgeOptions.floor, judging?.floor ?? 1);

  /** The epoch and the time in which a question was looked up: its answer is as old as that, however long it took. */
  const since = new WeakMap<Fingerprint, { readonly epoch: number; readonly atMs: number }>();

  async function lookupExact(question: Fingerprint, maxAgeMs: number): Promise<Lookup<V>> {
    const { epoch, id, entry, unsealed } = await entries.find(question);
    since.set(question, { epoch: epoch.present, atMs: performance.now() });
    if (entry === undefined)
      return { hit: false, ...(unsealed && { nearest: { similarity: 1, score: 1, veto: "unsealed" } }) };
    const refusal = await entries.tooOld(entry, epoch, maxAgeMs);
    const own = id === question.id;
    if (refusal !== undefined) {
      const stale =
        refusal === "ended" && own ? { stale: { value: entry.value as V, ageMs: ageOf(entry, now()) } } : {};
      return { hit: false, nearest: { similarity: 1, score: 1, veto: refusal }, ...stale };
    }
    const found = { ...toHit(question, id, entry), similarity: 1, score: 1 };
    // A caller that stores this question from here on intends to replace the alias.
    if (!own) judging?.offered(question);
    return own ? { ...found, match: "exact" } : { ...found, match: "alias", wording: question.id };
  }

  async function lookupSimilar(
    question: Fingerprint,
    { maxAgeMs = Infinity, signal, judge: mayJudge = true, subject, explain = false }: LookupOptions,
    trace: Explanation["candidates"][number][],
  ): Promise<Lookup<V>> {
    if (embedder === undefined) return { hit: false };
    if (question.text.length > READ_CHARS_MAX)
      return { hit: false, nearest: { similarity: 0, score: 0, veto: "length" } };
    if (!canRead(embedder, question)) return { hit: false, nearest: { similarity: 0, score: 0, veto: "unreadable" } };
    if (!(await embedding.works())) return { hit: false };
    const vector = await embedding.vectorOf(question, signal);
    if (vector === undefined) return { hit: false };
    // Only vector sets keep single bits.
    const inBits = compact && (await questions.inSets());
    const wanted = { vector, count: Math.max(CANDIDATES, judging?.wanted ?? 0), from: nearFrom, inBits };
    const reply = await questions.find(question, wanted).catch(embedding.unlessLost);
    if (reply === undefined) return { hit: false };
    const { epoch, candidates: near } = toCandidates(reply);
    const candidates: readonly (Candidate & { readonly entry?: StoredEntry })[] = inBits
      ? await exactly(question, near, signal)
      : near;
    if (!since.has(question)) since.set(question, { epoch: epoch.present, atMs: performance.now() });
    // Only a judge and an explanation look at which reason came first.
    const quick = judging === undefined && !explain;
    const judge = createJudge(question.text, { ...judgeOptions, floor: nearFrom, quick });
    let nearest: Nearest | undefined;
    const misses: NearMiss[] = [];
    for await (const { wording, id, similarity, body, alias, entry: opened } of inSlices(candidates)) {
      if (similarity < nearFrom) {
        const judged = { similarity, score: 0, veto: "below_threshold" as const };
        trace.push({ id, ...judged });
        nearest ??= judged;
        break;
      }
      const known = alias.length === 0 ? undefined : toAlias(alias, wording, body, sealing);
      // The entry was stored anew since: its old wordings say nothing of it.
      if (alias.length > 0 && known === undefined) continue;
      const own = opened ?? entries.open(body, id);
      const entry = own instanceof Promise ? await own : own;
      if (entry === undefined) {
        nearest ??= { similarity, score: 0, veto: "unsealed" };
        continue;
      }
      const text = known?.text ?? entry.text;
      const { score, refusal: judgedAs } = judge(text, similarity);
      const far = similarity < judgeOptions.floor ? ("below_threshold" as const) : undefined;
      const veto = (await entries.tooOld(entry, epoch, maxAgeMs)) ?? judgedAs ?? far;
      trace.push({ id, similarity, score, veto, prompt: text });
      if (veto !== undefined) {
        const isFar = similarity < judgeOptions.near && veto === judgedAs;
        nearest ??= { similarity, score, veto: isFar ? "below_threshold" : veto };
        misses.push({ id, similarity, refusal: veto, entry, body });
        continue;
      }
      const value = entry.value as V;
      if (!(await policy.serves({ id, score }))) {
        return { hit: false, nearest: { similarity, score, veto: "unproven" }, withheld: { id, value, score } };
      }
      return { ...toHit(question, id, entry), match: "similar", similarity: Math.min(1, similarity), score };
    }
    const same = mayJudge ? await judging?.offer(question, misses, subject) : undefined;
    if (same === undefined || ageOf(same.entry, now()) > maxAgeMs) return { hit: false, nearest };
    const { similarity, score } = nearest ?? { similarity: 0, score: 0 };
    const hit = toHit(question, same.id, same.entry);
    return { ...hit, match: "judged", wording: question.id, similarity: Math.min(1, similarity), score };
  }

  /** Returns the TTL of an answer to a question. */
  function lifeOf(text: string): number {
    return timeBoundTtlMs !== undefined && isTimeBound(text) ? timeBoundTtlMs : ttlMsDefault;
  }

  /** Builds the fields that every kind of hit has. */
  function toHit(question: Fingerprint, id: string, entry: StoredEntry) {
    upkeep.served(question, id, entry, slidingMsMax !== undefined && lifeOf(entry.text) === ttlMsDefault);
    const cost = fromStoredCost(entry.cost);
    const known = cost === undefined ? undefined : { cost };
    return {
      hit: true as const,
      id,
      value: entry.value as V,
      prompt: entry.text,
      ageMs: ageOf(entry, now()),
      ...known,
    };
  }

  /** Candidates by their true similarity, which bits only hint at. */
  async function exactly(
    question: Fingerprint,
    near: readonly Candidate[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (Candidate & { readonly entry: StoredEntry })[]> {
    const opened: (Candidate & { readonly entry: StoredEntry })[] = [];
    for await (const candidate of inSlices(near)) {
      const entry = candidate.body.length > 0 ? await entries.open(candidate.body, candidate.id) : undefined;
      if (entry !== undefined) opened.push({ ...candidate, entry });
    }
    const texts = opened.map(
      ({ wording, body, alias, entry }) => toAlias(alias, wording, body, sealing)?.text ?? entry.text,
    );
    const similarities = texts.length === 0 ? [] : await embedding.similarities(question, texts, signal);
    return opened
      .map((candidate, at) => ({ ...candidate, similarity: similarities[at] as number }))
      .toSorted((a, b) => b.similarity - a.similarity)
      .slice(0, Math.max(CANDIDATES, judging?.wanted ?? 0));
  }

  /** Ends what bears one of some tags; with none named, everything. */
  async function end(names: readonly string[]): Promise<void> {
    const values = { life_ms: TTL_MS_MAX, names };
    await runScript(scoped, invalidateTags, { epoch: keys.epoch, tags: keys.tags }, values, { timeoutMs });
  }

  const asking = createAsking({ redis: scoped, keys, timeoutMs, sealing, policy, judge: judgeOptions, embedding });
  const cache: Cache<V> = {
    ...createListing<V>({ redis: scoped, keys, entries, sealing, timeoutMs }),
    isSemantic: embedder !== undefined,

    async lookup(question, wanted = {}) {
      const { maxAgeMs = Infinity, tiers = "both", explain = false } = wanted;
      if (maxAgeMs !== Infinity && !(maxAgeMs >= 0))
        refuse("maxAgeMs", "a number of at least 0", maxAgeMs, "invalid_input");
      const fingerprint = toFingerprint(question);
      const candidates: Explanation["candidates"][number][] = [];
      let found: Lookup<V> = { hit: false };
      if (!fingerprint.followUp) {
        if (tiers !== "similar") found = await lookupExact(fingerprint, maxAgeMs);
        if (!found.hit && tiers !== "exact") {
          found = bothMissed(found, await lookupSimilar(fingerprint, wanted, candidates));
        }
      }
      if (!explain) return found;
      const { partition, id, text, followUp } = fingerprint;
      const { floor, threshold } = judgeOptions;
      const scoredBy = judgeOptions.verifier === undefined ? "cosine" : "verifier";
      const serves = await policy.threshold();
      return {
        ...found,
        explanation: {
          partition,
          id,
          asked: text,
          followUp,
          scoredBy,
          floor,
          threshold: serves ?? threshold,
          candidates,
        },
      };
    },

    async store(question, value, { ttlMs, saves = 1, cost, subject, signal } = {}) {
      const fingerprint = toFingerprint(question);
      const lifeMs = ttlMs === undefined ? lifeOf(fingerprint.text) : checkTtl("ttlMs", ttlMs);
      if (fingerprint.followUp || isCertainlyOver(value, entryBytesMax)) return false;
      const jittered = Math.max(1, Math.round(lifeMs * (1 - ttlJitter * Math.random())));
      const storedAtMs = now();
      const { text, tags } = fingerprint;
      const bears = { ...(tags.length > 0 && { tags }), ...(cost !== undefined && { cost: toStoredCost(cost) }) };
      const entry: Entry = { value, text, storedAtMs, endsAtMs: storedAtMs + jittered, ...bears };
      const body = encodeWritable("value", value, () => Buffer.from(JSON.stringify(entry)));
      if (body.length > entryBytesMax) return false;
      const hasVector = !embedding.isOff && (await embedding.works());
      const vector = hasVector ? await embedding.vectorOf(fingerprint, signal) : undefined;
      const plain = encodeRecordBodyBeside(body, compact ? "densest" : "dense");
      const record = sealing.seal(plain instanceof Promise ? await plain : plain, fingerprint.id);
      const bytes = record.length + (vector === undefined ? 0 : vector.length / (compact ? 32 : 4));
      if (!upkeep.fits(bytes)) return false;
      const keptMs = jittered + staleMs;
      // Sent first, and so run first. If the store fails, the reserved space is counted until the TTL ends; the bounds are never exceeded.
      const room = upkeep.admit(fingerprint, {
        bytes,
        saves: checkNumber("saves", saves, { min: 0 }, "invalid_input"),
        ttlMs: keptMs,
      });
      // Waited for below; a failure before that is no unhandled one.
      room?.catch(() => {});
      const { inScript, add } =
        vector === undefined ? NOT_INDEXED : await questions.add(fingerprint, vector, slidingMsMax ?? keptMs);
      const asked = since.get(fingerprint);
      const storing = runScript(
        scoped,
        storeEntry,
        {
          body: keys.body(fingerprint.id),
          vectors: keys.vectors(fingerprint, index),
          epoch: keys.epoch,
          bodies: keys.bodies,
          aliases: keys.aliases,
          subject: subject === undefined ? keys.body(fingerprint.id) : keys.subject(subject),
          forgotten: subject === undefined ? keys.body(fingerprint.id) : keys.forgotten(subject),
        },
        {
          id: fingerprint.id,
          partition: subject === undefined ? "" : fingerprint.partition,
          record,
          ttl_ms: keptMs,
          vector: inScript,
          sample: SAMPLE,
          ...graph,
          since: asked?.epoch ?? "",
          keep_alias: judging?.offered(fingerprint) === true ? 1 : 0,
          asked_ago: asked === undefined ? -1 : Math.ceil(performance.now() - asked.atMs),
        },
        { timeoutMs },
      );
      const stored = storing.catch(embedding.unlessLost);
      // Most stores wait for their script alone.
      const isAlone = room === undefined && add === undefined;
      const [reply] = isAlone ? [await stored] : await Promise.all([stored, room, add?.().catch(embedding.unlessLost)]);
      if (reply !== -1) return true;
      await questions.remove([`${fingerprint.id}|${fingerprint.partition}`]);
      return false;
    },

    async forget(question) {
      const id =
        typeof question === "object" && "id" in question
          ? checkText("id", question.id, 64, "invalid_input")
          : toFingerprint(question).id;
      const at = { body: keys.body(id), bodies: keys.bodies, aliases: keys.aliases };
      return Number(await runScript(scoped, forgetEntry, at, { id }, { timeoutMs })) > 0;
    },

    forgetSubject: createForgetting({ redis: scoped, keys, questions, index, timeoutMs }),

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
      if (found.match === "similar") await policy.record(found.score, right);
      if (right) return;
      if (found.wording !== undefined) await judging?.overrule(found.wording, found.id, "different");
      await cache.forget({ id: found.id });
    },

    audit: ({ score }, same) => policy.record(checkNumber("score", score, { min: 0, max: 1 }, "invalid_input"), same),

    async judge(job) {
      if (judging === undefined) throw new MarrowError("unsupported", "this cache has no judge");
      return (await judging.judge(checkJob(job))) && "same";
    },

    async report() {
      const counts = await audits.counts();
      const of = (what: string) => counts[what] ?? 0;
      return {
        withheld: of("withheld"),
        audited: of("audited"),
        wrong: of("wrong"),
        liked: of("liked"),
        disliked: of("disliked"),
        threshold: await policy.threshold(),
        curve: toCurve(await audits.ledgers()),
        judge: Object.fromEntries(
          Object.entries(counts).flatMap(([field, count]) =>
            field.startsWith("judge.") ? [[field.slice("judge.".length), count] as const] : [],
          ),
        ),
      };
    },

    join: asking.join,
    through: createThrough<V>({ asking, policy, cache: () => cache }),
    stream: createStream<V>({ asking, cache: () => cache }),
  };
  return cache;
}

/** Returns whether an embedder supports the question's language: English unless it declares more. */
function canRead({ languages = ENGLISH }: Embedder, { text }: Fingerprint): boolean {
  return languages.some((one) => one !== "en") || read(text).readable();
}

const ENGLISH: readonly string[] = ["en"];
