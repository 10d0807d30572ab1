import { checkInteger, checkNumber, checkOneOf, refuse } from "../../internal/check.ts";
import type { Refusal } from "../judge.ts";
import type { JudgeJob } from "./job.ts";
import type { Judged, JudgePair, QuestionJudge } from "./verdict.ts";

/** Options of a cache's judge. */
export interface JudgingOptions<V = unknown> {
  readonly ask: QuestionJudge<V>;
  /**
   * `background`: the request is a miss now, and the pair is judged later; `serving`: the request waits for the judge, for at most
   * `deadlineMs`. In both, `same` makes the asked wording an alias of the stored entry. @default "background"
   */
  readonly mode?: "background" | "serving" | undefined;
  /** Longest wait of a request for the judge in `serving`, in milliseconds, 1 to 60,000. @default 1_500 */
  readonly deadlineMs?: number | undefined;
  /** Longest wait for one verdict, in milliseconds, 1 to 600,000. @default 15_000 */
  readonly timeoutMs?: number | undefined;
  /** Stored entries compared with one question, 1 to 8, nearest first. @default 3 */
  readonly candidatesMax?: number | undefined;
  /** Cosine that a stored question needs to go to the judge, 0 to 1. @default 0.55 */
  readonly floor?: number | undefined;
  /** Reasons of the proof that are final: pairs refused for them never go to the judge. @default {@link HARD_REFUSALS} */
  readonly hard?: readonly Refusal[] | undefined;
  /** Pairs judged in one minute, over all processes, 0 to 1,000,000. @default 60 */
  readonly perMinute?: number | undefined;
  /** Money that verdicts may cost in one day (UTC), in the currency of your prices. @default no bound */
  readonly perDay?: number | undefined;
  /**
   * In `serving`: returns whether a verdict is worth its price. A pair for which it returns `false` is judged in the background. @default
   * always
   */
  readonly paysOff?: ((pair: JudgePair<V>) => boolean) | undefined;
  /** Wordings that become aliases of one entry, 1 to 1,000. @default 32 */
  readonly aliasesMax?: number | undefined;
  /** TTL of a verdict, in milliseconds; a hundredth of it for `unsure`. @default 604_800_000 (seven days) */
  readonly verdictTtlMs?: number | undefined;
  /** Stored verdicts; the oldest are deleted first. @default 10_000 */
  readonly verdictsMax?: number | undefined;
  /** Questions that wait for the judge in this process; further ones are dropped and counted. @default 1_000 */
  readonly waitingMax?: number | undefined;
  /** Questions judged at the same time in this process, 1 to 100. @default 4 */
  readonly concurrency?: number | undefined;
  /**
   * Receives pairs to be judged in the background, for your own queue, whose worker calls `cache.judge`. If it throws, the question is
   * dropped. If it returns `undefined`, this process judges the pair. @default a bounded queue in this process
   */
  readonly later?: ((job: JudgeJob) => Promise<unknown> | undefined) | undefined;
  /** Called with each verdict, which contains no prompt. */
  readonly onJudged?: ((event: Judged & { readonly ms: number }) => void) | undefined;
}

/** The same options with all defaults. */
export interface ResolvedJudging<V> {
  readonly ask: QuestionJudge<V>;
  readonly mode: "background" | "serving";
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  readonly candidatesMax: number;
  readonly floor: number;
  readonly hard: ReadonlySet<Refusal>;
  readonly perMinute: number;
  readonly microsPerDay: number | undefined;
  readonly paysOff: (pair: JudgePair<V>) => boolean;
  readonly aliasesMax: number;
  readonly verdictTtlMs: number;
  readonly verdictsMax: number;
  readonly waitingMax: number;
  readonly concurrency: number;
  readonly later: ((job: JudgeJob) => Promise<unknown> | undefined) | undefined;
  readonly onJudged: (event: Judged & { readonly ms: number }) => void;
}

/** Refusals that never go to the judge. `docs/roles/cache.md` gives the fraction of equal questions behind each reason. */
export const HARD_REFUSALS: readonly Refusal[] = ["number", "symbol", "context"];

/** Refusals that do not depend on the wording: the entry cannot serve, whatever the questions mean. */
const OF_THE_ENTRY: readonly Refusal[] = ["too_old", "ended", "invalidated", "unsealed"];

const DAY_MS = 86_400_000;

/** Fills defaults and checks ranges. @throws MarrowError `invalid_option` */
export function resolveJudging<V>(given: QuestionJudge<V> | JudgingOptions<V>): ResolvedJudging<V> {
  const options: JudgingOptions<V> = typeof given === "function" ? { ask: given } : given;
  if (typeof options !== "object" || options === null || typeof options.ask !== "function")
    refuse("judge", "a function, or an object with `ask`, a function", given);
  const integer = (name: keyof JudgingOptions, usual: number, min: number, max: number) =>
    checkInteger(`judge.${name}`, options[name] ?? usual, { min, max });
  const { perDay, hard = HARD_REFUSALS } = options;
  if (!Array.isArray(hard)) refuse("judge.hard", "a list of reasons", hard);
  for (const name of ["later", "onJudged", "paysOff"] as const)
    if (options[name] !== undefined && typeof options[name] !== "function")
      refuse(`judge.${name}`, "a function", options[name]);
  return {
    ask: options.ask,
    mode: checkOneOf("judge.mode", options.mode ?? "background", ["background", "serving"]),
    deadlineMs: integer("deadlineMs", 1_500, 1, 60_000),
    timeoutMs: integer("timeoutMs", 15_000, 1, 600_000),
    candidatesMax: integer("candidatesMax", 3, 1, 8),
    floor: checkNumber("judge.floor", options.floor ?? 0.55, { min: 0, max: 1 }),
    hard: new Set([...hard, ...OF_THE_ENTRY]),
    perMinute: integer("perMinute", 60, 0, 1_000_000),
    microsPerDay:
      perDay === undefined ? undefined : Math.round(checkNumber("judge.perDay", perDay, { min: 0, max: 1e9 }) * 1e6),
    paysOff: options.paysOff ?? (() => true),
    aliasesMax: integer("aliasesMax", 32, 1, 1_000),
    verdictTtlMs: integer("verdictTtlMs", 7 * DAY_MS, 1_000, 366 * DAY_MS),
    verdictsMax: integer("verdictsMax", 10_000, 1, 1_000_000),
    waitingMax: integer("waitingMax", 1_000, 0, 1_000_000),
    concurrency: integer("concurrency", 4, 1, 100),
    later: options.later,
    onJudged: options.onJudged ?? (() => {}),
  };
}
