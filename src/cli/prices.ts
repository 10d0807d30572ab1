import { parseArgs } from "node:util";
import { MarrowError } from "../errors.ts";
import { updatePriceFile } from "../gateway/index.ts";
import { PRICES_FILE } from "./load-config.ts";

const USAGE = "marrow prices update --from FILE [--to FILE]: FILE is LiteLLM's model_prices_and_context_window.json";

/** `marrow prices update`: makes the table of prices out of a fresh one in LiteLLM's public format. */
export async function runPrices(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { from: { type: "string" }, to: { type: "string", default: PRICES_FILE } },
  });
  if (positionals.join(" ") !== "update" || values.from === undefined) throw new MarrowError("invalid_option", USAGE);
  const { models, asOf, without } = updatePriceFile(values.from, values.to);
  console.log(`${values.to}: prices of ${models} models, as of ${asOf}`);
  if (without > 0) console.log(`${without} models of the table that comes with Marrow are not in it`);
  return 0;
}
