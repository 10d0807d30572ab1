import { hearSteps } from "../../internal/steps.ts";
import { workFor, workingFor, type Beneficiary } from "../../internal/working-for.ts";

/** A time in which the event loop of this process was blocked. */
export interface Stall {
  /** The part of the delay in which this thread computed, in milliseconds. */
  readonly delayMs: number;
  /** The step begun last before the longest part of it. */
  readonly route: string;
  readonly step: string;
}

/** Measures the delay of the event loop's timers, and records the latest steps. */
export interface Watchdog {
  /** Marks the start of a route's step. Costs less than a microsecond. */
  mark(route: string, step: string): void;
  /**
   * Runs what handles a request of a route, for an owner such as a scope: the steps that go on within it, also after it waited, are the
   * route's, and its turns of the event loop the owner's.
   */
  within(route: string, owner: string, run: () => void): void;
  close(): void;
}

/** Options of the watchdog. */
export interface WatchdogOptions {
  /** Delay from which the loop counts as blocked, in milliseconds, at least 10. */
  readonly stallMs: number;
  /** Called with each measurement, in seconds: about 50 per second while there is work, 5 otherwise. */
  readonly onDelay: (seconds: number) => void;
  readonly onStall: (stall: Stall) => void;
}

/** For whom a request is handled, at a route that a watchdog watches. */
interface Handled extends Beneficiary {
  readonly route: string;
  /** The marks of the watchdog. */
  readonly of: object;
}

/** Label of work that continued after waiting. */
const WAITED = { route: "other", step: "waited" } as const;
/** Time between two measurements, in milliseconds: while requests are handled, and otherwise, where each would only wake an idle process. */
const [BUSY_MS, QUIET_MS] = [20, 200];
/** Time without a step after which it counts as quiet. */
const QUIET_AFTER_MS = 1_000;
/** Part of a delay that this thread must have computed: less of it was a stop of the process, or a machine that ran others. */
const COMPUTED_MIN = 0.25;
/** Steps that are remembered: those of a few dozen requests. */
const MARKS_MAX = 128;

/**
 * Starts the watchdog. A late timer means that the loop was blocked; the step marked last before the longest unmarked part of the delay is
 * reported. A mark counts until the end of its turn of the event loop. Work that continues after waiting (for Redis, for a model) has no
 * mark and is reported as {@link WAITED}.
 */
export function watchEventLoop({ stallMs, onDelay, onStall }: WatchdogOptions): Watchdog {
  const marks: { atMs: number; route: string; step: string }[] = Array.from({ length: MARKS_MAX }, () => ({
    atMs: -1,
    route: "unknown",
    step: "unknown",
  }));
  let next = 0;
  let ending: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let lastMs = performance.now();
  let workedMs = threadMs();
  let everyMs = BUSY_MS;
  /** Time of the last step: of the start, at first. */
  let begunMs = lastMs;

  /** The mark before the longest time without one, from `fromMs` on. */
  function longest(fromMs: number, nowMs: number): { readonly route: string; readonly step: string } | undefined {
    let found: { readonly route: string; readonly step: string } | undefined;
    let longestMs = 0;
    let endMs = nowMs;
    for (let back = 1; back <= MARKS_MAX; back += 1) {
      const mark = marks[(next - back + MARKS_MAX * 2) % MARKS_MAX];
      if (mark === undefined || mark.atMs < 0) break;
      const spanMs = endMs - Math.max(fromMs, mark.atMs);
      if (spanMs > longestMs) [found, longestMs] = [mark, spanMs];
      if (mark.atMs <= fromMs) break;
      endMs = mark.atMs;
    }
    return found;
  }

  function measure(): void {
    const nowMs = performance.now();
    const delayMs = Math.max(0, nowMs - lastMs - everyMs);
    const workMs = threadMs() - workedMs;
    onDelay(delayMs / 1_000);
    // Time in which the machine did not run this thread is no fault of a request.
    const computedMs = Math.min(delayMs, workMs);
    if (computedMs >= Math.max(stallMs, delayMs * COMPUTED_MIN)) {
      const { route, step } = longest(lastMs, nowMs) ?? { route: "", step: "" };
      // Before the first request the process starts, and loads its tables.
      if (route !== "") onStall({ delayMs: Math.round(computedMs), route, step });
    }
    lastMs = nowMs;
    workedMs += workMs;
    if (everyMs === BUSY_MS && nowMs - begunMs > QUIET_AFTER_MS) timer = measureEvery(QUIET_MS);
  }

  function measureEvery(ms: number): NodeJS.Timeout {
    clearInterval(timer);
    everyMs = ms;
    return setInterval(measure, ms).unref();
  }

  /** Measures often again: something begins. */
  function wake(): void {
    if (everyMs === BUSY_MS) return;
    [lastMs, workedMs] = [performance.now(), threadMs()];
    timer = measureEvery(BUSY_MS);
  }

  function note(route: string, step: string): number {
    const mark = marks[next] as (typeof marks)[number];
    mark.atMs = performance.now();
    mark.route = route;
    mark.step = step;
    next = (next + 1) % MARKS_MAX;
    return mark.atMs;
  }

  function endTurn(): void {
    ending = undefined;
    note(WAITED.route, WAITED.step);
  }

  function begin(route: string, step: string): void {
    begunMs = note(route, step);
    wake();
    ending ??= setImmediate(endTurn);
  }

  timer = measureEvery(BUSY_MS);
  const deafen = hearSteps((step) => {
    const handled = workingFor() as Partial<Handled> | undefined;
    // Otherwise it is a step of another gateway of this process, or of none.
    if (handled?.of === marks && handled.route !== undefined) begin(handled.route, step);
  });

  return {
    mark: begin,
    within(route, owner, run) {
      const handled: Handled = { owner, route, of: marks };
      workFor(handled, run);
    },
    close() {
      deafen();
      clearInterval(timer);
      clearImmediate(ending);
    },
  };
}

/** CPU time of this thread so far, in milliseconds. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
