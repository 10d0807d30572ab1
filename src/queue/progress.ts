import { refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";

/** Reports a job's progress. */
export interface ProgressTeller {
  /** Sets the newest progress; earlier ones that were not written yet are dropped. */
  tell(progress: unknown): void;
  /** Stops writing. */
  stop(): void;
}

/** Shortest interval between writes of one job's progress, in milliseconds. */
const EVERY_MS = 250;
const BYTES_MAX = 4_096;

/** Makes the writer of one job's progress, at most every 250 ms. */
export function createProgress(
  write: (json: string) => Promise<unknown>,
  onError: (error: unknown) => void,
): ProgressTeller {
  let newest: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function writeNewest(): void {
    timer = undefined;
    if (newest === undefined || stopped) return;
    const json = newest;
    newest = undefined;
    timer = setTimeout(writeNewest, EVERY_MS);
    write(json).catch(onError);
  }

  return {
    tell(progress) {
      const json = encodeWritable("progress", progress, (one) => JSON.stringify(one) as string | undefined);
      if (json === undefined || Buffer.byteLength(json) > BYTES_MAX)
        refuse("progress", `a JSON value of at most ${BYTES_MAX} bytes`, progress, "invalid_input");
      newest = json;
      if (timer === undefined) writeNewest();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
