import { serve } from "../gateway/index.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

/** `marrow serve`: runs until SIGINT or SIGTERM. */
export async function runServe(): Promise<number> {
  const served = await serve({ ...readSurroundings(), config: await loadConfig(), say: (line) => console.log(line) });
  if (served.firstKey !== undefined) {
    console.log(`API key, shown only this once: ${served.firstKey}`);
  }
  console.log(`Marrow listens on ${served.url}/v1`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  console.log("stopping");
  await served.close();
  return 0;
}
