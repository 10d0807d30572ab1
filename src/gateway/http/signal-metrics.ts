import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { MarrowError } from "../../errors.ts";
import { hear, signalsOf, type Act, type Ear, type GatewayStreamSignal } from "../../internal/signals.ts";
import { createTimeHistogram } from "./time-histogram.ts";

const REDIS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 2.5];
const WORK_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800];
const ANSWER_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Most values of one label; the rest is `other`. */
const VALUES_MAX = 200;
const STAGES = ["admit", "remember", "find", "ask", "finish"] as const;

/** Makes the metrics derived from signals, for the whole process. `close` stops them. */
export function createSignalMetrics(registry: Registry): { close(): void } {
  const registers = [registry];
  const redis = createTimeHistogram({
    name: "marrow_redis_seconds",
    help: "Time of commands of Redis, retries included, by script or command.",
    labelNames: ["command"],
    buckets: REDIS_BUCKETS,
    registry,
  });
  const redisErrors = new Counter({
    name: "marrow_redis_errors_total",
    help: "Commands of Redis that failed, by error code.",
    labelNames: ["code"],
    registers,
  });
  const stages = createTimeHistogram({
    name: "marrow_stage_seconds",
    help: "Duration of the stages of chat requests; ask ends with the answer, or the start of a stream.",
    labelNames: ["stage"],
    buckets: ANSWER_BUCKETS,
    registry,
  });
  const attempts = createTimeHistogram({
    name: "marrow_upstream_seconds",
    help: "Time of calls of models' endpoints until the head of their answer, by upstream and status class; error: there was none.",
    labelNames: ["upstream", "status"],
    buckets: ANSWER_BUCKETS,
    registry,
  });
  const jobSeconds = new Histogram({
    name: "marrow_job_seconds",
    help: "Time of attempts at jobs in this process, by queue and outcome.",
    labelNames: ["queue", "outcome"],
    buckets: WORK_BUCKETS,
    registers,
  });
  const jobWait = new Histogram({
    name: "marrow_job_wait_seconds",
    help: "Time from the push of a job to an attempt at it in this process, by queue.",
    labelNames: ["queue"],
    buckets: WORK_BUCKETS,
    registers,
  });
  const lag = new Histogram({
    name: "marrow_bus_lag_seconds",
    help: "Time from the sending of a message to its handling in this process: mail or topic.",
    labelNames: ["kind"],
    buckets: WORK_BUCKETS,
    registers,
  });
  const webhooks = new Counter({
    name: "marrow_webhooks_total",
    help: "Webhooks that this process sent, each attempt, by status class; none: there was no answer.",
    labelNames: ["status"],
    registers,
  });
  for (const status of ["2xx", "4xx", "5xx", "none"]) webhooks.labels(status).inc(0);
  const open = new Gauge({ name: "marrow_streams_open", help: "Streams of answers that are open now.", registers });
  const first = new Histogram({
    name: "marrow_first_event_seconds",
    help: "Time from a request to the first event of its stream.",
    buckets: ANSWER_BUCKETS,
    registers,
  });

  const endings: (() => void)[] = [];
  function on<A extends Act>(act: A, ear: Ear<A>): void {
    endings.push(hear(act, ear));
  }

  const names = bounded();
  const upstreams = bounded();
  const queues = bounded();
  on("redis:command", ({ command, script }, seconds, error) => {
    redis.labels(names(script ?? command)).observe(seconds);
    if (error !== undefined) redisErrors.labels(codeOf(error)).inc();
  });
  for (const stage of STAGES) {
    const times = stages.labels(stage);
    on(`flow:${stage}`, (_, seconds) => times.observe(seconds));
  }
  on("models:attempt", ({ upstream, host, status }, seconds) => {
    attempts.labels(upstreams(upstream ?? host), classOf(status, "error")).observe(seconds);
  });
  on("queue:job", ({ queue, waitedMs }, seconds, error) => {
    jobSeconds.labels(queues(queue), error === undefined ? "done" : "failed").observe(seconds);
    jobWait.labels(queues(queue)).observe(waitedMs / 1_000);
  });
  on("bus:message", ({ kind, waitedMs }) => lag.labels(kind).observe(waitedMs / 1_000));
  on("queue:webhook", (_, __, ___, result) => {
    const { status = 0 } = (result ?? {}) as { readonly status?: number };
    webhooks.labels(classOf(status === 0 ? undefined : status, "none")).inc();
  });
  const streams = {
    start: () => open.inc(),
    asyncEnd({ firstMs }: GatewayStreamSignal) {
      open.dec();
      if (firstMs !== undefined) first.observe(firstMs / 1_000);
    },
  };
  signalsOf("gateway:stream").subscribe(streams as never);
  endings.push(() => signalsOf("gateway:stream").unsubscribe(streams as never));

  return {
    close() {
      for (const end of endings) end();
    },
  };
}

/** Registers the process's own metrics, with the names of Prometheus' clients, and its version. */
export function createProcessMetrics(registry: Registry, version: string): void {
  const registers = [registry];
  new Gauge({
    name: "marrow_build_info",
    help: "1, with the version of Marrow and of Node.",
    labelNames: ["version", "node"],
    registers,
  })
    .labels(version, process.version)
    .set(1);
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", () =>
    Math.round(Date.now() / 1_000 - process.uptime()),
  );
  gauge("process_cpu_seconds_total", "CPU time of the process.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  gauge("process_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage.rss());
  gauge("nodejs_heap_size_used_bytes", "Heap of JavaScript in use.", () => process.memoryUsage().heapUsed);
}

/** Lets the first values pass as they are, and calls the rest `other`. */
function bounded(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= VALUES_MAX) return "other";
    known.add(value);
    return value;
  };
}

function classOf(status: number | undefined, none: string): string {
  return status === undefined ? none : `${Math.floor(status / 100)}xx`;
}

function codeOf(error: unknown): string {
  return MarrowError.is(error) ? error.code : "internal";
}
