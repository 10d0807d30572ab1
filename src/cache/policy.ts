import { calibrate, type Audits } from "./audits.ts";
import type { Judge, Policy } from "./options.ts";
import { serveProbability } from "./verified.ts";

/** A near question that nothing speaks against: the entry, and what it scores. */
export interface Near {
  readonly id: string;
  readonly score: number;
}

/** A policy at work: what is served, and what is audited. */
export interface RunningPolicy<V> {
  /** Whether a near question that nothing speaks against is served. */
  serves(near: Near): Promise<boolean>;
  /** The score from which near questions are served by now; absent: none are, or each entry has its own. */
  threshold(): Promise<number | undefined>;
  /** Whether a served answer is to be asked for again and audited. */
  audits(): boolean;
  /** Lets the judge compare a stored answer with a fresh one, and writes down what it says. Never throws. */
  compare(question: string, near: Near, stored: V, fresh: V): Promise<void>;
}

/** Puts a policy to work; `fixed` is the threshold of the preset. */
export function createPolicy<V>(policy: Policy<V>, fixed: number, audits: Audits): RunningPolicy<V> {
  const judge: Judge<V> | undefined = policy.kind === "static" ? undefined : policy.judge;

  async function threshold(): Promise<number | undefined> {
    if (policy.kind === "static") return fixed;
    if (policy.kind === "calibrated") return calibrate(await audits.bins(), policy.target ?? 0.97);
    return undefined;
  }

  async function allows({ id, score }: Near): Promise<boolean> {
    if (policy.kind === "verified")
      return Math.random() < serveProbability(await audits.observations(id), score, policy.errorMax ?? 0.02);
    const from = await threshold();
    return from !== undefined && score >= from;
  }

  return {
    threshold,

    async serves(near) {
      const served = await allows(near);
      if (!served) audits.count("withheld");
      return served;
    },

    audits: () => policy.kind === "calibrated" && Math.random() < (policy.auditRate ?? 0.05),

    async compare(question, { id, score }, stored, fresh) {
      if (judge === undefined) return;
      try {
        const right = await judge({ question, stored, fresh });
        if (right === undefined) return;
        await audits.record(score, right);
        if (policy.kind === "verified") await audits.observe(id, { score, right });
      } catch {
        // A judge that cannot say has said nothing: without evidence nothing is served.
      }
    },
  };
}
