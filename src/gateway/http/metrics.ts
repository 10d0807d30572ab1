import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Answered, Spent } from "../../flow/index.ts";
import type { Asked } from "../../models/index.ts";
import type { QueueStats } from "../../queue/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { createSpendMetrics } from "../tenancy/spend-metrics.ts";
import { VERSION } from "../version.ts";
import { toOpenMetrics } from "./open-metrics.ts";
import { createProcessMetrics, createSignalMetrics } from "./signal-metrics.ts";
import { createQuickCounter, type Count } from "./quick-counter.ts";
import { createTimeHistogram } from "./time-histogram.ts";

/**
 * The gateway's metrics. No label contains a prompt. Those of spending contain tenants, keys and users only if configured, and only for
 * admins.
 */
export interface Metrics {
  /** Content type of Prometheus' text format. */
  readonly contentType: string;
  /**
   * Formats all metrics in Prometheus' text format, or as OpenMetrics with exemplars; `forAdmin`: with the labels of tenants, keys and
   * users.
   */
  render(forAdmin: boolean, isOpen?: boolean): Promise<string>;
  /** Records the statistics of a queue. */
  queued(queue: string, stats: QueueStats): void;
  answered(route: string, status: number, seconds: number, traceId?: string): void;
  cached(status: string): void;
  refused(rule: string): void;
  degraded(role: string, code: string): void;
  /** Records a verdict of the cache's judge, or the reason for its absence, and its cost in millionths. */
  judged(verdict: string, micros: number): void;
  recalled(recall: number, effort: number): void;
  /** Records a delay of the event loop, in seconds. */
  looped(seconds: number): void;
  /** Counts a stall of the event loop. */
  stalled(route: string, step: string): void;
  spent(scope: string, spent: Spent): void;
  /** Records an answer, and for the cache's the savings. */
  saved(scope: string, answered: Answered): void;
  /** Records a call of one of several upstreams, and its result. */
  readonly asked: (asked: Asked) => void;
  /** Called when an upstream's model was benched, or is healthy again. */
  readonly healthy: (upstream: string, model: string, well: boolean) => void;
  /** Stops collecting. */
  close(): void;
}

/** Classes of statuses, by their first digit. */
const CLASSES: readonly string[] = Array.from({ length: 10 }, (_, digit) => `${digit}xx`);

/** Makes the metrics of one gateway in its own registry. `onDegraded` is called with the error's code if a role could not do its work. */
export function createMetrics(
  spendLabels: GatewayConfig["spendLabels"] = ["model"],
  onDegraded: (code: string) => void = () => {},
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const seconds = createTimeHistogram({
    name: "marrow_request_seconds",
    help: "Time from a request to the end of its answer, by route and status class.",
    labelNames: ["route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registry,
  });
  const cache = createQuickCounter({
    name: "marrow_cache_total",
    help: "Answers by origin.",
    labelNames: ["status"],
    registry,
  });
  /** The counts of each status: looking them up among labels costs more than counting. */
  const answers = new Map<string, Count>();
  const verdicts = new Counter({
    name: "marrow_cache_verdicts_total",
    help: "Near misses that the cache's judge decided, by verdict; unsure ones by reason.",
    labelNames: ["verdict"],
    registers,
  });
  // A series must exist from the start, so that its first event is an increase.
  for (const verdict of ["same", "different", "unsure"]) verdicts.labels(verdict).inc(0);
  const verdictCost = new Counter({
    name: "marrow_cache_verdicts_cost_total",
    help: "Cost of the cache judge's verdicts, in the currency of the prices.",
    registers,
  });
  const refusals = new Counter({
    name: "marrow_refused_total",
    help: "Requests that a limit refused.",
    labelNames: ["rule"],
    registers,
  });
  const degradations = new Counter({
    name: "marrow_degraded_total",
    help: "Work that a role could not do, by role and error code.",
    labelNames: ["role", "code"],
    registers,
  });
  const loop = new Histogram({
    name: "marrow_event_loop_delay_seconds",
    help: "Delay of a timer of 20 ms in the event loop: how long a request may wait for other requests.",
    buckets: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  const stalls = new Counter({
    name: "marrow_event_loop_stalls_total",
    help: "Times that the event loop was blocked for eventLoop.stallMs or longer, by the route and step that began last.",
    labelNames: ["route", "step"],
    registers,
  });
  const recall = new Gauge({
    name: "marrow_vector_recall",
    help: "Share of the true neighbours that sampled searches of vector stores found: moving mean of the tenant sampled last.",
    registers,
  });
  const effort = new Gauge({
    name: "marrow_vector_effort",
    help: "How widely the graphs of vector stores are searched, by the tenant last sampled.",
    registers,
  });
  const jobs = new Gauge({
    name: "marrow_jobs",
    help: "Jobs of the gateway's queues by state; of tenants and endpoints how many have something waiting.",
    labelNames: ["queue", "state"],
    registers,
  });
  const asked = new Counter({
    name: "marrow_upstream_calls_total",
    help: "Calls of upstreams by routes: first calls, retries (again), fallbacks (instead) and hedges (beside), by outcome.",
    labelNames: ["upstream", "why", "outcome"],
    registers,
  });
  const benched = new Gauge({
    name: "marrow_upstream_benched",
    help: "1 while a model of an upstream cools down after failures, 0 once it is healthy again.",
    labelNames: ["upstream", "model"],
    registers,
  });
  // Unknown before the first sample: 0 would raise an alarm.
  recall.set(NaN);
  effort.set(NaN);
  createProcessMetrics(registry, VERSION);
  const gathered = createSignalMetrics(registry);
  const spending = createSpendMetrics(spendLabels);

  return {
    contentType: registry.contentType,
    answered(route, status, elapsed, traceId) {
      seconds.labels(route, CLASSES[Math.floor(status / 100)] ?? "other").observe(elapsed, traceId);
    },
    queued(queue, stats) {
      for (const [state, count] of Object.entries(stats)) jobs.labels(queue, state).set(Number(count));
    },
    cached(status) {
      let count = answers.get(status);
      if (count === undefined) answers.set(status, (count = cache.labels({ status })));
      count.inc();
    },
    refused: (rule) => refusals.labels(rule).inc(),
    recalled(found, width) {
      recall.set(found);
      effort.set(width);
    },
    spent: (scope, spent) => spending.spent(scope, spent),
    saved: (scope, answered) => spending.saved(scope, answered),
    async render(forAdmin, isOpen = false) {
      const text = `${await registry.metrics()}\n${await spending.render(forAdmin)}`;
      return isOpen ? toOpenMetrics(text, seconds.exemplars()) : text;
    },
    asked: ({ upstream, why, outcome }) => asked.labels(upstream, why, outcome).inc(),
    healthy: (upstream, model, well) => benched.labels(upstream, model).set(well ? 0 : 1),
    close: () => gathered.close(),
    looped: (delay) => loop.observe(delay),
    stalled: (route, step) => stalls.labels(route, step).inc(),
    judged(verdict, micros) {
      verdicts.labels(verdict).inc();
      verdictCost.inc(micros / 1_000_000);
    },
    degraded(role, code) {
      degradations.labels(role, code).inc();
      onDegraded(code);
    },
  };
}
