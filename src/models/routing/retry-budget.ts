/** Bounds the calls beyond one per request. */
export interface RetryBudget {
  /** Counts a request. */
  began(nowMs: number): void;
  /** Takes one additional call, if the budget permits. */
  take(nowMs: number): boolean;
  /** Returns an additional call that was not made. */
  giveBack(takenMs: number): void;
}

/** Window in which requests and additional calls are counted. */
export const BUDGET_WINDOW_MS = 10_000;
const SLOTS = 10;

/**
 * Makes the retry budget of one route: within ten seconds, retries are at most a fraction of the requests, plus a reserve for routes with
 * little traffic. So retries never multiply the load of a failing upstream.
 * @source https://finagle.github.io/blog/2016/02/08/retry-budgets/
 */
export function createRetryBudget({
  share,
  reserve,
}: {
  readonly share: number;
  readonly reserve: number;
}): RetryBudget {
  const slots = Array.from({ length: SLOTS }, () => ({ at: -1, requests: 0, further: 0 }));

  function slotOf(nowMs: number) {
    const at = Math.floor(nowMs / (BUDGET_WINDOW_MS / SLOTS));
    const slot = slots[at % SLOTS] as (typeof slots)[0];
    if (slot.at !== at) Object.assign(slot, { at, requests: 0, further: 0 });
    return slot;
  }

  return {
    began: (nowMs) => void (slotOf(nowMs).requests += 1),
    take(nowMs) {
      const now = slotOf(nowMs);
      const live = slots.filter(({ at }) => at > now.at - SLOTS);
      const requests = live.reduce((sum, slot) => sum + slot.requests, 0);
      const further = live.reduce((sum, slot) => sum + slot.further, 0);
      if (further >= Math.floor(requests * share) + reserve) return false;
      now.further += 1;
      return true;
    },
    giveBack(takenMs) {
      const at = Math.floor(takenMs / (BUDGET_WINDOW_MS / SLOTS));
      const slot = slots[at % SLOTS];
      if (slot?.at === at) slot.further -= 1;
    },
  };
}
