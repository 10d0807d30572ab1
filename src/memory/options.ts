import { checkInteger, checkText, refuse } from "../internal/check.ts";
import type { FactsOptions } from "./facts.ts";
import type { Extract } from "./learning.ts";
import type { CountTokens } from "./tokens.ts";
import type { Turn } from "./turn.ts";

/** Options of `createMemory`. */
export interface MemoryOptions {
  /** Name of this memory within its scope. */
  readonly name: string;
  /** TTL of a session after its last append or read, in milliseconds, 1 to 366 days. @default 3_600_000 (one hour) */
  readonly sessionTtlMs?: number | undefined;
  /** Longest lifetime of a session from its start, even if it is used, in milliseconds, 1 to 366 days. @default no bound */
  readonly sessionLifeMs?: number | undefined;
  /** Turns kept per session, 1 to 100,000; older ones are trimmed. @default 1_000 */
  readonly turnsMax?: number | undefined;
  /** Stored bytes kept per session; older turns are trimmed. The newest turn stays, whatever its size. @default 64 MiB */
  readonly sessionBytesMax?: number | undefined;
  /** Tokens kept per session. With this option the tokens of each appended turn are counted. @default no bound */
  readonly sessionTokensMax?: number | undefined;
  /** Largest turn, in bytes of JSON. @default 1_048_576 */
  readonly turnBytesMax?: number | undefined;
  /**
   * Whether changes are published to callers of `subscribe`. Costs one PUBLISH for each change, which a cluster sends to all its nodes.
   * @default true
   */
  readonly tellChanges?: boolean | undefined;
  /** Counts the tokens of a turn. @default the encoding o200k_base if the package `gpt-tokenizer` is installed, loaded at first use; an estimate otherwise */
  readonly countTokens?: CountTokens | undefined;
  /**
   * Summarizes older turns and the previous summary in the background, after `context` had to leave turns out. If it fails, the turns stay
   * as they are, and the next `context` tries again. @default older turns are left out
   */
  readonly summarize?: Summarize | undefined;
  /** Long-term facts about users, over all sessions: see `createFacts`. @default none */
  readonly facts?: Omit<FactsOptions, "name"> | undefined;
  /** Facts that `context` recalls, 1 to 50. @default 8 */
  readonly recallLimit?: number | undefined;
  /**
   * Extracts facts from turns, once nothing was appended to their session for `extractAfterMs`. Needs `facts`. @default nothing is
   * extracted
   */
  readonly extract?: Extract | undefined;
  /** Time without changes before facts are extracted from a session, in milliseconds. @default 30_000 */
  readonly extractAfterMs?: number | undefined;
}

/** Summarizes turns that no longer fit, together with the previous summary. */
export type Summarize = (older: {
  readonly summary: string | undefined;
  readonly turns: readonly Turn[];
}) => Promise<string> | string;

export interface ResolvedMemoryOptions {
  readonly name: string;
  readonly sessionTtlMs: number;
  /** 0: no end. */
  readonly sessionLifeMs: number;
  readonly turnsMax: number;
  readonly sessionBytesMax: number;
  /** 0: no bound. */
  readonly sessionTokensMax: number;
  readonly turnBytesMax: number;
  readonly tellChanges: boolean;
  readonly countTokens: CountTokens | undefined;
  readonly summarize: Summarize | undefined;
  readonly recallLimit: number;
  readonly extract: Extract | undefined;
  readonly extractAfterMs: number;
}

/** Default TTL of a session: one hour. */
export const SESSION_TTL_MS_DEFAULT = 3_600_000;
const TTL_MS_MAX = 366 * 86_400_000;

/** Fills defaults and checks ranges. @throws MarrowError `invalid_option` */
export function resolveOptions(options: MemoryOptions): ResolvedMemoryOptions {
  const { countTokens, summarize, extract } = options;
  if (countTokens !== undefined && typeof countTokens !== "function") refuse("countTokens", "a function", countTokens);
  if (summarize !== undefined && typeof summarize !== "function") refuse("summarize", "a function", summarize);
  if (extract !== undefined && typeof extract !== "function") refuse("extract", "a function", extract);
  if (extract !== undefined && options.facts === undefined) refuse("facts", "given beside extract", options.facts);
  const life = { min: 1, max: TTL_MS_MAX };
  return {
    name: checkText("name", options.name, 128),
    sessionTtlMs: checkInteger("sessionTtlMs", options.sessionTtlMs ?? SESSION_TTL_MS_DEFAULT, life),
    sessionLifeMs: options.sessionLifeMs === undefined ? 0 : checkInteger("sessionLifeMs", options.sessionLifeMs, life),
    turnsMax: checkInteger("turnsMax", options.turnsMax ?? 1_000, { min: 1, max: 100_000 }),
    sessionBytesMax: checkInteger("sessionBytesMax", options.sessionBytesMax ?? 64 * 1_048_576, { min: 1_024 }),
    sessionTokensMax:
      options.sessionTokensMax === undefined
        ? 0
        : checkInteger("sessionTokensMax", options.sessionTokensMax, { min: 1 }),
    turnBytesMax: checkInteger("turnBytesMax", options.turnBytesMax ?? 1_048_576, { min: 64, max: 64 * 1_048_576 }),
    tellChanges: options.tellChanges ?? true,
    countTokens,
    summarize,
    recallLimit: checkInteger("recallLimit", options.recallLimit ?? 8, { min: 1, max: 50 }),
    extract,
    extractAfterMs: checkInteger("extractAfterMs", options.extractAfterMs ?? 30_000, { min: 1, max: 86_400_000 }),
  };
}
