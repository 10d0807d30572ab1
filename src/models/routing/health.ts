/** Rules for benching an upstream's model. */
export interface HealthRules {
  /** Consecutive failures that bench it. */
  readonly failures: number;
  /** Fraction of failures within ten seconds that benches it, from `callsMin` calls on. */
  readonly errorRate: number;
  readonly callsMin: number;
  /** First duration of a cool-down; doubles with each failed probe, up to `longestMs`. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Health of one upstream's model. Times are of one clock, in milliseconds. */
export interface Health {
  readonly slots: { at: number; calls: number; failures: number }[];
  inARow: number;
  /** Start and end of the cool-down; 0 if healthy. */
  benchedMs: number;
  untilMs: number;
  /** Duration of the last cool-down. */
  forMs: number;
  /** Time until which a probe of this process runs. */
  probeMs: number;
}

/** Change of health by a call. */
export type Change = { readonly kind: "benched"; readonly forMs: number } | { readonly kind: "healed" } | undefined;

const WINDOW_MS = 10_000;
const SLOTS = 10;

/** Makes the health of a new target: healthy. */
export function newHealth(): Health {
  const slots = Array.from({ length: SLOTS }, () => ({ at: -1, calls: 0, failures: 0 }));
  return { slots, inARow: 0, benchedMs: 0, untilMs: 0, forMs: 0, probeMs: 0 };
}

/** Returns the state: `well` may be called, `cooling` is benched, `due` may be probed with one call. */
export function standingOf(health: Health, nowMs: number): "well" | "cooling" | "due" {
  if (health.untilMs === 0) return "well";
  return nowMs < health.untilMs || nowMs < health.probeMs ? "cooling" : "due";
}

/** Records the outcome of a call that began at `sinceMs`. */
export function noteCall(
  health: Health,
  { failed, sinceMs }: { readonly failed: boolean; readonly sinceMs: number },
  nowMs: number,
  rules: HealthRules,
): Change {
  if (health.untilMs > 0) {
    // A call from before the cool-down is no new evidence.
    if (sinceMs < health.benchedMs) return undefined;
    if (!failed) {
      heal(health);
      return { kind: "healed" };
    }
    return nowMs < health.untilMs ? undefined : benched(health, nowMs, rules);
  }
  const at = Math.floor(nowMs / (WINDOW_MS / SLOTS));
  const slot = health.slots[at % SLOTS] as Health["slots"][0];
  if (slot.at !== at) Object.assign(slot, { at, calls: 0, failures: 0 });
  slot.calls += 1;
  if (!failed) {
    health.inARow = 0;
    return undefined;
  }
  slot.failures += 1;
  health.inARow += 1;
  const live = health.slots.filter((one) => one.at > at - SLOTS);
  const calls = live.reduce((sum, one) => sum + one.calls, 0);
  const failures = live.reduce((sum, one) => sum + one.failures, 0);
  const ill = health.inARow >= rules.failures || (calls >= rules.callsMin && failures / calls >= rules.errorRate);
  return ill ? benched(health, nowMs, rules) : undefined;
}

/** Benches a target that another process reported. */
export function bench(health: Health, forMs: number, nowMs: number): void {
  if (health.untilMs === 0) health.forMs = Math.max(health.forMs, forMs);
  health.benchedMs = health.untilMs === 0 ? nowMs : health.benchedMs;
  // 0 means well.
  health.untilMs = Math.max(1, nowMs + forMs);
}

/** Marks it healthy and clears its failures. */
export function heal(health: Health): void {
  Object.assign(health, newHealth());
}

function benched(health: Health, nowMs: number, { firstMs, longestMs }: HealthRules): Change {
  const forMs = Math.min(longestMs, health.forMs === 0 ? firstMs : health.forMs * 2);
  Object.assign(health, { benchedMs: nowMs, untilMs: nowMs + forMs, forMs, probeMs: 0 });
  return { kind: "benched", forMs };
}
