import { compare, type Veto } from "../guard.ts";
import { read as readText, type Reading } from "../reading.ts";

/** How much a proof may take for granted. `docs/roles/cache.md` names what each level loosens, and what that costs. */
export type Level = "strict" | "balanced" | "aggressive";

/** A prompt, read once for every proof that it takes part in. */
export type ProofReading = Reading;

/** Whether one answer may serve both prompts; if not, the first reason that was found against it. */
export type Proof = { readonly proven: true } | { readonly proven: false; readonly reason: Veto };

/** Reads a prompt for a proof. Linear in its length; prompts of the last lookups are remembered. */
export function read(text: string): ProofReading {
  return readText(text);
}

/** Proves that one answer serves two prompts, or says why there is no proof. Pure, symmetric, deterministic, linear. */
export function prove(a: ProofReading, b: ProofReading, _level: Level): Proof {
  const reason = compare(a, b);
  return reason === undefined ? { proven: true } : { proven: false, reason };
}
