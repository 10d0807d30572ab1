import { runScript, type ScopedRedis } from "../redis/index.ts";
import { settleUnits } from "./scripts.gen.ts";

/** How long a settlement waits for others of the same subjects, in milliseconds. */
export const SETTLE_WITHIN_MS = 5;
/** Settlements in one script. */
const TOGETHER_MAX = 50;

/** One settlement as the script takes it. */
export interface Settlement {
  /** What is put in place of what; see `Wire.settled`. */
  readonly settled: string;
  readonly id: string;
  /** For each subject the member of its lease and of the one that takes its place; "" for none. */
  readonly members: readonly (readonly [string, string])[];
}

/**
 * Writes settlements, those of the same subjects in one script: a busy subject settles once every few milliseconds and not once a call.
 * Answers whether its leases were still held. One that fails rejects for all who share it.
 */
export function createSettlements(
  redis: ScopedRedis,
  timeoutMs: number,
): (keys: readonly string[], spec: () => string, settlement: Settlement) => Promise<boolean> {
  interface Waiting {
    readonly keys: readonly string[];
    readonly spec: () => string;
    readonly list: Settlement[];
    readonly written: PromiseWithResolvers<readonly number[]>;
    readonly timer: NodeJS.Timeout;
  }
  const waiting = new Map<string, Waiting>();

  async function flush(name: string, { keys, spec, list, written, timer }: Waiting): Promise<void> {
    clearTimeout(timer);
    waiting.delete(name);
    try {
      const settled = list.flatMap((one) => [one.settled, one.id, ...one.members.flat()]);
      const reply = await runScript(redis, settleUnits, { keys }, { spec: spec(), settled }, { timeoutMs });
      written.resolve(reply as readonly number[]);
    } catch (error) {
      written.reject(error);
    }
  }

  return async (keys, spec, settlement) => {
    const name = keys.join(" ");
    let shared = waiting.get(name);
    if (shared === undefined) {
      const fresh: Waiting = {
        keys,
        spec,
        list: [],
        written: Promise.withResolvers<readonly number[]>(),
        timer: setTimeout(() => void flush(name, fresh), SETTLE_WITHIN_MS),
      };
      waiting.set(name, fresh);
      shared = fresh;
    }
    const place = shared.list.push(settlement) - 1;
    if (shared.list.length >= TOGETHER_MAX) void flush(name, shared);
    return (await shared.written.promise)[place] === 1;
  };
}
