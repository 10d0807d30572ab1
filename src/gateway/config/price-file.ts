import { readFileSync, statSync, writeFileSync } from "node:fs";
import { MarrowError } from "../../errors.ts";
import { checkPrice, fromLitellmPrices, readPrices, type PriceFile, type Prices } from "../../models/index.ts";
import type { GatewayConfig } from "./config.ts";

/** Bytes of a file of prices. */
const BYTES_MAX = 64 * 1_048_576;

/** Reads a price table; by default the one that is part of Marrow. @throws MarrowError `invalid_option` that names the file */
export function readPriceFile(file: string | undefined): PriceFile {
  if (file === undefined) return readPrices();
  const text = readText(file, "pricesFile");
  let table: Partial<PriceFile> | null;
  try {
    table = JSON.parse(text) as Partial<PriceFile> | null;
  } catch {
    throw wrong("pricesFile", file, "it is not valid JSON");
  }
  const { perMillionTokens: prices } = table ?? {};
  if (typeof prices !== "object" || (prices as unknown) === null || Array.isArray(prices))
    throw wrong("pricesFile", file, "it has no perMillionTokens; marrow prices update writes such a file");
  for (const [model, price] of Object.entries(prices)) checkPrice(`pricesFile.${model}`, price);
  return table as PriceFile;
}

/** Converts a file in LiteLLM's format to a price table. Returns a summary. @throws MarrowError `invalid_option`, `invalid_input` */
export function updatePriceFile(
  from: string,
  to: string,
): { readonly models: number; readonly asOf: string; readonly without: number } {
  const text = readText(from, "from");
  const asOf = statSync(from).mtime.toISOString().slice(0, 10);
  const table = fromLitellmPrices(text, asOf);
  writeFileSync(to, `${JSON.stringify(table, null, 2)}\n`);
  const models = Object.keys(table.perMillionTokens).length;
  const known = new Set(Object.keys(table.perMillionTokens));
  const before = Object.keys(readPrices().perMillionTokens);
  return { models, asOf, without: before.filter((model) => !known.has(model)).length };
}

/**
 * Returns a warning about budgets without effect: configured models without a price, and upstreams that serve any model. `undefined`
 * without one.
 */
export function unboundBudgets(
  { plans, upstreams, routes, onUnpriced }: Pick<GatewayConfig, "plans" | "upstreams" | "routes" | "onUnpriced">,
  prices: Prices,
):
  | { readonly plans: readonly string[]; readonly models: readonly string[]; readonly anyModelOf: readonly string[] }
  | undefined {
  const budgets = Object.entries(plans).flatMap(([name, plan]) => (plan.budgetPerMonth === undefined ? [] : [name]));
  if (budgets.length === 0 || onUnpriced !== "allow") return undefined;
  const ids = upstreams.flatMap(({ models = [] }) =>
    Array.isArray(models) ? (models as string[]) : Object.keys(models),
  );
  const nothing = { promptTokens: 0, completionTokens: 0 };
  const models = [...new Set([...Object.keys(routes), ...ids])].filter(
    (id) => prices.costOf(id, nothing) === undefined,
  );
  const anyModelOf = upstreams.filter((one) => one.models === undefined).map(({ name }) => name);
  return models.length === 0 && anyModelOf.length === 0 ? undefined : { plans: budgets, models, anyModelOf };
}

function readText(file: string, path: string): string {
  try {
    if (statSync(file).size > BYTES_MAX) throw wrong(path, file, `it has more than ${BYTES_MAX} bytes`);
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (MarrowError.is(cause)) throw cause;
    throw wrong(path, file, (cause as { code?: string }).code ?? "it cannot be read", cause);
  }
}

function wrong(path: string, file: string, why: string, cause?: unknown): MarrowError {
  return new MarrowError("invalid_option", `${path}: ${file} cannot be used: ${why}`, { cause, details: { path } });
}
