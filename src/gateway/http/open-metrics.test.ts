import { Counter, Gauge, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { toOpenMetrics } from "./open-metrics.ts";
import { createTimeHistogram } from "./time-histogram.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("metrics as OpenMetrics", () => {
  it("name counters without their ending, and end", async () => {
    const registry = new Registry();
    new Counter({ name: "a_total", help: "All.", labelNames: ["k"], registers: [registry] }).labels("x y").inc(2);
    new Gauge({ name: "b", help: "One.", registers: [registry] }).set(1);
    expect(toOpenMetrics(await registry.metrics(), new Map())).toBe(
      [
        "# HELP a All.",
        "# TYPE a counter",
        'a_total{k="x y"} 2',
        "# HELP b One.",
        "# TYPE b gauge",
        "b 1",
        "# EOF",
        "",
      ].join("\n"),
    );
  });

  it("have the last trace of each bucket of a histogram behind its sample", async () => {
    const registry = new Registry();
    const times = createTimeHistogram({
      name: "t_seconds",
      help: "T.",
      labelNames: ["route"],
      buckets: [0.1, 1],
      registry,
    });
    const at = times.labels("/v1/x/:id");
    at.observe(0.05);
    at.observe(0.5, TRACE);
    const text = toOpenMetrics(await registry.metrics(), times.exemplars());
    expect(text).toContain('t_seconds_bucket{le="0.1",route="/v1/x/:id"} 1\n');
    expect(text).toMatch(
      new RegExp(
        String.raw`t_seconds_bucket\{le="1",route="/v1/x/:id"\} 2 # \{trace_id="${TRACE}"\} 0\.5 \d{10}\.\d+\n`,
      ),
    );
    // The bucket beyond all bounds got none: its exemplar would be of another bucket.
    expect(text).toMatch(/le="\+Inf",route="\/v1\/x\/:id"\} 2\n/);
  });
});
