import { updatePriceFile } from "../gateway/operator.ts";
import type { Given } from "./command.ts";
import { PRICES_FILE } from "./load-config.ts";
import { print } from "./print.ts";

/** `marrow prices update`: makes the table of prices out of a fresh one in LiteLLM's public format. */
export async function runPrices(given: Given): Promise<number> {
  const to = given.text("to") ?? PRICES_FILE;
  const { models, asOf, without } = updatePriceFile(given.text("from") ?? "", to);
  print(given, { file: to, models, as_of: asOf, without }, () => [
    `${to}: prices of ${models} models, as of ${asOf}`,
    ...(without > 0 ? [`${without} models of the included table are missing in it`] : []),
  ]);
  return 0;
}
