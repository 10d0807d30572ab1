import { chooseByLoad, chooseByName, type Candidate } from "./choose.ts";
import type { Verdict } from "./verdict.ts";

/** State of a request when the next upstream is decided. */
export interface Situation<T extends Candidate> {
  readonly groups: readonly (readonly T[])[];
  readonly nowMs: number;
  readonly deadlineMs: number;
  readonly standingOf: (target: T) => "well" | "cooling" | "due";
  /** Returns when a benched target may be called again. */
  readonly untilOf: (target: T) => number;
  readonly loadOf: (target: T) => number;
  /** Returns true if a call would have to wait for a slot of the target. */
  readonly isFull: (target: T) => boolean;
  /** Outcomes of the calls so far, in order. */
  readonly calls: readonly { readonly target: T; readonly verdict?: Verdict | undefined }[];
  /** Key whose calls should go to the same upstream. */
  readonly sticky: string | undefined;
  /** Returns true if a target made the reasoning that the request continues. @default none did */
  readonly isMaker?: ((target: T) => boolean) | undefined;
  readonly random: () => number;
}

/** Limits on retries. */
export interface StepRules {
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/** The next target, the wait before it, and its time limit. */
export interface Step<T> {
  readonly target: T;
  readonly waitMs: number;
  /** Time until the first byte of a stream, or the end of a whole answer. */
  readonly timeoutMs: number;
  /** Whether it is a probe of a benched target. */
  readonly probe: boolean;
}

/**
 * Decides the next target of a request; `undefined` to end it. Order:
 *
 * 1. The maker of the reasoning that the request continues, in any group, while it is healthy and has a free slot.
 * 2. The targets of the first group that are healthy, or due for a probe, and have a free slot; then those of the next groups.
 * 3. Those without a free slot, in the same order.
 * 4. After a growing wait, those again that may recover soon.
 *
 * If all are benched, the one whose cool-down ends first is called anyway. A target that was sent nothing is skipped, which the first time
 * does not count as an attempt.
 */
export function nextStep<T extends Candidate>(situation: Situation<T>, rules: StepRules): Step<T> | undefined {
  const { groups, calls, nowMs, deadlineMs, standingOf, sticky, loadOf, isFull, random } = situation;
  const passedOver = new Set(calls.filter(({ verdict }) => verdict?.isUnsent === true).map(({ target }) => target));
  const attempts = calls.length - passedOver.size;
  if (attempts >= rules.attemptsMax || nowMs >= deadlineMs) return undefined;
  const all = groups.flat();
  const asked = new Map<T, number>();
  for (const { target } of calls) asked.set(target, (asked.get(target) ?? 0) + 1);
  const fullFor = new Set(
    calls.filter(({ verdict }) => verdict?.kind === "context").map(({ target }) => modelOf(target)),
  );
  const open = (target: T) => standingOf(target) !== "cooling" && !fullFor.has(modelOf(target));

  const fresh = (target: T) => open(target) && !asked.has(target);
  const isFree = (target: T) => !isFull(target);
  const choose = (from: readonly T[]) =>
    sticky === undefined ? chooseByLoad(from, loadOf, random) : chooseByName(from, sticky);
  const { isMaker } = situation;
  if (isMaker !== undefined) {
    const makers = all.filter((one) => isMaker(one) && standingOf(one) === "well" && fresh(one) && isFree(one));
    const maker = choose(makers);
    if (maker !== undefined) return step(maker, 0, all.filter(fresh).length);
  }
  // A place that is free in a later group is better than a wait in an earlier one.
  for (const may of [isFree, isFull])
    for (const group of groups) {
      const from = group.filter((target) => fresh(target) && may(target));
      const due = from.find((target) => standingOf(target) === "due");
      const target = due ?? choose(from);
      if (target !== undefined) return step(target, 0, all.filter(fresh).length);
    }
  if (calls.every(({ verdict }) => verdict?.isUnsent === true)) {
    const benched = all.filter((target) => !asked.has(target));
    const soonest = benched.toSorted((one, other) => situation.untilOf(one) - situation.untilOf(other))[0];
    if (soonest !== undefined) return step(soonest, 0, 1);
  }
  // All targets were called; calls in flight are awaited.
  if (calls.some(({ verdict }) => verdict === undefined)) return undefined;
  const last = new Map(calls.map(({ target, verdict }) => [target, verdict]));
  const afterOf = (target: T) => last.get(target)?.afterMs ?? 0;
  const again = all
    .filter((target) => open(target) && last.get(target)?.again === true && afterOf(target) <= rules.backoffMaxMs)
    .toSorted((one, other) => (asked.get(one) ?? 0) - (asked.get(other) ?? 0));
  const target = again[0];
  if (target === undefined) return undefined;
  const times = asked.get(target) ?? 1;
  const jitter = random() * Math.min(rules.backoffMaxMs, rules.backoffMs * 2 ** (times - 1));
  const pauseMs = Math.max(jitter, afterOf(target));
  if (nowMs + pauseMs >= deadlineMs) return undefined;
  return step(target, pauseMs, 1);

  function step(chosen: T, waitMs: number, left: number): Step<T> {
    const share = Math.max(1, Math.min(left, rules.attemptsMax - attempts));
    const timeoutMs = Math.max(1, (deadlineMs - nowMs - waitMs) / share);
    return { target: chosen, waitMs, timeoutMs, probe: standingOf(chosen) === "due" };
  }
}

/**
 * Returns the model's name at its upstream: context windows belong to models, so another upstream with the same model has the same limit.
 */
function modelOf(target: Candidate & { readonly model?: string }): string {
  return target.model ?? target.id;
}
