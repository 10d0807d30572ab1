import { existsSync } from "node:fs";
import { MarrowError } from "../../errors.ts";
import { createPrices, DEMO_MODEL_ID, type Prices } from "../../models/index.ts";
import { readSecret } from "../../redis/index.ts";
import type { GatewayConfig } from "./config.ts";
import { readPriceFile, unboundBudgets } from "./price-file.ts";

const NOTHING = { promptTokens: 0, completionTokens: 0 };
/** Names that a warning lists. */
const NAMES_MAX = 10;

/**
 * Finds parts of a valid configuration that cannot work: budgets without prices, a judge that no model serves, missing files. Reads the
 * files that the configuration names, and reveals no secret.
 */
export function findUnworkable(config: GatewayConfig): readonly string[] {
  const { upstreams, demo, embedder, pricesFile } = config;
  const warnings: (string | false)[] = [
    upstreams.length === 0 && !demo.enabled && "upstreams is empty and demo.enabled is false: no model serves a chat",
    embedder.kind === "minilm" &&
      !existsSync(embedder.directory) &&
      `embedder.directory: there is no directory ${embedder.directory}`,
    ...upstreams.flatMap(({ name, apiKeyFile }) =>
      apiKeyFile === undefined ? [] : whyNot(() => readSecret(`upstreams.${name}.apiKeyFile`, { file: apiKeyFile })),
    ),
  ];
  let prices: Prices | undefined;
  warnings.push(
    ...whyNot(() => {
      prices = createPrices(config.prices, { onUnpriced: config.onUnpriced, file: readPriceFile(pricesFile) });
    }),
  );
  return [
    ...warnings.filter((warning) => warning !== false),
    ...budgetWarnings(config, prices),
    ...judgeWarnings(config, prices),
  ];
}

function budgetWarnings(config: GatewayConfig, prices: Prices | undefined): readonly string[] {
  const { plans, limits } = config;
  const named = Object.entries(plans).flatMap(([name, plan]) => (plan.budgetPerMonth === undefined ? [] : [name]));
  const unbound = prices && unboundBudgets(config, prices);
  const warnings: (string | false | undefined)[] = [
    !limits.enabled &&
      Object.keys(plans).length > 0 &&
      `limits.enabled is false: the plans ${listed(Object.keys(plans))} have no effect`,
    unbound !== undefined &&
      unbound.models.length > 0 &&
      `the budgets of the plans ${listed(named)} do not count ${listed(unbound.models)}: no price is known. Set prices, or onUnpriced`,
    unbound !== undefined &&
      unbound.anyModelOf.length > 0 &&
      `the budgets of the plans ${listed(named)} may not bind: the upstreams ${listed(unbound.anyModelOf)} serve any model, also without a price. Set onUnpriced, or upstreams[].models`,
  ];
  return warnings.filter((warning) => typeof warning === "string");
}

function judgeWarnings(config: GatewayConfig, prices: Prices | undefined): readonly string[] {
  const { cache, onUnpriced } = config;
  const { judge } = cache;
  if (judge === undefined) return [];
  const { model, perDay } = judge;
  const isPriced = prices === undefined || prices.costOf(model, NOTHING) !== undefined;
  const warnings: (string | false)[] = [
    !isServed(config, model) &&
      `cache.judge.model: no upstream and no route serves ${model}; the gateway does not start so`,
    !(cache.enabled && cache.semantic) && "cache.judge has no effect: cache.enabled or cache.semantic is false",
    perDay !== undefined &&
      !isPriced &&
      onUnpriced === "allow" &&
      `cache.judge.perDay has no effect: no price is known for ${model}`,
    !isPriced && onUnpriced === "refuse" && `cache.judge.model: ${model} has no price, and onUnpriced is refuse`,
  ];
  return warnings.filter((warning) => warning !== false);
}

function isServed({ upstreams, routes, demo }: GatewayConfig, id: string): boolean {
  if (Object.hasOwn(routes, id) || (demo.enabled && id === DEMO_MODEL_ID)) return true;
  return upstreams.some(
    ({ models }) => models === undefined || (Array.isArray(models) ? models.includes(id) : Object.hasOwn(models, id)),
  );
}

/** Returns the message of the error that a function throws, if any. */
function whyNot(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return [error.message];
  }
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return `${names.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
