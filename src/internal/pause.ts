import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";

/**
 * Waits for a time.
 * @throws MarrowError `aborted` when the signal ended it; `what` says what was ended
 */
export async function pause(ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    throw new MarrowError("aborted", `the signal ended ${what}`, { cause });
  }
}
