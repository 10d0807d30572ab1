import type { Metric, Registry } from "prom-client";

/** Name and labels of a counter. */
export interface QuickCounterOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
}

/** A count with one set of labels. */
export interface Count {
  /** Adds; never less than 0. @default 1 */
  inc(by?: number): void;
}

/** A counter that is updated several times per request: counting is an addition, and its text is made when it is read. */
export interface QuickCounter {
  /** Returns the count for labels. Keep it: there are few sets of labels, and each is stored. */
  labels(labels: Readonly<Record<string, string>>): Count;
}

class Series implements Count {
  readonly labels: Readonly<Record<string, string>>;
  value = 0;
  /** Whether it was ever updated; others are not shown. */
  isTold: boolean;

  constructor(labels: Readonly<Record<string, string>>, isTold: boolean) {
    this.labels = labels;
    this.isTold = isTold;
  }

  inc(by = 1): void {
    this.value += by;
    this.isTold = true;
  }
}

/** Registers a counter with `prom-client`, whose own counters check and sort the labels at each increment. */
export function createQuickCounter({ name, help, labelNames, registry }: QuickCounterOptions): QuickCounter {
  const known = new Map<string, Series>();
  const keyOf = (labels: Readonly<Record<string, string>>) => JSON.stringify(labelNames.map((label) => labels[label]));
  // A counter without labels has its only count from the start.
  if (labelNames.length === 0) known.set(keyOf({}), new Series({}, true));

  const get = async () => ({
    name,
    help,
    type: "counter",
    aggregator: "sum",
    values: [...known.values()].filter(({ isTold }) => isTold).map(({ labels, value }) => ({ labels, value })),
  });
  registry.registerMetric({ name, help, type: "counter", get, reset: () => known.clear() } as unknown as Metric);

  return {
    labels(labels) {
      const key = keyOf(labels);
      let series = known.get(key);
      if (series === undefined) known.set(key, (series = new Series(labels, false)));
      return series;
    },
  };
}
