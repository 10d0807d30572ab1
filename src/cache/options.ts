import { chosenEngine, type EngineChoice } from "../vectors/index.ts";
import { staticWords, type Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkNumber, checkOneOf, checkText, refuse } from "../internal/check.ts";
import type { JudgeOptions } from "./judge.ts";
import { resolveJudging, type JudgingOptions, type QuestionJudge, type ResolvedJudging } from "./judging/index.ts";
import type { Level } from "./proof/index.ts";
import { createSealing, UNSEALED, type Sealing } from "./sealing.ts";
import { FEATURES } from "./verifier/features.ts";
import type { Logistic } from "./verifier/logistic.ts";
import { WEIGHTS } from "./verifier/weights.gen.ts";

/** Tolerance of the proof that similar questions need. `docs/roles/cache.md` explains each level and its cost. */
export type Preset = Level;

/** All presets, strictest first. */
export const PRESETS = ["strict", "balanced", "aggressive"] as const;

/**
 * Returns whether a stored answer is as good as a fresh one, or `undefined` if it cannot decide. If it throws, that counts as `undefined`.
 */
export type Judge<V> = (pair: {
  readonly question: string;
  readonly stored: V;
  readonly fresh: V;
}) => boolean | undefined | Promise<boolean | undefined>;

/** Policy for serving similar questions. */
export type Policy<V> =
  /** Serves from a fixed score on. */
  | { readonly kind: "static" }
  /** Serves no similar answer, but counts those it would have served; with a judge also how many would have been wrong. */
  | { readonly kind: "shadow"; readonly judge?: Judge<V> | undefined }
  /** Serves from the score at which enough audited answers were right; none before that. */
  | {
      readonly kind: "calibrated";
      readonly judge: Judge<V>;
      /** Required fraction of right answers among the served ones, .5 to .999. @default 0.97 */
      readonly target?: number | undefined;
      /**
       * Fraction of served answers that are audited: the model is called in the background and both answers are compared. 0 to 1. @default
       * 0.05
       */
      readonly auditRate?: number | undefined;
    }
  /** Learns a threshold for each entry from comparisons with fresh answers, after the vCache paper. */
  | {
      readonly kind: "verified";
      readonly judge: Judge<V>;
      /** Allowed fraction of wrong answers over all near questions, .001 to .2. Among the served ones it is larger. @default 0.02 */
      readonly errorMax?: number | undefined;
    };

/** Options of `createCache`. */
export interface CacheOptions<V = unknown> {
  /** Name of this cache within its scope. */
  readonly name: string;
  /** Embedder of questions. @default none: the exact tier only */
  readonly embedder?: Embedder | undefined;
  /** @default "strict" */
  readonly preset?: Preset | undefined;
  /**
   * Score that orders near questions and sorts audits: the `cosine`, or the `verifier`'s probability that one answer serves both. Neither
   * replaces a proof. @default "cosine" with the `static` policy or an embedder without weights, else "verifier"
   */
  readonly score?: "verifier" | "cosine" | undefined;
  /** Weights of the verifier instead of the shipped ones, as `marrow cache fit` writes them. */
  readonly verifier?: Logistic | undefined;
  /** Score that a proven question must also have to serve, 0 to 1. @default 0 */
  readonly minScore?: number | undefined;
  /**
   * Least cosine of a stored question to be compared, 0 to 1. @default 0: the nearest five are compared, since a proof needs no similarity
   */
  readonly minSimilarity?: number | undefined;
  /**
   * Decides for near misses whether one answer serves both questions, such as {@link modelJudge}. The verdict `same` makes the asked
   * wording an alias of the stored entry. A function judges in the `background`; pass {@link JudgingOptions} to change that. @default none
   */
  readonly judge?: QuestionJudge<V> | JudgingOptions<V> | undefined;
  /** @default { kind: "static" } */
  readonly policy?: Policy<V> | undefined;
  /** TTL of an answer, in milliseconds, 1 to 366 days. @default 86_400_000 (one day) */
  readonly ttlMs?: number | undefined;
  /**
   * TTL of an answer whose question is bound to time, such as "what is the weather today", in milliseconds, 1 to 366 days; never longer than
   * `ttlMs`. Hits do not renew it. It does not apply to an answer that is stored with a `ttlMs` of its own. `false`: such questions are like
   * all others. @default 600_000 (ten minutes)
   */
  readonly timeBoundTtlMs?: number | false | undefined;
  /**
   * Time after its TTL during which `through` may still serve an answer while it is refreshed or if refreshing fails, in milliseconds, 0 to
   * 366 days. `lookup` never serves an expired answer. @default 0
   */
  readonly staleMs?: number | undefined;
  /**
   * `sliding`: each hit renews the answer's own TTL, up to `slidingMsMax` after it was stored. Excludes `staleMs`. @default "none"
   */
  readonly refreshOnHit?: "none" | "sliding" | undefined;
  /** With `sliding`, the longest lifetime of an answer since it was stored, in milliseconds. @default seven times `ttlMs` */
  readonly slidingMsMax?: number | undefined;
  /**
   * Entries that this cache keeps in this scope. Beyond it, those that saved least for their size are evicted first (Greedy-Dual-Size-
   * Frequency: hits times `saves`, by bytes, with ageing). @default no bound
   */
  readonly entriesMax?: number | undefined;
  /**
   * Bytes that the entries may take, by estimate: each counts as its record, its vector and 600 bytes. @default no bound
   */
  readonly bytesMax?: number | undefined;
  /**
   * `compact`: vectors of questions are stored as bits, and near questions are embedded again for an exact comparison. This saves memory
   * and costs one more embedder call per near question; `docs/roles/cache.md` has figures, also of missed ones. Each profile has its own
   * index, fixed by the first store. @default "full"
   */
  readonly profile?: "full" | "compact" | undefined;
  /**
   * Part by which TTLs are shortened at random, so that entries that were stored together do not expire together; 0 to 0.5. @default 0
   */
  readonly ttlJitter?: number | undefined;
  /**
   * A key of 32 bytes for this scope, with which entries are encrypted (AES-256-GCM). An entry that was written or moved without the key is
   * a miss. Deleting the key makes all entries of the scope unreadable. The vectors of questions are not encrypted. @default not encrypted
   */
  readonly sealKey?: Uint8Array | undefined;
  /** Largest entry, in bytes of JSON. A larger one is not stored. @default 1_048_576 */
  readonly entryBytesMax?: number | undefined;
  /** Longest wait for one reply of Redis, in milliseconds. @default 250 */
  readonly timeoutMs?: number | undefined;
  /** Vector engine of the similar tier, as in `marrow/vectors`. @default "auto", the engine recorded for the installation */
  readonly engine?: EngineChoice | undefined;
}

export interface ResolvedCacheOptions<V> {
  readonly name: string;
  readonly embedder: Embedder | undefined;
  readonly judge: JudgeOptions;
  /** Identifies how scores are computed. Audits of one kind of score are no evidence for another kind. */
  readonly judged: string;
  readonly judging: ResolvedJudging<V> | undefined;
  readonly policy: Policy<V>;
  readonly ttlMs: number;
  /** `undefined` where questions bound to time are like all others. */
  readonly timeBoundTtlMs: number | undefined;
  readonly staleMs: number;
  readonly ttlJitter: number;
  readonly slidingMsMax: number | undefined;
  readonly bounds: Bounds | undefined;
  readonly compact: boolean;
  readonly sealing: Sealing;
  readonly entryBytesMax: number;
  readonly timeoutMs: number;
  readonly engine: EngineChoice;
}

/** Bounds on a cache's size in its scope. */
export interface Bounds {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** Default TTL of an answer: one day. */
export const TTL_MS_DEFAULT = 86_400_000;
/** Longest TTL of an answer: 366 days. */
export const TTL_MS_MAX: number = 366 * 86_400_000;

/** Longest fingerprint of an embedder that every engine takes. */
const FINGERPRINT_CHARS_MAX = 1_024;
/**
 * Least cosine of an unproven near miss, by embedder. Paraphrases nearly always exceed it; lower ones are reported as `below_threshold`.
 */
const NEAR: ReadonlyMap<string, number> = new Map(Object.entries({ "static-256": 0.68, "all-MiniLM-L6-v2": 0.65 }));
const NEAR_OTHER = 0.5;

/** Fills defaults and checks ranges. @throws MarrowError `invalid_option` */
export function resolveOptions<V>(options: CacheOptions<V>): ResolvedCacheOptions<V> {
  const id = options.embedder?.id ?? "";
  const preset = checkOneOf("preset", options.preset ?? "strict", PRESETS);
  const policy = checkPolicy(options.policy ?? { kind: "static" });
  // Policies that learn from audits sort them by score, where the verifier separates near questions better than the cosine.
  const usual = options.verifier !== undefined || (policy.kind !== "static" && Object.hasOwn(WEIGHTS, id));
  const score = checkOneOf("score", options.score ?? (usual ? "verifier" : "cosine"), ["verifier", "cosine"]);
  const verifier =
    score === "verifier"
      ? checkWeights(options.verifier ?? (Object.hasOwn(WEIGHTS, id) ? WEIGHTS[id] : undefined), id)
      : undefined;
  const floor = options.minSimilarity ?? 0;
  const judging = options.judge === undefined ? undefined : resolveJudging(options.judge);
  const threshold = options.minScore ?? 0;
  const ttlMs = checkTtl("ttlMs", options.ttlMs ?? TTL_MS_DEFAULT);
  const staleMs = checkInteger("staleMs", options.staleMs ?? 0, { min: 0, max: TTL_MS_MAX });
  const refreshOnHit = checkOneOf("refreshOnHit", options.refreshOnHit ?? "none", ["none", "sliding"]);
  if (refreshOnHit === "sliding" && staleMs > 0)
    throw new MarrowError("invalid_option", 'refreshOnHit "sliding" and staleMs exclude each other', {
      details: { path: "refreshOnHit" },
    });
  if (options.embedder !== undefined)
    checkText("embedder.fingerprint", options.embedder.fingerprint, FINGERPRINT_CHARS_MAX);
  return {
    name: checkText("name", options.name, 128),
    embedder: options.embedder,
    judge: {
      level: preset,
      verifier,
      floor: checkNumber("minSimilarity", floor, { min: 0, max: 1 }),
      near: Math.min(NEAR.get(id) ?? NEAR_OTHER, judging?.floor ?? 1),
      threshold: checkNumber("minScore", threshold, { min: 0, max: 1 }),
      words: verifier === undefined ? noWords : staticWords(),
    },
    judged: `${options.embedder?.fingerprint ?? "none"}.${score}.${verifier?.intercept ?? 0}`,
    judging,
    policy,
    ttlMs,
    timeBoundTtlMs: toTimeBoundTtl(options.timeBoundTtlMs, ttlMs),
    staleMs,
    slidingMsMax:
      refreshOnHit === "none"
        ? undefined
        : checkTtl("slidingMsMax", options.slidingMsMax ?? Math.min(7 * ttlMs, TTL_MS_MAX)),
    bounds: toBounds(options),
    compact: checkOneOf("profile", options.profile ?? "full", ["full", "compact"]) === "compact",
    ttlJitter: checkNumber("ttlJitter", options.ttlJitter ?? 0, { min: 0, max: 0.5 }),
    sealing: options.sealKey === undefined ? UNSEALED : createSealing(options.sealKey),
    entryBytesMax: checkInteger("entryBytesMax", options.entryBytesMax ?? 1_048_576, { min: 64, max: 64 * 1_048_576 }),
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? 250, { min: 1, max: 60_000 }),
    engine: chosenEngine(options),
  };
}

/** Default TTL of an answer whose question is bound to time. */
const TIME_BOUND_TTL_MS_DEFAULT = 600_000;

function toTimeBoundTtl(given: CacheOptions["timeBoundTtlMs"], ttlMs: number): number | undefined {
  if (given === false) return undefined;
  const boundMs = checkTtl("timeBoundTtlMs", given ?? TIME_BOUND_TTL_MS_DEFAULT);
  return boundMs < ttlMs ? boundMs : undefined;
}

function toBounds({ entriesMax, bytesMax }: Pick<CacheOptions, "entriesMax" | "bytesMax">): Bounds | undefined {
  if (entriesMax === undefined && bytesMax === undefined) return undefined;
  return {
    entriesMax: checkInteger("entriesMax", entriesMax ?? Number.MAX_SAFE_INTEGER, { min: 1 }),
    bytesMax: checkInteger("bytesMax", bytesMax ?? Number.MAX_SAFE_INTEGER, { min: 1_024 }),
  };
}

/** Checks a TTL in milliseconds. @throws MarrowError `invalid_option` */
export function checkTtl(path: string, ttlMs: number): number {
  return checkInteger(path, ttlMs, { min: 1, max: TTL_MS_MAX });
}

function checkWeights(weights: Logistic | undefined, embedder: string): Logistic {
  if (weights === undefined)
    throw new MarrowError(
      "invalid_option",
      `the verifier has no weights for the embedder ${embedder}: pass verifier, or score "cosine"`,
      {
        details: { path: "verifier" },
      },
    );
  const numbers = [weights.intercept, ...weights.weights];
  if (weights.weights.length !== FEATURES.length || !numbers.every((value) => Number.isFinite(value)))
    refuse("verifier", `an intercept and ${FEATURES.length} finite weights`, weights);
  return weights;
}

function checkPolicy<V>(policy: Policy<V>): Policy<V> {
  checkOneOf("policy.kind", policy.kind, ["static", "shadow", "calibrated", "verified"]);
  if (policy.kind === "static") return policy;
  if (policy.judge !== undefined || policy.kind !== "shadow") {
    if (typeof policy.judge !== "function") refuse("policy.judge", "a function", policy.judge);
  }
  if (policy.kind === "calibrated") {
    checkNumber("policy.target", policy.target ?? 0.97, { min: 0.5, max: 0.999 });
    checkNumber("policy.auditRate", policy.auditRate ?? 0.05, { min: 0, max: 1 });
  }
  if (policy.kind === "verified") checkNumber("policy.errorMax", policy.errorMax ?? 0.02, { min: 0.001, max: 0.2 });
  return policy;
}

function noWords(): never {
  throw new MarrowError("internal", "words are compared by the verifier alone");
}
