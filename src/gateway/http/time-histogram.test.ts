import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { createTimeHistogram } from "./time-histogram.ts";

test("a histogram of times reads as prom-client's own does", async () => {
  const [own, theirs] = [new Registry(), new Registry()];
  const named = {
    name: "marrow_test_seconds",
    help: "Times.",
    labelNames: ["route", "status"],
    buckets: [0.005, 0.5, 5],
  };
  const times = createTimeHistogram({ ...named, registry: own });
  const histogram = new Histogram({ ...named, registers: [theirs] });
  times.labels("/never", "2xx");
  for (const [route, status, seconds] of [
    ["/a", "2xx", 0.005],
    ["/a", "2xx", 0.25],
    ["/b", "5xx", 60],
    ["/a", "2xx", 0],
  ] as const) {
    times.labels(route, status).observe(seconds);
    histogram.labels(route, status).observe(seconds);
  }
  expect(await own.metrics()).toBe(await theirs.metrics());
});
