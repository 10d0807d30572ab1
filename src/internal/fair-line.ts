import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { createPermits, type Permit } from "./permits.ts";

/** Bounds how much work of many owners, such as scopes, is done at once. Owners take turns, and the work of one owner keeps its order. */
export interface FairLine {
  /**
   * Runs work once it is its turn.
   * @throws MarrowError `rate_limited` if too much work of the owner waits, or it has waited too long; `aborted` if the signal aborts before
   * the turn; errors of the work
   */
  run<T>(owner: string, work: () => Promise<T>, wait?: FairWait): Promise<T>;
}

/** How long work may wait for its turn. */
export interface FairWait {
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. @default no bound */
  readonly waitMs?: number | undefined;
  /** Work of the owner that may wait before it. @default no bound */
  readonly waitingMax?: number | undefined;
}

/** Options of {@link createFairLine}. */
export interface FairLineOptions {
  /** What waits, in the plural, for messages. */
  readonly name: string;
  /** Work at once. */
  readonly atOnce: number;
  /** Work of one owner at once. @default `atOnce` */
  readonly ownerAtOnce?: number | undefined;
  /** Longest time that work keeps its place, in milliseconds: work that hangs holds up no other. @default no bound */
  readonly holdMaxMs?: number | undefined;
  /** Milliseconds without new work in the place of work that took `tookMs`. @default none */
  readonly restMs?: ((tookMs: number) => number) | undefined;
}

const RETRY_AFTER_MS = 2_000;

/** Makes a line: permits for work, with rests and an end of their own. It keeps nothing of an owner without work. */
export function createFairLine(options: FairLineOptions): FairLine {
  const { name, atOnce, ownerAtOnce = atOnce, holdMaxMs, restMs = () => 0 } = options;
  const permits = createPermits({ max: atOnce, eachMax: ownerAtOnce, refusal });
  /** Work of each owner that waits. */
  const waiting = new Map<string, number>();

  function refusal(): MarrowError {
    return new MarrowError("rate_limited", `too many ${name} wait at once; try again shortly`, {
      details: { retryAfterMs: RETRY_AFTER_MS },
    });
  }

  /** Waits for a turn. */
  async function turn(owner: string, { signal, waitMs = Infinity, waitingMax = Infinity }: FairWait): Promise<Permit> {
    const before = waiting.get(owner) ?? 0;
    if (before >= waitingMax) throw refusal();
    waiting.set(owner, before + 1);
    try {
      return await permits.take(1, waitMs, { owner, signal });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      throw new MarrowError("aborted", `the wait of ${name} was aborted`, { cause: signal.reason });
    } finally {
      const left = (waiting.get(owner) ?? 0) - 1;
      if (left === 0) waiting.delete(owner);
      else waiting.set(owner, left);
    }
  }

  return {
    async run(owner, work, wait = {}) {
      const permit = await turn(owner, wait);
      const begunMs = performance.now();
      let holds = true;
      async function giveUp(): Promise<void> {
        if (!holds) return;
        holds = false;
        clearTimeout(late);
        const rest = restMs(performance.now() - begunMs);
        if (rest > 0) await sleep(rest);
        permit();
      }
      const late = holdMaxMs === undefined ? undefined : setTimeout(() => void giveUp(), holdMaxMs);
      try {
        return await work();
      } finally {
        void giveUp();
      }
    },
  };
}
