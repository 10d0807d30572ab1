import type { Metrics } from "../http/metrics.ts";
import type { MinuteAnswer } from "./answers.ts";

/** Counts of this process in the last hour, by minute, for the dashboard. A few additions per request; not stored. */
export interface Pulse {
  answered(route: string, status: number, seconds: number): void;
  cached(status: string): void;
  refused(): void;
  /** Returns the minutes with counts, oldest first, and the totals since the start. */
  read(): { readonly minutes: readonly MinuteAnswer[]; readonly totals: Omit<MinuteAnswer, "at_ms"> };
}

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** Names of cache states that are counted apart; further ones are `other`. */
const STATES_MAX = 16;
/** Bounds of the histogram of times, in ms: each 25 % over the one before, to about five minutes. */
const BOUNDS: readonly number[] = Array.from({ length: 58 }, (_, at) => 1.25 ** at);
/** Requests of people and machines that look at the gateway are not its work. */
const UNCOUNTED = /^\/(?:$|dashboard|healthz|readyz|metrics|v1\/admin)/;
/** Requests whose time is that of an answer of a model. */
const ASKING = new Set(["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"]);

interface Count {
  atMs: number;
  requests: number;
  errors: number;
  refused: number;
  readonly cache: Map<string, number>;
  /** Requests by time; the last one is beyond all bounds. */
  readonly times: Uint32Array;
}

const newCount = (atMs: number): Count => ({
  atMs,
  requests: 0,
  errors: 0,
  refused: 0,
  cache: new Map(),
  times: new Uint32Array(BOUNDS.length + 1),
});

/** Makes the pulse of one process; `now` is a clock in ms since 1970. */
export function createPulse(now: () => number = Date.now): Pulse {
  const minutes: Count[] = [];
  const totals = newCount(0);

  function minute(): Count {
    const atMs = now() - (now() % MINUTE_MS);
    const last = minutes.at(-1);
    // A clock that was set back goes on in the minute that it left.
    if (last !== undefined && last.atMs >= atMs) return last;
    const fresh = newCount(atMs);
    minutes.push(fresh);
    if (minutes.length > MINUTES) minutes.shift();
    return fresh;
  }

  return {
    answered(route, status, seconds) {
      if (UNCOUNTED.test(route)) return;
      for (const count of [minute(), totals]) {
        count.requests += 1;
        if (status >= 500) count.errors += 1;
        if (ASKING.has(route) && status < 400) {
          const at = bucketOf(seconds * 1000);
          count.times[at] = (count.times[at] as number) + 1;
        }
      }
    },
    cached(state) {
      for (const { cache } of [minute(), totals]) {
        const name = cache.has(state) || cache.size < STATES_MAX ? state : "other";
        cache.set(name, (cache.get(name) ?? 0) + 1);
      }
    },
    refused() {
      for (const count of [minute(), totals]) count.refused += 1;
    },
    read() {
      const fromMs = now() - MINUTES * MINUTE_MS;
      const { at_ms: _, ...sums } = toAnswer(totals);
      return { minutes: minutes.filter(({ atMs }) => atMs > fromMs).map(toAnswer), totals: sums };
    },
  };
}

/** Makes metrics that also update the pulse. */
export function withPulse(metrics: Metrics, pulse: Pulse): Metrics {
  return {
    ...metrics,
    answered(route, status, seconds, traceId) {
      pulse.answered(route, status, seconds);
      metrics.answered(route, status, seconds, traceId);
    },
    cached(status) {
      pulse.cached(status);
      metrics.cached(status);
    },
    refused(rule) {
      pulse.refused();
      metrics.refused(rule);
    },
  };
}

/**
 * Returns the duration within which a fraction of requests stayed, as the upper bound of its bucket; `undefined` without requests. Pure.
 */
export function quantileOf(times: Uint32Array, part: number): number | undefined {
  const all = times.reduce((sum, count) => sum + count, 0);
  if (all === 0) return undefined;
  let seen = 0;
  for (const [at, count] of times.entries()) {
    seen += count;
    if (seen >= part * all) return Math.round((BOUNDS[Math.min(at, BOUNDS.length - 1)] as number) * 10) / 10;
  }
  return undefined;
}

function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.min(BOUNDS.length, Math.ceil(Math.log(ms) / Math.log(1.25)));
}

function toAnswer({ atMs, requests, errors, refused, cache, times }: Count): MinuteAnswer {
  return {
    at_ms: atMs,
    requests,
    errors,
    refused,
    cache: Object.fromEntries(cache),
    p50_ms: quantileOf(times, 0.5),
    p95_ms: quantileOf(times, 0.95),
  };
}
