import type { Metric, Registry } from "prom-client";

/** What a histogram of times is called, and how it is told apart. */
export interface TimeHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds in seconds, ascending. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
}

/** Times under one set of labels. */
export interface Times {
  observe(seconds: number): void;
}

/** A histogram that is told of several times in each request: an observation is a few additions, and its text is made when it is read. */
export interface TimeHistogram {
  /** Times under these values of the labels, in their order. Few sets of them: each is kept. */
  labels(...values: readonly string[]): Times;
}

interface Counts {
  readonly labels: Readonly<Record<string, string>>;
  /** Of each bucket alone; the last one is beyond all bounds. */
  readonly buckets: Float64Array;
  sum: number;
  count: number;
}

/** Registers a histogram of times with `prom-client`, whose own checks and sorts the labels at every observation. */
export function createTimeHistogram({
  name,
  help,
  labelNames,
  buckets,
  registry,
}: TimeHistogramOptions): TimeHistogram {
  const known = new Map<string, Counts & Times>();

  function add(values: readonly string[]): Counts & Times {
    const labels = Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? ""]));
    const counts = {
      labels,
      buckets: new Float64Array(buckets.length + 1),
      sum: 0,
      count: 0,
      observe(seconds: number): void {
        let at = 0;
        while (at < buckets.length && seconds > (buckets[at] as number)) at += 1;
        counts.buckets[at] = (counts.buckets[at] as number) + 1;
        counts.sum += seconds;
        counts.count += 1;
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
    values: [...known.values()].filter(({ count }) => count > 0).flatMap(rowsOf),
  });
  registry.registerMetric({ name, help, type: "histogram", get, reset: () => known.clear() } as unknown as Metric);

  return {
    labels(...values) {
      const key = values.join("\n");
      let times = known.get(key);
      if (times === undefined) known.set(key, (times = add(values)));
      return times;
    },
  };
}
