import { resolveConfig, toShownConfig } from "../gateway/operator.ts";
import { loadConfig } from "./load-config.ts";

/** `marrow config`: prints what is in force as JSON, every secret masked. */
export async function runConfig(): Promise<number> {
  console.log(JSON.stringify(toShownConfig(resolveConfig(await loadConfig())), null, 2));
  return 0;
}
