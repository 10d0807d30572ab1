import type { Audits } from "./audits.ts";
import { provenBands } from "./bands.ts";
import type { Judge, Policy } from "./options.ts";
import { serveProbability } from "./verified.ts";

/** Default target of the `calibrated` policy. */
const TARGET = 0.97;
/** Share of served answers that it has audited. */
const AUDIT_RATE = 0.05;

/** A near question without a veto: the entry and its score. */
export interface Near {
  readonly id: string;
  readonly score: number;
}

/** A running policy: decides about serving and auditing. */
export interface RunningPolicy<V> {
  /** Decides whether a near question without a veto is served. */
  serves(near: Near): Promise<boolean>;
  /** Returns the score from which near questions are served now; `undefined` if none are, or if each entry has its own. */
  threshold(): Promise<number | undefined>;
  /** Returns true if the next served answer should be audited: asked again and compared. */
  audits(): boolean;
  /** Records an audit. A user's feedback on a served answer counts as one. */
  record(score: number, right: boolean): Promise<void>;
  /**
   * Whether every fresh answer is stored. vCache stores an answer only if the nearest stored one was wrong; otherwise each wording would be
   * an entry of its own, and none would gather enough evidence.
   */
  readonly insertsAll: boolean;
  /** Lets the judge compare a stored answer with a fresh one, records and returns the result. Never throws. */
  compare(question: string, near: Near, stored: V, fresh: V): Promise<boolean | undefined>;
}

/** Starts a policy; `fixed` is the threshold of the preset. */
export function createPolicy<V>(policy: Policy<V>, fixed: number, audits: Audits): RunningPolicy<V> {
  const judge: Judge<V> | undefined = policy.kind === "static" ? undefined : policy.judge;

  const target = policy.kind === "calibrated" ? (policy.target ?? TARGET) : undefined;
  const auditRate = policy.kind === "calibrated" ? (policy.auditRate ?? AUDIT_RATE) : 0;

  async function threshold(): Promise<number | undefined> {
    if (policy.kind === "static") return fixed;
    return target === undefined ? undefined : provenBands(await audits.ledgers(), target).from;
  }

  async function allows({ id, score }: Near): Promise<boolean> {
    if (policy.kind === "static") return score >= fixed;
    if (policy.kind === "verified")
      return Math.random() < serveProbability(await audits.observations(id), score, policy.errorMax ?? 0.02);
    return target !== undefined && provenBands(await audits.ledgers(), target).has(score);
  }

  async function record(score: number, right: boolean): Promise<void> {
    if (target === undefined) return audits.record(score, right);
    const served = provenBands(await audits.ledgers(), target);
    return audits.record(score, right, { target, share: (band) => served.share(score, band, auditRate) });
  }

  return {
    threshold,

    async serves(near) {
      const served = await allows(near);
      if (!served) audits.count("withheld");
      return served;
    },

    audits: () => Math.random() < auditRate,
    insertsAll: policy.kind !== "verified",
    record,

    async compare(question, { id, score }, stored, fresh) {
      if (judge === undefined) return undefined;
      try {
        const right = await judge({ question, stored, fresh });
        if (right === undefined) return undefined;
        await record(score, right);
        if (policy.kind === "verified") await audits.observe(id, { score, right });
        return right;
      } catch {
        // An undecided judge gives no evidence, so nothing is served.
        return undefined;
      }
    },
  };
}
