import { checkInteger } from "../internal/check.ts";
import { runScript, type ScopedRedis } from "../redis/index.ts";
import type { ResumeOptions } from "./contract.ts";
import { mending, type Layout } from "./mending.ts";
import { settleUnits } from "./scripts.gen.ts";

/** Time in which settlements of the same subjects are combined, in milliseconds. */
export const SETTLE_WITHIN_MS = 5;
/** Settlements in one script. */
const TOGETHER_MAX = 50;

/** Key that marks a settlement as done, and its TTL. */
export interface Once {
  readonly key: string;
  readonly withinMs: number;
}

const ONCE_MS_MAX = 31 * 86_400_000;

/** Returns the key that marks a settlement as done, if the options ask for one. @throws MarrowError `invalid_input` */
export function toOnce({ onceWithinMs }: ResumeOptions = {}, key: string): Once | undefined {
  if (onceWithinMs === undefined) return undefined;
  const range = { min: 1, max: ONCE_MS_MAX };
  return { key, withinMs: checkInteger("onceWithinMs", onceWithinMs, range, "invalid_input") };
}

/** Arguments of one settlement. */
export interface Settlement {
  /** Old and new costs; see `Wire.settled`. */
  readonly settled: string;
  readonly id: string;
  /** For each subject the members of the old and the new lease; "" for none. */
  readonly members: readonly (readonly [string, string])[];
  /** Marks the settlement as done. Without it every run counts. */
  readonly once?: Once | undefined;
}

/**
 * Combines settlements of the same subjects into one script, so that a busy subject settles every few milliseconds instead of once per
 * call. Returns whether the leases were still held. If the script fails, all of its settlements reject.
 */
export function createSettlements(
  redis: ScopedRedis,
  layout: Layout,
  timeoutMs: number,
): (keys: readonly string[], spec: () => Uint8Array, settlement: Settlement) => Promise<boolean> {
  interface Waiting {
    readonly keys: readonly string[];
    readonly spec: () => Uint8Array;
    readonly list: Settlement[];
    readonly written: PromiseWithResolvers<readonly number[]>;
    readonly timer: NodeJS.Timeout;
  }
  const waiting = new Map<string, Waiting>();

  async function flush(name: string, { keys, spec, list, written, timer }: Waiting): Promise<void> {
    clearTimeout(timer);
    waiting.delete(name);
    try {
      const settled = list.flatMap((one) => [one.settled, one.id, one.once?.withinMs ?? 0, ...one.members.flat()]);
      const remembered = list.flatMap(({ once }) => (once === undefined ? [] : [once.key]));
      const retry = remembered.length === list.length ? "safe" : "never";
      const all = { keys: [...keys, ...remembered] };
      const known = { ...layout, kinds: layout.kinds + "s".repeat(remembered.length) };
      const reply = await mending(redis, known, all.keys, () =>
        runScript(redis, settleUnits, all, { spec: spec(), settled }, { timeoutMs, retry }),
      );
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
