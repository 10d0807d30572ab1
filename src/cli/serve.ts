import { serve, type Served } from "../gateway/index.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

/** `marrow serve`: runs until SIGINT or SIGTERM. */
export async function runServe(): Promise<number> {
  const served = await begin(true);
  if (served.firstKey !== undefined) showKey(served.firstKey);
  console.log(`Marrow listens on ${served.url}/v1`);
  return untilStopped(served);
}

/** `marrow worker`: works in the background until SIGINT or SIGTERM; what is not done by then is handed back. */
export async function runWorker(): Promise<number> {
  const served = await begin(false);
  console.log("Marrow works in the background");
  return untilStopped(served);
}

async function begin(listens: boolean): Promise<Served> {
  const say = (line: string) => console.log(line);
  return serve({ ...readSurroundings(), config: await loadConfig(), say, onFirstKey: showKey, listens });
}

function showKey(key: string): void {
  console.log(`API key, shown only this once: ${key}`);
}

async function untilStopped(served: Served): Promise<number> {
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  console.log("stopping");
  await served.close();
  return 0;
}
