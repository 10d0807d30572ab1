import type { Audits } from "./audits.ts";
import { calibrate } from "./audits.ts";
import type { Judge, Policy } from "./options.ts";

/** A policy at work: which scores are served, and what is audited. */
export interface RunningPolicy<V> {
  /** Whether a near question of this score, which nothing speaks against, is served. */
  serves(score: number): Promise<boolean>;
  /** The score from which near questions are served by now; absent: none are. */
  threshold(): Promise<number | undefined>;
  /** Whether a served answer is to be asked for again and audited. */
  audits(): boolean;
  /** Lets the judge compare a stored answer with a fresh one, and writes down what it says. Never throws. */
  compare(question: string, score: number, stored: V, fresh: V): Promise<void>;
}

/** Puts a policy to work; `fixed` is the threshold of the preset. */
export function createPolicy<V>(policy: Policy<V>, fixed: number, audits: Audits): RunningPolicy<V> {
  const judge: Judge<V> | undefined = policy.kind === "static" ? undefined : policy.judge;

  async function threshold(): Promise<number | undefined> {
    if (policy.kind === "static") return fixed;
    if (policy.kind === "shadow") return undefined;
    return calibrate(await audits.bins(), policy.target ?? 0.97);
  }

  return {
    threshold,

    async serves(score) {
      const from = await threshold();
      const served = from !== undefined && score >= from;
      if (!served) audits.count("withheld");
      return served;
    },

    audits: () => policy.kind === "calibrated" && Math.random() < (policy.auditRate ?? 0.05),

    async compare(question, score, stored, fresh) {
      if (judge === undefined) return;
      try {
        const right = await judge({ question, stored, fresh });
        if (right !== undefined) await audits.record(score, right);
      } catch {
        // A judge that cannot say has said nothing: without evidence nothing is served.
      }
    },
  };
}
