import { wilsonLower, type CacheReport } from "../../cache/index.ts";

/** Fraction of wrong cached answers, as far as known. */
export interface WrongShare {
  /** Fraction of wrong answers among those compared. */
  readonly share: number;
  /** Bounds of the true fraction, with 95 % confidence (Wilson). */
  readonly low: number;
  readonly high: number;
  readonly looked_at: number;
  readonly wrong: number;
  /**
   * `audits`: answers to near questions that the judge or a user compared; `feedback`: users' verdicts on any hit; `judge`: verdicts on
   * near questions.
   */
  readonly by: "audits" | "feedback" | "judge";
  /**
   * Population of the fraction: `similar_hits`, all `hits`, or `near_misses`, which were not served before the judge allowed them. Served
   * answers should be wrong less often than near misses, because the proof refused those.
   */
  readonly of: "similar_hits" | "hits" | "near_misses";
}

/** Evidence about a cache's answers. */
export type Evidence = Pick<CacheReport, "audited" | "wrong" | "liked" | "disliked" | "judge">;

/** z of a two-sided interval of 95 %. */
const Z = 1.96;

/**
 * Estimates a cache's fraction of wrong answers by the best available evidence: audits, else users' feedback, else verdicts of the judge;
 * `undefined` without any. Pure.
 */
export function toWrongShare({ audited, wrong, liked, disliked, judge }: Evidence): WrongShare | undefined {
  const [same, different] = [judge["same"] ?? 0, judge["different"] ?? 0];
  if (audited > 0) return estimate(wrong, audited, "audits", "similar_hits");
  if (liked + disliked > 0) return estimate(disliked, liked + disliked, "feedback", "hits");
  if (same + different > 0) return estimate(different, same + different, "judge", "near_misses");
  return undefined;
}

/** Adds up the evidence of several caches. Pure. */
export function sumEvidence(reports: readonly Evidence[]): Evidence | undefined {
  if (reports.length === 0) return undefined;
  const judge = new Map<string, number>();
  for (const report of reports)
    for (const [what, count] of Object.entries(report.judge)) judge.set(what, (judge.get(what) ?? 0) + count);
  const sum = (of: (report: Evidence) => number) => reports.reduce((all, report) => all + of(report), 0);
  return {
    audited: sum(({ audited }) => audited),
    wrong: sum(({ wrong }) => wrong),
    liked: sum(({ liked }) => liked),
    disliked: sum(({ disliked }) => disliked),
    judge: Object.fromEntries(judge),
  };
}

function estimate(bad: number, all: number, by: WrongShare["by"], of: WrongShare["of"]): WrongShare {
  return {
    share: bad / all,
    low: wilsonLower(bad, all, Z),
    high: 1 - wilsonLower(all - bad, all, Z),
    looked_at: all,
    wrong: bad,
    by,
    of,
  };
}
