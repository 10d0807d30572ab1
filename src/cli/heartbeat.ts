import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Interval of a worker's heartbeats, in milliseconds. */
const BEAT_EVERY_MS = 5_000;
/** After which silence it counts as dead: long enough for a busy machine. */
const SILENT_MS_MAX = 30_000;

const fileIn = (directory: string) => join(directory, "worker.alive");

/**
 * Starts a worker's heartbeat, the modification time of a file in `directory`; the returned function stops it. A process with a blocked
 * event loop writes none. If the directory cannot be written, that is reported once and the worker continues.
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

/**
 * Returns the time since the last heartbeat of the worker in `directory`, in milliseconds, and whether it counts as alive; `undefined` if
 * there is none.
 */
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
