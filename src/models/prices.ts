import { readFileSync } from "node:fs";
import { checkNumber, refuse } from "../internal/check.ts";

/** What a million tokens cost, in the currency of the table. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** What models cost. */
export interface Prices {
  /** Millionths of the currency, rounded up; `undefined` for a model that is in no table. */
  costOf(model: string, used: { readonly promptTokens: number; readonly completionTokens: number }): number | undefined;
}

interface PriceFile {
  readonly perMillionTokens: Readonly<Record<string, Price>>;
}

const TABLE = new URL("../../assets/prices.json", import.meta.url);
const PRICE_MAX = 1_000_000;

/**
 * Prices of models: those of `assets/prices.json` (list prices of its date, a start to be corrected) and over them your own.
 *
 * A model is found by its name, then without the provider before a slash and without the date at its end (`openai/gpt-4o-2024-08-06` is
 * `gpt-4o`).
 * @throws MarrowError `invalid_option`
 */
export function createPrices(own: Readonly<Record<string, Price>> = {}): Prices {
  for (const [model, price] of Object.entries(own)) {
    if (typeof price !== "object" || price === null) refuse(`prices.${model}`, "{ input, output }", price);
    checkNumber(`prices.${model}.input`, price.input, { min: 0, max: PRICE_MAX });
    checkNumber(`prices.${model}.output`, price.output, { min: 0, max: PRICE_MAX });
  }
  const { perMillionTokens } = JSON.parse(readFileSync(TABLE, "utf8")) as PriceFile;
  const table = new Map([...Object.entries(perMillionTokens), ...Object.entries(own)]);
  return {
    costOf(model, { promptTokens, completionTokens }) {
      const bare = model.slice(model.lastIndexOf("/") + 1);
      const price = table.get(model) ?? table.get(bare) ?? table.get(bare.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, ""));
      if (price === undefined) return undefined;
      // A price for a million in the currency is one for a token in millionths.
      return Math.max(0, Math.ceil(price.input * promptTokens + price.output * completionTokens - 1e-9));
    },
  };
}
