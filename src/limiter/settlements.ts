import { runScript, type ScopedRedis } from "../redis/index.ts";
import { settleWindows } from "./scripts.gen.ts";

/** How long a settlement waits for others of the same counters, in milliseconds. */
export const SETTLE_WITHIN_MS = 5;

/** One rule's correction: where, in which window, by how much. */
export interface Correction {
  readonly counter: string;
  readonly windowMs: number;
  readonly takenAtMs: number;
  readonly delta: number;
}

/**
 * Writes corrections, those of the same counters and windows as one: a busy subject settles once every few milliseconds and
 * not once a call. A correction that fails rejects for all who share it.
 */
export function createSettlements(
  redis: ScopedRedis,
  timeoutMs: number,
): (corrections: readonly Correction[]) => Promise<void> {
  interface Waiting {
    corrections: readonly Correction[];
    readonly written: PromiseWithResolvers<void>;
  }
  const waiting = new Map<string, Waiting>();

  async function flush(key: string): Promise<void> {
    const { corrections, written } = waiting.get(key) as Waiting;
    waiting.delete(key);
    try {
      const counters = corrections.map(({ counter }) => counter);
      const rules = corrections.flatMap(({ windowMs, takenAtMs, delta }) => [windowMs, takenAtMs, delta]);
      await runScript(redis, settleWindows, { counters }, { rules }, { timeoutMs });
      written.resolve();
    } catch (error) {
      written.reject(error);
    }
  }

  return (corrections) => {
    let key = "";
    for (const { counter, windowMs, takenAtMs } of corrections)
      key += `${counter}@${Math.floor(takenAtMs / windowMs)} `;
    const same = waiting.get(key);
    if (same !== undefined) {
      same.corrections = same.corrections.map((one, at) => ({
        ...one,
        delta: one.delta + (corrections[at]?.delta ?? 0),
      }));
      return same.written.promise;
    }
    const started: Waiting = { corrections, written: Promise.withResolvers<void>() };
    waiting.set(key, started);
    setTimeout(() => void flush(key), SETTLE_WITHIN_MS);
    return started.written.promise;
  };
}
