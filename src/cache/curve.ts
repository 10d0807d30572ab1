import { leavesOf, type Ledgers } from "./bands.ts";
import { wilsonLower } from "./evaluate.ts";

/** Audit results for one threshold: all answers with at least this score. */
export interface CurvePoint {
  readonly threshold: number;
  readonly audited: number;
  /** Fraction of right answers. */
  readonly precision: number;
  /** Bounds of the true fraction, with 95 % confidence. */
  readonly low: number;
  readonly high: number;
}

/** z of a two-sided interval of 95 %. */
const Z = 1.96;

/** Computes the precision by threshold, from the highest to the lowest score with audits. Pure. */
export function toCurve(ledgers: Ledgers): readonly CurvePoint[] {
  let [right, audited] = [0, 0];
  return leavesOf(ledgers)
    .toSorted((one, other) => other.from - one.from)
    .map(({ from, ledger }) => {
      right += ledger.right;
      audited += ledger.right + ledger.wrong;
      return {
        threshold: from,
        audited,
        precision: right / audited,
        low: wilsonLower(right, audited, Z),
        high: 1 - wilsonLower(audited - right, audited, Z),
      };
    });
}
