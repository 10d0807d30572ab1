import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";

/**
 * Waits for a time.
 * @throws MarrowError `aborted` if the signal aborts; `what` is the subject of the message
 */
export async function pause(ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    throw new MarrowError("aborted", `${what} was aborted by its signal`, { cause });
  }
}
