import { openOperator, type Operator } from "../gateway/operator.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

/** Opens the installation of the environment and configuration, runs a function with it, and closes it. */
export async function withInstallation<T>(work: (operator: Operator) => Promise<T>): Promise<T> {
  const operator = await openOperator({ ...readSurroundings(), config: await loadConfig(), say: () => {} });
  try {
    return await work(operator);
  } finally {
    await operator.close();
  }
}
