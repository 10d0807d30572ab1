/** A pair that was judged: how likely one answer serves both, and whether it does. */
export interface Judged {
  /** 0 to 1; 0 for what a guard vetoed. */
  readonly score: number;
  readonly label: 0 | 1;
}

/** What serving at one threshold would mean. */
export interface Operating {
  /** Score from which pairs are served; absent when no threshold is precise enough. */
  readonly threshold?: number | undefined;
  /** Served pairs of all pairs. */
  readonly hitRate: number;
  /** Served pairs that may share an answer, of all that may. */
  readonly recall: number;
  readonly precision: number;
  /** The precision's one-sided lower bound at 95 % (Wilson). */
  readonly precisionAtLeast: number;
}

/** What a scorer is worth on labelled pairs. */
export interface Evaluation {
  readonly pairs: number;
  readonly positives: number;
  /** Area under the curve of precision over the hit rate, as thresholds fall. */
  readonly pChrAuc: number;
  /** The most that precision times hit rate comes to. */
  readonly vchr: number;
  /** The most that can be served at a precision of at least so much. */
  readonly at: Readonly<Record<"0.99" | "0.97" | "0.95", Operating>>;
}

/** z of a one-sided bound at 95 %. */
const Z = 1.6449;

/** The lower end of Wilson's interval for `good` of `all`: what the true share is at least, with the confidence of `z`. */
export function wilsonLower(good: number, all: number, z: number = Z): number {
  if (all === 0) return 0;
  const part = good / all;
  const middle = part + (z * z) / (2 * all);
  const spread = z * Math.sqrt((part * (1 - part)) / all + (z * z) / (4 * all * all));
  return Math.max(0, (middle - spread) / (1 + (z * z) / all));
}

/** What serving everything from a threshold on means. */
export function operateAt(judged: readonly Judged[], threshold: number): Operating {
  const served = judged.filter(({ score }) => score >= threshold);
  const right = served.filter(({ label }) => label === 1).length;
  const positives = judged.filter(({ label }) => label === 1).length;
  return {
    threshold,
    hitRate: share(served.length, judged.length),
    recall: share(right, positives),
    precision: served.length === 0 ? 1 : right / served.length,
    precisionAtLeast: wilsonLower(right, served.length),
  };
}

/** Judges a scorer by labelled pairs. Ties of score are served together. Pure. */
export function evaluate(judged: readonly Judged[]): Evaluation {
  const ordered = judged.toSorted((a, b) => b.score - a.score);
  const steps: Operating[] = [];
  let [right, served, area, before, vchr] = [0, 0, 0, 0, 0];
  const positives = judged.filter(({ label }) => label === 1).length;
  ordered.forEach(({ score, label }, at) => {
    right += label;
    served += 1;
    if (ordered[at + 1]?.score === score) return;
    const [hitRate, precision] = [served / judged.length, right / served];
    area += (hitRate - before) * precision;
    before = hitRate;
    vchr = Math.max(vchr, hitRate * precision);
    // What was vetoed is never served, whatever the threshold.
    if (score > 0)
      steps.push({
        threshold: score,
        hitRate,
        recall: share(right, positives),
        precision,
        precisionAtLeast: wilsonLower(right, served),
      });
  });
  const best = (precision: number): Operating =>
    steps.findLast((step) => step.precision >= precision) ?? {
      hitRate: 0,
      recall: 0,
      precision: 1,
      precisionAtLeast: 0,
    };
  return {
    pairs: judged.length,
    positives,
    pChrAuc: area,
    vchr,
    at: { "0.99": best(0.99), "0.97": best(0.97), "0.95": best(0.95) },
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
