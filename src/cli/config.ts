import { resolveConfig } from "../gateway/index.ts";
import { loadConfig } from "./load-config.ts";

/** `marrow config`: prints what is in force as JSON, secrets masked. */
export async function runConfig(): Promise<number> {
  const config = resolveConfig(await loadConfig());
  const masked = {
    ...config,
    upstreams: config.upstreams.map((upstream) => ({ ...upstream, ...(upstream.apiKey && { apiKey: "***" }) })),
  };
  console.log(JSON.stringify(masked, null, 2));
  return 0;
}
