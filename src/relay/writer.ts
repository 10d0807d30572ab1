import { insist } from "../internal/insist.ts";
import type { Reply } from "../redis/index.ts";

/** Writes an output into Redis, part by part, without a gap. */
export interface OutputWriter {
  /** Parts so far, written or not. */
  readonly count: number;
  readonly write: (text: string) => void;
  /** Waits until every part is in Redis, or the output is not this writer's any more. */
  settle(): Promise<void>;
  /** Looks again which parts Redis has: it lost some when another server took over. */
  recheck(): void;
  /** Writes nothing more. */
  stop(): void;
}

/** How long parts gather, in milliseconds. */
const WRITE_MS = 20;
/** Parts that are written in one go. */
const PARTS_MAX = 512;

/**
 * Adds parts to an output, of which `from` came before, and answers the state of whatever it is the output of; `lost` when it is another
 * writer's, `gap:` and how many are there when it lacks some before these: then nothing was added.
 */
export type Append = (from: number, parts: readonly string[]) => Promise<Reply>;

/** Begins an output. `hear` is told the state at each writing. */
export function createWriter(
  append: Append,
  hear: (state: string) => void,
  onError: (error: unknown) => void,
): OutputWriter {
  const parts: string[] = [];
  let written = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    return (writing ??= writeOut().finally(() => (writing = undefined)));
  }

  /** Writes what has gathered, however often it takes. */
  async function writeOut(): Promise<void> {
    while (written < parts.length && !stopped) {
      let some: readonly string[] = [];
      const reply = await insist(
        () => append(written, (some = parts.slice(written, written + PARTS_MAX))),
        () => stopped,
        onError,
      );
      if (reply === undefined) return;
      const state = String(reply);
      if (state === "lost") stopped = true;
      written = state.startsWith("gap:") ? Number(state.slice(4)) : written + some.length;
      hear(state);
    }
  }

  const writer = {
    count: 0,
    write(text: string): void {
      writer.count = parts.push(text);
      timer ??= setTimeout(() => void flush(), WRITE_MS);
    },
    async settle() {
      while (written < parts.length && !stopped) await flush();
      clearTimeout(timer);
    },
    recheck: () => void (written = 0),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
  return writer;
}
