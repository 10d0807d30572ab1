import { wilsonLower, type CacheReport } from "../../cache/index.ts";

/** How many answers of the cache are wrong, as far as somebody looked. */
export interface WrongShare {
  /** Wrong answers of those that were looked at. */
  readonly share: number;
  /** Where the true share is, with a confidence of 95 % (Wilson). */
  readonly low: number;
  readonly high: number;
  readonly looked_at: number;
  readonly wrong: number;
  /** `audits`: near questions' answers that a judge compared with fresh ones, or a user's word on them; `feedback`: users' words on any hit. */
  readonly by: "audits" | "feedback";
}

/** z of a two-sided interval of 95 %. */
const Z = 1.96;

/** Estimates the share of wrong answers of a cache; `undefined` while nobody looked. Pure. */
export function toWrongShare({
  audited,
  wrong,
  liked,
  disliked,
}: Pick<CacheReport, "audited" | "wrong" | "liked" | "disliked">): WrongShare | undefined {
  const audits = audited > 0;
  const [all, bad] = audits ? [audited, wrong] : [liked + disliked, disliked];
  if (all === 0) return undefined;
  return {
    share: bad / all,
    low: wilsonLower(bad, all, Z),
    high: 1 - wilsonLower(all - bad, all, Z),
    looked_at: all,
    wrong: bad,
    by: audits ? "audits" : "feedback",
  };
}
