import { readFileSync } from "node:fs";
import { checkNumber, refuse } from "../internal/check.ts";

/** Prices per million tokens, in the currency of the table. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** For prompt tokens read from the provider's cache. @default `input` */
  readonly cachedInput?: number | undefined;
  /** For prompt tokens written to the provider's cache. @default `input` */
  readonly cacheWrite?: number | undefined;
  /** For reasoning tokens. @default `output` */
  readonly reasoning?: number | undefined;
}

/** Token usage of an answer. */
export interface PricedTokens {
  /** All prompt tokens, including cached and written ones. */
  readonly promptTokens: number;
  /** All completion tokens, including reasoning. */
  readonly completionTokens: number;
  readonly cachedTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** Prices of models. */
export interface Prices {
  /** Returns the cost in millionths of the currency, rounded up; `undefined` for a model without a price. */
  costOf(model: string, used: PricedTokens): number | undefined;
}

/** Treatment of a model without a price: free, as expensive as the dearest model of the table, or not called. */
export type OnUnpriced = "allow" | "dearest" | "refuse";

/** A table of prices as stored in a file. */
export interface PriceFile {
  /** Date of the prices. */
  readonly asOf: string;
  /** Source of the prices. */
  readonly source?: string | undefined;
  readonly currency: string;
  readonly perMillionTokens: Readonly<Record<string, Price>>;
}

const TABLE = new URL("../../assets/prices.json", import.meta.url);
const PRICE_MAX = 1_000_000;
/** Models with a cached price. */
const KNOWN_MAX = 1_000;
const FIELDS = ["input", "output", "cachedInput", "cacheWrite", "reasoning"] as const;

/** Reads the table that comes with Marrow. */
export function readPrices(): PriceFile {
  return JSON.parse(readFileSync(TABLE, "utf8")) as PriceFile;
}

/**
 * Makes prices from a table (by default `assets/prices.json`, list prices of its date, which you should correct) and your own, which take
 * precedence.
 *
 * A model is looked up by its name, then without the provider before a slash, without a date, `-latest` or `-preview` at the end, and with
 * `-preview` (`openai/gpt-4o-2024-08-06` is `gpt-4o`).
 * @throws MarrowError `invalid_option`
 */
export function createPrices(
  own: Readonly<Record<string, Price>> = {},
  { onUnpriced = "allow", file = readPrices() }: { readonly onUnpriced?: OnUnpriced; readonly file?: PriceFile } = {},
): Prices {
  for (const [model, price] of Object.entries(own)) checkPrice(`prices.${model}`, price);
  const table = new Map([...Object.entries(file.perMillionTokens), ...Object.entries(own)]);
  const dearest = onUnpriced === "dearest" ? dearestOf([...table.values()]) : undefined;
  const known = new Map<string, Price | undefined>();

  function priceOf(model: string): Price | undefined {
    if (known.has(model)) return known.get(model);
    const name = namesOf(model).find((one) => table.has(one));
    const price = name === undefined ? dearest : table.get(name);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(model, price);
    return price;
  }

  return {
    costOf(model, used) {
      const price = priceOf(model);
      return price && costAt(price, used);
    },
  };
}

/** Checks a price. @throws MarrowError `invalid_option` that names the field */
export function checkPrice(path: string, price: Price): Price {
  if (typeof price !== "object" || (price as unknown) === null) refuse(path, "{ input, output }", price);
  for (const field of FIELDS)
    if (price[field] !== undefined || field === "input" || field === "output")
      checkNumber(`${path}.${field}`, price[field], { min: 0, max: PRICE_MAX });
  return price;
}

function namesOf(model: string): readonly string[] {
  const bare = model.slice(model.lastIndexOf("/") + 1);
  const short = bare.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest|preview)$/, "");
  return [model, bare, short, `${short}-preview`];
}

function costAt(price: Price, used: PricedTokens): number {
  const { promptTokens, completionTokens } = used;
  // Parts are never more than the whole, whatever an endpoint counts.
  const cached = Math.min(promptTokens, used.cachedTokens ?? 0);
  const written = Math.min(promptTokens - cached, used.cacheWriteTokens ?? 0);
  const thought = Math.min(completionTokens, used.reasoningTokens ?? 0);
  const cost =
    price.input * (promptTokens - cached - written) +
    (price.cachedInput ?? price.input) * cached +
    (price.cacheWrite ?? price.input) * written +
    price.output * (completionTokens - thought) +
    (price.reasoning ?? price.output) * thought;
  // A price for a million in the currency is one for a token in millionths.
  return Math.max(0, Math.ceil(cost - 1e-9));
}

function dearestOf(prices: readonly Price[]): Price {
  const most = (field: "input" | "output") => prices.reduce((max, price) => Math.max(max, price[field]), 0);
  return { input: most("input"), output: most("output") };
}
