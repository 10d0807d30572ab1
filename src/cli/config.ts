import { resolveConfig, toShownConfig } from "../gateway/operator.ts";
import type { Given } from "./command.ts";
import { loadConfig } from "./load-config.ts";
import { print } from "./print.ts";

/** Runs `marrow config`: prints the current configuration as JSON, on one line with `--json`, with all secrets masked. */
export async function runConfig(given: Given): Promise<number> {
  const shown = toShownConfig(resolveConfig(await loadConfig()));
  print(given, shown, () => [JSON.stringify(shown, null, 2)]);
  return 0;
}
