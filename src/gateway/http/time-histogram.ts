import type { Metric, Registry } from "prom-client";

/** Name and labels of a histogram of times. */
export interface TimeHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** One or two. */
  readonly labelNames: readonly string[];
  /** Upper bounds in seconds, ascending. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
}

/** Times under one set of labels. */
export interface Times {
  /** Records a duration; `traceId` of the request becomes an exemplar of its bucket. */
  observe(seconds: number, traceId?: string): void;
}

/** A histogram that is updated several times per request: an observation is a few additions, and its text is made when it is read. */
export interface TimeHistogram {
  /** Returns the durations for label values, in their order. There are few sets of them; each is stored. */
  labels(first: string, second?: string): Times;
  /** Returns the last exemplar of each bucket in OpenMetrics' format, by its sample. */
  exemplars(): ReadonlyMap<string, string>;
}

interface Counts {
  readonly labels: Readonly<Record<string, string>>;
  /** Of each bucket alone; the last one is beyond all bounds. */
  readonly buckets: Float64Array;
  readonly examples: (Example | undefined)[];
  sum: number;
  count: number;
}

interface Example {
  readonly traceId: string;
  readonly seconds: number;
  readonly atMs: number;
}

/** Registers a histogram of durations with `prom-client`, whose own histograms check and sort the labels at each observation. */
export function createTimeHistogram({
  name,
  help,
  labelNames,
  buckets,
  registry,
}: TimeHistogramOptions): TimeHistogram {
  const known = new Map<string, Map<string, Counts & Times>>();
  const all = () => [...known.values()].flatMap((under) => [...under.values()]);

  function add(values: readonly string[]): Counts & Times {
    const labels = Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? ""]));
    const counts = {
      labels,
      buckets: new Float64Array(buckets.length + 1),
      examples: [] as (Example | undefined)[],
      sum: 0,
      count: 0,
      observe(seconds: number, traceId?: string): void {
        let at = 0;
        while (at < buckets.length && seconds > (buckets[at] as number)) at += 1;
        counts.buckets[at] = (counts.buckets[at] as number) + 1;
        counts.sum += seconds;
        counts.count += 1;
        if (traceId !== undefined) counts.examples[at] = { traceId, seconds, atMs: Date.now() };
      },
    };
    return counts;
  }

  function rowsOf({ labels, buckets: counted, sum, count }: Counts): readonly object[] {
    let upTo = 0;
    const rows: object[] = [...buckets, "+Inf"].map((le, at) => {
      upTo += counted[at] as number;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: upTo };
    });
    rows.push({ metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count });
    return rows;
  }

  const get = async () => ({
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    values: all()
      .filter(({ count }) => count > 0)
      .flatMap(rowsOf),
  });
  registry.registerMetric({ name, help, type: "histogram", get, reset: () => known.clear() } as unknown as Metric);

  return {
    labels(first, second = "") {
      // Looked up label by label: each value's hash is cached, while a joined key would be hashed each time.
      let under = known.get(first);
      if (under === undefined) known.set(first, (under = new Map()));
      let times = under.get(second);
      if (times === undefined) under.set(second, (times = add([first, second])));
      return times;
    },

    exemplars() {
      const samples = new Map<string, string>();
      for (const { labels, examples } of all())
        for (const [at, example] of examples.entries()) {
          if (example === undefined) continue;
          const { traceId, seconds, atMs } = example;
          const own = Object.entries({ le: String(buckets[at] ?? "+Inf"), ...labels });
          const sample = `${name}_bucket{${own.map(([label, value]) => `${label}="${escapeValue(value)}"`).join(",")}}`;
          samples.set(sample, `{trace_id="${traceId}"} ${seconds} ${atMs / 1_000}`);
        }
      return samples;
    },
  };
}

/** A label's value as `prom-client` writes it. */
function escapeValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
