import { Counter, Registry } from "prom-client";
import type { Spent } from "../flow/index.ts";
import type { GatewayConfig } from "./config.ts";

type Label = GatewayConfig["spendLabels"][number];

/** The metrics of spending: once for everybody, and once with the labels that tell tenants apart, for admins. */
export interface SpendMetrics {
  /** Counts an answer. */
  spent(scope: string, spent: Spent): void;
  /** In Prometheus' text format. `forAdmin`: with the labels `scope`, `key` and `user` that `spendLabels` names. */
  render(forAdmin: boolean): Promise<string>;
}

/** Series of spending that are told apart. */
const SPEND_SERIES_MAX = 1_000;
/** Labels that name a tenant, or somebody: nobody reads them without an admin's key. */
const PRIVATE: ReadonlySet<Label> = new Set(["scope", "key", "user"]);

/** Makes them. Labels that are not private stand in both. */
export function createSpendMetrics(labels: readonly Label[]): SpendMetrics {
  const open = createCounters(labels.filter((label) => !PRIVATE.has(label)));
  const full = labels.some((label) => PRIVATE.has(label)) ? createCounters(labels) : open;
  return {
    spent(scope, spent) {
      open.spent(scope, spent);
      if (full !== open) full.spent(scope, spent);
    },
    render: (forAdmin) => (forAdmin ? full : open).registry.metrics(),
  };
}

function createCounters(labels: readonly Label[]) {
  const registry = new Registry();
  const names = [...new Set(labels)];
  const spending = new Counter({
    name: "marrow_spend_total",
    help: "What models' answers cost, in the currency of the prices.",
    labelNames: names,
    registers: [registry],
  });
  const tokens = new Counter({
    name: "marrow_spend_tokens_total",
    help: "Tokens of models' answers.",
    labelNames: [...names, "kind"],
    registers: [registry],
  });
  const series = new Set<string>();

  /** Labels of one answer; beyond the bound all are one series. */
  function labelsOf(scope: string, { key = "", user, model }: Spent): Record<string, string> {
    const all = { scope, key, user, model };
    const own = Object.fromEntries(names.map((name) => [name, all[name]]));
    const name = JSON.stringify(own);
    if (series.size < SPEND_SERIES_MAX) series.add(name);
    return series.has(name) ? own : Object.fromEntries(names.map((label) => [label, "other"]));
  }

  return {
    registry,
    spent(scope: string, spent: Spent): void {
      const own = labelsOf(scope, spent);
      spending.inc(own, (spent.micros ?? 0) / 1_000_000);
      tokens.inc({ ...own, kind: "prompt" }, spent.promptTokens);
      tokens.inc({ ...own, kind: "completion" }, spent.completionTokens);
    },
  };
}
