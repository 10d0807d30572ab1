import type { LimiterOptions } from "../../src/limiter/index.ts";

/** What a process is told to do: take again and again, or take slots and hold them until it is killed. */
export interface Orders {
  readonly act: "flood" | "hold";
  readonly url: string;
  readonly app: string;
  readonly callers: number;
  readonly calls: number;
  readonly failover?: boolean | undefined;
}

/** Units that each rule admits in the hours of its window. */
export const LIMIT = 300;

/** All algorithms and units at once: the hardest limit of all decides. */
export const LIMITER: LimiterOptions = {
  name: "flood",
  onUnavailable: "refuse",
  timeoutMs: 1_000,
  rules: [
    { id: "log", by: "user", algorithm: "slidingLog", limit: LIMIT, windowMs: 3_600_000 },
    { id: "window", by: "user", limit: LIMIT + 1, windowMs: 31 * 86_400_000 },
    { id: "month", by: "app", unit: "tokens", algorithm: "fixedWindow", limit: LIMIT + 2, calendar: "month" },
    { id: "bucket", by: "app", algorithm: "tokenBucket", limit: 1, windowMs: 31 * 86_400_000, burst: LIMIT + 3 },
    { id: "slots", by: "app", unit: "concurrency", limit: 5 },
  ],
};

/** Fifty slots with a short lease. */
export const HOLDERS: LimiterOptions = {
  name: "holders",
  onUnavailable: "refuse",
  leaseMs: 1_500,
  rules: [{ id: "slots", by: "user", unit: "concurrency", limit: 50 }],
};
