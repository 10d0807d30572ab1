import { MarrowError } from "../errors.ts";
import type { Redis } from "./connection.ts";

/**
 * Runs commands that write to a key which can be lost, such as an index. If Redis rejects them because the key is of another type, removes
 * the key and runs them once more.
 */
export async function orAnew<T>(
  redis: Pick<Redis, "send">,
  key: string,
  type: "string" | "list" | "hash" | "set" | "zset" | "stream",
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!MarrowError.is(error, "redis_rejected")) throw error;
    const found = await redis.send(["TYPE", key]);
    if (found === type || found === "none") throw error;
    await redis.send(["UNLINK", key], { retry: "safe" });
    return run();
  }
}
