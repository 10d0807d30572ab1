/** A judged pair of questions: its score, and whether one answer serves both. */
export interface Judged {
  /** 0 to 1; 0 if the guard vetoed the pair. */
  readonly score: number;
  readonly label: 0 | 1;
}

/** Results of serving at one threshold. */
export interface Operating {
  /** Score from which pairs are served; absent if no threshold is precise enough. */
  readonly threshold?: number | undefined;
  /** Served pairs as a fraction of all pairs. */
  readonly hitRate: number;
  /** Served pairs that may share an answer, as a fraction of all that may. */
  readonly recall: number;
  readonly precision: number;
  /** One-sided lower bound of the precision at 95 % (Wilson). */
  readonly precisionAtLeast: number;
}

/** Quality of a scorer on labelled pairs. */
export interface Evaluation {
  readonly pairs: number;
  readonly positives: number;
  /** Area under the curve of precision over hit rate, as the threshold falls. */
  readonly pChrAuc: number;
  /** Largest product of precision and hit rate. */
  readonly vchr: number;
  /** Best operating point with at least this precision. */
  readonly at: Readonly<Record<"0.99" | "0.97" | "0.95", Operating>>;
}

/** z of a one-sided bound at 95 %. */
const Z = 1.6449;

/** Returns the lower end of Wilson's interval for `good` of `all`: the least true fraction, with the confidence of `z`. */
export function wilsonLower(good: number, all: number, z: number = Z): number {
  if (all === 0) return 0;
  const part = good / all;
  const middle = part + (z * z) / (2 * all);
  const spread = z * Math.sqrt((part * (1 - part)) / all + (z * z) / (4 * all * all));
  return Math.max(0, (middle - spread) / (1 + (z * z) / all));
}

/** Computes the results of serving every pair from a threshold on. */
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

/** Evaluates a scorer on labelled pairs. Equal scores are served together. Pure. */
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
    // Vetoed pairs are never served, at any threshold.
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
