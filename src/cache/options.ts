import type { Embedder } from "../embedders/index.ts";
import { checkInteger, checkNumber, checkOneOf, checkText } from "../internal/check.ts";

/** How near is near enough: a preset, measured for each built-in embedder. */
export type Preset = "strict" | "balanced" | "aggressive";

/** Options of `createCache`. */
export interface CacheOptions {
  /** Name of this cache within its scope. */
  readonly name: string;
  /** What turns questions into vectors; absent: the exact tier only. */
  readonly embedder?: Embedder | undefined;
  /** @default "strict" */
  readonly preset?: Preset | undefined;
  /** Cosine from which a stored question is near enough, 0 to 1, in place of the preset's. A nearer miss is still a miss. */
  readonly minSimilarity?: number | undefined;
  /** How long an answer may be served, in milliseconds, 1 to 366 days. @default 86_400_000 (one day) */
  readonly ttlMs?: number | undefined;
  /** Largest entry, in bytes of JSON. A larger one is not stored. @default 1_048_576 */
  readonly entryBytesMax?: number | undefined;
  /** Longest wait for one answer of Redis, in milliseconds. @default 250 */
  readonly timeoutMs?: number | undefined;
}

export interface ResolvedCacheOptions {
  readonly name: string;
  readonly embedder: Embedder | undefined;
  readonly minSimilarity: number;
  readonly ttlMs: number;
  readonly entryBytesMax: number;
  readonly timeoutMs: number;
}

/** Default life of an answer: one day. */
export const TTL_MS_DEFAULT = 86_400_000;
/** Longest life of an answer: 366 days. */
export const TTL_MS_MAX: number = 366 * 86_400_000;

/**
 * Cosine thresholds by embedder. They do not carry over from one to another; an embedder that is not listed gets the
 * strictest column. Measured with the guard on: `docs/roles/cache.md`.
 */
const PRESETS: Readonly<Record<string, Readonly<Record<Preset, number>>>> = {
  "static-256": { strict: 0.95, balanced: 0.92, aggressive: 0.87 },
  "all-MiniLM-L6-v2": { strict: 0.95, balanced: 0.9, aggressive: 0.85 },
};
const PRESET_OTHER: Readonly<Record<Preset, number>> = { strict: 0.95, balanced: 0.92, aggressive: 0.87 };

/** Fills defaults and refuses what makes no sense. @throws MarrowError `invalid_option` */
export function resolveOptions(options: CacheOptions): ResolvedCacheOptions {
  const preset = checkOneOf("preset", options.preset ?? "strict", ["strict", "balanced", "aggressive"]);
  const minSimilarity = options.minSimilarity ?? (PRESETS[options.embedder?.id ?? ""] ?? PRESET_OTHER)[preset];
  return {
    name: checkText("name", options.name, 128),
    embedder: options.embedder,
    minSimilarity: checkNumber("minSimilarity", minSimilarity, { min: 0, max: 1 }),
    ttlMs: checkTtl("ttlMs", options.ttlMs ?? TTL_MS_DEFAULT),
    entryBytesMax: checkInteger("entryBytesMax", options.entryBytesMax ?? 1_048_576, { min: 64, max: 64 * 1_048_576 }),
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? 250, { min: 1, max: 60_000 }),
  };
}

/** A life in milliseconds, or `invalid_option`. */
export function checkTtl(path: string, ttlMs: number): number {
  return checkInteger(path, ttlMs, { min: 1, max: TTL_MS_MAX });
}
