/** What one counter holds: units in the current window and in the one before. */
export interface WindowState {
  /** Number of the current window since 1970. */
  readonly window: number;
  readonly current: number;
  readonly previous: number;
}

/** One rule as it is asked for one call. */
export interface WindowAsked {
  readonly limit: number;
  readonly windowMs: number;
  readonly cost: number;
  readonly state: WindowState;
}

/** What becomes of one call. */
export interface WindowTaken {
  /** Index of the rule to wait longest for, or -1 when all allow. */
  readonly refused: number;
  /** Until it would allow this cost; `undefined` when it never will, or nothing refused. */
  readonly waitMs: number | undefined;
  readonly used: readonly number[];
  readonly states: readonly WindowState[];
}

/**
 * The arithmetic of `take_windows.lua`, pure: its twin in tests, and its explanation. A window counts what it holds itself
 * and the share of the window before that the sliding one still covers, as if that had come evenly.
 */
export function takeFromWindows(asked: readonly WindowAsked[], nowMs: number): WindowTaken {
  const turned = asked.map(({ windowMs, state }) => turn(state, windowMs, nowMs));
  const counts = asked.map(({ windowMs }, at) => countOf(turned[at] as WindowState, windowMs, nowMs));
  const waits = asked.map((rule, at) =>
    (counts[at] as number) + rule.cost > rule.limit ? waitOf(rule, turned[at] as WindowState, nowMs) : undefined,
  );
  const longest = waits.reduce<number | undefined>(
    (most, wait) => (wait !== undefined && (most === undefined || wait > most) ? wait : most),
    undefined,
  );
  if (longest !== undefined) {
    // Of several that never allow, the script names the last one; of several equal waits, the first.
    const refused = longest === Infinity ? waits.lastIndexOf(longest) : waits.indexOf(longest);
    return { refused, waitMs: longest === Infinity ? undefined : longest, used: counts, states: turned };
  }
  return {
    refused: -1,
    waitMs: undefined,
    used: asked.map(({ cost }, at) => (counts[at] as number) + cost),
    states: asked.map(({ cost }, at) => {
      const state = turned[at] as WindowState;
      return cost === 0 ? (asked[at] as WindowAsked).state : { ...state, current: state.current + cost };
    }),
  };
}

function turn(state: WindowState, windowMs: number, nowMs: number): WindowState {
  const window = Math.floor(nowMs / windowMs);
  if (state.window >= window) return state;
  return { window, current: 0, previous: state.window === window - 1 ? state.current : 0 };
}

function countOf({ window, current, previous }: WindowState, windowMs: number, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - window * windowMs);
  return current + Math.ceil((previous * (windowMs - elapsedMs)) / windowMs);
}

function waitOf(
  { limit, windowMs, cost }: WindowAsked,
  { window, current, previous }: WindowState,
  nowMs: number,
): number {
  const elapsedMs = Math.max(0, nowMs - window * windowMs);
  if (cost > limit) return Infinity;
  if (current + cost <= limit) {
    return Math.max(1, Math.ceil(windowMs * (1 - (limit - current - cost) / previous)) - elapsedMs);
  }
  return Math.max(1, windowMs - elapsedMs + Math.ceil(windowMs * (1 - (limit - cost) / current)));
}
