/** Audits of one band of scores. */
export interface Ledger {
  readonly right: number;
  readonly wrong: number;
  /** Evidence of the latest audits for a precision well below the target: a log likelihood ratio, never under 0. */
  readonly doubt: number;
}

/** Ledgers by the name of their band. A band without audits has none. */
export type Ledgers = ReadonlyMap<string, Ledger>;

/**
 * A binary tree of score bands: all scores, halves, quarters and so on. Wide bands gather evidence fast; narrow ones find the good range.
 */
const LEVELS = 6;
const LEAVES = 2 ** (LEVELS - 1);
/** Largest probability that a target is ever missed, over all bands and for all time. */
const MISS_MAX = 0.05;
/** Shares of the errors that the target allows, which the evidence bets on: from just better than the target to nearly perfect. */
const BETS = [0.5, 0.25, 0.1, 0.02] as const;
/** Audits after which a band's counts are halved, so that old ones fade. That makes evidence weaker, never stronger. */
export const COUNTS_MAX = 10_000;
/** Doubt at which a band starts anew. At exactly the target's precision, chance reaches it after a thousand audits or more on average. */
export const ALARM: number = Math.log(1_000);

/** Returns the bands of a score, from the widest to the narrowest. The best scores have the narrowest bands. */
export function bandsOf(score: number): readonly string[] {
  const leaf = leafOf(score);
  return NAMES.map((names, level) => names[leaf >> (LEVELS - 1 - level)] as string);
}

/** Returns the doubt that one more audit adds at a target: it tests against twice the errors that the target allows. */
export function doubtOf(right: boolean, target: number): number {
  const worse = Math.max(0.05, 2 * target - 1);
  return right ? Math.log(worse / target) : Math.log((1 - worse) / (1 - target));
}

/** Adds an audit to a ledger; `undefined` if the band starts anew. The same as `record_audit.lua`. Pure. */
export function withAudit(ledger: Ledger | undefined, right: boolean, target: number): Ledger | undefined {
  const { right: good = 0, wrong: bad = 0, doubt: before = 0 } = ledger ?? {};
  const doubt = Math.max(0, before + doubtOf(right, target));
  if (doubt >= ALARM) return undefined;
  const counts = { right: good + (right ? 1 : 0), wrong: bad + (right ? 0 : 1) };
  if (counts.right + counts.wrong <= COUNTS_MAX) return { ...counts, doubt };
  return { right: Math.floor(counts.right / 2), wrong: Math.ceil(counts.wrong / 2), doubt };
}

/** Scores served on the evidence so far. */
export interface Served {
  /** Returns true if this score is in a band that has proven the target. */
  has(score: number): boolean;
  /** Lowest score that is served; absent if none is. */
  readonly from: number | undefined;
  /**
   * Returns the probability with which an audit counts in one of its score's bands. If only part of a band is served, that part is audited
   * rarely and the rest always; counting all audits at the lower rate keeps the band's record representative.
   */
  share(score: number, band: string, auditRate: number): number;
}

/**
 * Returns whether a band's audits prove a precision of at least `target`.
 *
 * A test by betting (a mixture of likelihood ratios against the target), valid at any number of looks: a band whose true precision is below
 * the target ever passes with a probability of at most its part of 5 % (Ville's inequality; Waudby-Smith and Ramdas, "Estimating means of
 * bounded random variables by betting", 2023). Wide bands get a larger part. Pure.
 */
export function isProven(band: string, ledger: Ledger, target: number): boolean {
  const [level] = placeOf(band);
  return isEvidence(ledger, betsOn(target), NEEDED[level] as number);
}

/** Returns the scores served on the evidence of all ledgers. Pure. */
export function provenBands(ledgers: Ledgers, target: number): Served {
  return servedBy([...ledgers].filter(([band, ledger]) => isProven(band, ledger, target)).map(([band]) => band));
}

/** Returns the scores served once these bands are proven. Pure. */
export function servedBy(bands: readonly string[]): Served {
  const proven: boolean[] = Array.from({ length: LEAVES }, () => false);
  for (const band of bands) {
    const [level, at] = placeOf(band);
    proven.fill(true, at * (LEAVES >> level), (at + 1) * (LEAVES >> level));
  }
  const first = proven.indexOf(true);
  const partly = new Set(
    NAMES.flatMap((names, level) =>
      names.filter((_, at) => proven.slice(at * (LEAVES >> level), (at + 1) * (LEAVES >> level)).includes(true)),
    ),
  );
  return {
    has: (score) => proven[leafOf(score)] === true,
    from: first < 0 ? undefined : scoreOf(first),
    share: (score, band, auditRate) => (partly.has(band) && proven[leafOf(score)] !== true ? auditRate : 1),
  };
}

/** Log gain of each bet for a right and for a wrong answer. */
type Bets = readonly { readonly right: number; readonly wrong: number }[];

let last: { readonly target: number; readonly bets: Bets } | undefined;

function betsOn(target: number): Bets {
  if (last?.target === target) return last.bets;
  const bets = BETS.map((part) => ({ right: Math.log((1 - (1 - target) * part) / target), wrong: Math.log(part) }));
  last = { target, bets };
  return bets;
}

/** Whether a gambler against the target, with a quarter of the money on each bet, would have won `needed` (a log) by now. */
function isEvidence({ right, wrong }: Ledger, bets: Bets, needed: number): boolean {
  let most = -Infinity;
  for (const bet of bets) most = Math.max(most, right * bet.right + wrong * bet.wrong);
  if (most < needed) return false;
  const wins = bets.map((bet) => right * bet.right + wrong * bet.wrong);
  return most + Math.log(wins.reduce((sum, win) => sum + Math.exp(win - most), 0) / wins.length) >= needed;
}

/** Returns the narrowest bands with audits, with the score at which each begins. Pure. */
export function leavesOf(ledgers: Ledgers): readonly { readonly from: number; readonly ledger: Ledger }[] {
  return [...ledgers].flatMap(([band, ledger]) => {
    const [level, at] = placeOf(band);
    const isLeaf = level === LEVELS - 1 && at < LEAVES && ledger.right + ledger.wrong > 0;
    return isLeaf ? [{ from: scoreOf(at), ledger }] : [];
  });
}

function leafOf(score: number): number {
  const place = 1 - Math.sqrt(1 - Math.max(0, Math.min(1, score)));
  return Math.min(LEAVES - 1, Math.floor(place * LEAVES));
}

/** The lowest score of a leaf. */
function scoreOf(leaf: number): number {
  return 1 - (1 - leaf / LEAVES) ** 2;
}

const NAMES: readonly (readonly string[])[] = Array.from({ length: LEVELS }, (_, level) =>
  Array.from({ length: 2 ** level }, (_unused, at) => `${level}.${at}`),
);
/** Log gain that a band of each level needs, from its part of the probability of a miss. */
const NEEDED: readonly number[] = NAMES.map((names) => Math.log((LEVELS * names.length) / MISS_MAX));
const PLACES: ReadonlyMap<string, readonly [level: number, at: number]> = new Map(
  NAMES.flatMap((names, level) => names.map((name, at) => [name, [level, at] as const] as const)),
);

/** Level and place of a band by its name; a band of another version is in none. */
function placeOf(name: string): readonly [level: number, at: number] {
  return PLACES.get(name) ?? [LEVELS - 1, LEAVES];
}
