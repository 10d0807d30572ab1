import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How often a worker says that it lives, in milliseconds. */
const BEAT_EVERY_MS = 5_000;
/** After which silence it counts as dead: long enough for a busy machine. */
const SILENT_MS_MAX = 30_000;

const fileIn = (directory: string) => join(directory, "worker.alive");

/**
 * Says that this worker lives, by the time of a file in `directory`, until the function that is answered is called. A process whose event loop
 * stands still writes no more. A directory that cannot be written to is told of once, and the worker works on.
 */
export function startHeartbeat(directory: string, say: (line: string) => void): () => void {
  let isTold = false;
  const beat = () => {
    try {
      mkdirSync(directory, { recursive: true });
      writeFileSync(fileIn(directory), `${process.pid}\n`);
    } catch (error) {
      if (!isTold) say(`marrow health --worker will not see this worker: ${(error as NodeJS.ErrnoException).code}`);
      isTold = true;
    }
  };
  beat();
  const timer = setInterval(beat, BEAT_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** For how long the worker of `directory` has said nothing, in milliseconds, and whether it counts as alive; `undefined` if there is none. */
export function readHeartbeat(
  directory: string,
  nowMs: number = Date.now(),
): { readonly silentMs: number; readonly isAlive: boolean } | undefined {
  try {
    const silentMs = Math.max(0, Math.round(nowMs - statSync(fileIn(directory)).mtimeMs));
    return { silentMs, isAlive: silentMs <= SILENT_MS_MAX };
  } catch {
    return undefined;
  }
}
