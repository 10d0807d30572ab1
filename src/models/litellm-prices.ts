import { MarrowError } from "../errors.ts";
import { checkPrice, type Price, type PriceFile } from "./prices.ts";

/** Models read from one file. */
const MODELS_MAX = 100_000;
const MILLION = 1_000_000;
/** Our fields, and LiteLLM's names for them, per token. */
const FIELDS: readonly (readonly [keyof Price, string])[] = [
  ["input", "input_cost_per_token"],
  ["output", "output_cost_per_token"],
  ["cachedInput", "cache_read_input_token_cost"],
  ["cacheWrite", "cache_creation_input_token_cost"],
  ["reasoning", "output_cost_per_reasoning_token"],
];

/**
 * Reads prices in the public format of LiteLLM (`model_prices_and_context_window.json`): an object of models with costs per token. Models
 * without a cost of input tokens (images, audio) are skipped.
 * @throws MarrowError `invalid_input` for any other text
 */
export function fromLitellmPrices(text: string, asOf: string): PriceFile {
  const listed = readObject(text);
  const perMillionTokens: Record<string, Price> = Object.create(null) as Record<string, Price>;
  for (const [model, entry] of Object.entries(listed).slice(0, MODELS_MAX)) {
    if (model === "sample_spec" || model.length > 256 || typeof entry !== "object" || entry === null) continue;
    const costs = entry as Readonly<Record<string, unknown>>;
    if (typeof costs["input_cost_per_token"] !== "number") continue;
    const price: Record<string, number> = { input: 0, output: 0 };
    for (const [field, name] of FIELDS) {
      const cost = costs[name];
      // Costs per token are tiny: twelve digits keep the published value.
      if (typeof cost === "number") price[field] = Number((cost * MILLION).toPrecision(12));
    }
    try {
      perMillionTokens[model] = checkPrice(model, price as unknown as Price);
    } catch {
      throw wrong(`the prices of ${model} are no amounts from 0 to 1,000,000 for a million tokens`);
    }
  }
  if (Object.keys(perMillionTokens).length === 0) throw wrong("it names no model with input_cost_per_token");
  return { asOf, source: "LiteLLM's model_prices_and_context_window.json", currency: "USD", perMillionTokens };
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw wrong("it is not valid JSON");
  }
  if (typeof read !== "object" || read === null || Array.isArray(read)) throw wrong("it is no object of models");
  return read as Readonly<Record<string, unknown>>;
}

function wrong(why: string): MarrowError {
  return new MarrowError("invalid_input", `the file has no prices in LiteLLM's format: ${why}`, {
    details: { path: "from" },
  });
}
