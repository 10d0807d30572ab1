import { Registry } from "prom-client";
import type { Answered, Spent } from "../../flow/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { createQuickCounter } from "../http/quick-counter.ts";

type Label = GatewayConfig["spendLabels"][number];

/** Spending metrics: once without private labels, and once with tenant labels, for admins. */
export interface SpendMetrics {
  /** Counts an answer. */
  spent(scope: string, spent: Spent): void;
  /** Counts the savings of a cached answer; the model's answers save nothing. */
  saved(scope: string, answered: Answered): void;
  /** Formats the metrics in Prometheus' text format. `forAdmin`: with the labels `scope`, `key` and `user` in `spendLabels`. */
  render(forAdmin: boolean): Promise<string>;
}

/** Most series of spending. */
const SPEND_SERIES_MAX = 1_000;
/** Labels that name a tenant, or somebody: nobody reads them without an admin's key. */
const PRIVATE: ReadonlySet<Label> = new Set(["scope", "key", "user"]);

/** Makes the metrics. Public labels are in both. */
export function createSpendMetrics(labels: readonly Label[]): SpendMetrics {
  const open = createCounters(labels.filter((label) => !PRIVATE.has(label)));
  const full = labels.some((label) => PRIVATE.has(label)) ? createCounters(labels) : open;
  return {
    spent(scope, spent) {
      open.spent(scope, spent);
      if (full !== open) full.spent(scope, spent);
    },
    saved(scope, answered) {
      if (answered.source === "miss" || answered.cost === undefined) return;
      open.saved(scope, answered, answered.cost);
      if (full !== open) full.saved(scope, answered, answered.cost);
    },
    render: (forAdmin) => (forAdmin ? full : open).registry.metrics(),
  };
}

function createCounters(labels: readonly Label[]) {
  const registry = new Registry();
  const names = [...new Set(labels)];
  const spending = createQuickCounter({
    name: "marrow_spend_total",
    help: "Cost of models' answers, in the currency of the prices.",
    labelNames: names,
    registry,
  });
  const tokens = createQuickCounter({
    name: "marrow_spend_tokens_total",
    help: "Tokens of models' answers.",
    labelNames: [...names, "kind"],
    registry,
  });
  const saving = createQuickCounter({
    name: "marrow_saved_cost_total",
    help: "Cost of cached answers when they were made, at the prices of that day.",
    labelNames: names,
    registry,
  });
  const savedTokens = createQuickCounter({
    name: "marrow_saved_tokens_total",
    help: "Tokens of cached answers when they were made.",
    labelNames: [...names, "kind"],
    registry,
  });
  const savedSeconds = createQuickCounter({
    name: "marrow_saved_seconds_total",
    help: "Duration of the model calls of cached answers.",
    labelNames: names,
    registry,
  });
  const series = new Map<string, ReturnType<typeof openSeries>>();
  let other: ReturnType<typeof openSeries> | undefined;

  function openSeries(own: Record<string, string>) {
    return {
      spending: spending.labels(own),
      prompt: tokens.labels({ ...own, kind: "prompt" }),
      completion: tokens.labels({ ...own, kind: "completion" }),
      saving: saving.labels(own),
      savedPrompt: savedTokens.labels({ ...own, kind: "prompt" }),
      savedCompletion: savedTokens.labels({ ...own, kind: "completion" }),
      savedSeconds: savedSeconds.labels(own),
    };
  }

  /** The series of one answer; beyond the bound all are one. */
  function seriesOf(
    scope: string,
    { key = "", user, model }: Pick<Spent, "key" | "user" | "model">,
  ): ReturnType<typeof openSeries> {
    const all = { scope, key, user, model };
    const values = names.map((name) => all[name]);
    const name = values.length === 1 ? (values[0] as string) : JSON.stringify(values);
    let known = series.get(name);
    if (known !== undefined) return known;
    if (series.size >= SPEND_SERIES_MAX)
      return (other ??= openSeries(Object.fromEntries(names.map((label) => [label, "other"]))));
    known = openSeries(Object.fromEntries(names.map((label) => [label, all[label]])));
    series.set(name, known);
    return known;
  }

  return {
    registry,
    spent(scope: string, spent: Spent): void {
      const own = seriesOf(scope, spent);
      own.spending.inc((spent.micros ?? 0) / 1_000_000);
      own.prompt.inc(spent.promptTokens);
      own.completion.inc(spent.completionTokens);
    },
    saved(scope: string, answered: Answered, cost: NonNullable<Answered["cost"]>): void {
      const own = seriesOf(scope, answered);
      own.saving.inc((cost.micros ?? 0) / 1_000_000);
      own.savedPrompt.inc(cost.promptTokens);
      own.savedCompletion.inc(cost.completionTokens);
      own.savedSeconds.inc(cost.tookMs / 1_000);
    },
  };
}
