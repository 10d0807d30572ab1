import { runScript, type ScopedRedis } from "../redis/index.ts";
import { mending } from "./mending.ts";
import { renewLeases } from "./scripts.gen.ts";

/** Leased units of a process: for each subject its record, its zset of leases, and the lease's member in it. */
export interface Held {
  parts: readonly { readonly record: string; readonly leases: string; readonly member: string }[];
  /** Time after which it is no longer renewed, by `performance.now()`. */
  readonly untilMs: number;
  /** Set once the lease is found to be missing. */
  lost: boolean;
}

/** Renews leases while their process lives. */
export interface Leases {
  add(held: Held): void;
  remove(held: Held): void;
}

/** Leases renewed in one script. */
const TOGETHER_MAX = 100;

/** Renews leases three times in their duration, in as few round trips as slots allow. The timer runs only while leases exist. */
export function createLeases(redis: ScopedRedis, leaseMs: number, timeoutMs: number): Leases {
  const all = new Set<Held>();
  let timer: NodeJS.Timeout | undefined;

  async function renew(batch: readonly Held[]): Promise<void> {
    const keys: string[] = [];
    const members: (string | number)[] = [];
    const owners: Held[] = [];
    for (const held of batch) {
      for (const { record, leases, member } of held.parts) {
        let at = keys.indexOf(record);
        if (at === -1) at = keys.push(record, leases) - 2;
        members.push(at / 2 + 1, member);
        owners.push(held);
      }
    }
    const layout = { kinds: "rl".repeat(keys.length / 2), slots: [], lifeMs: 4 * leaseMs };
    const values = { lease_ms: leaseMs, members };
    const lost = (await mending(redis, layout, keys, () =>
      runScript(redis, renewLeases, { keys }, values, { timeoutMs }),
    )) as number[];
    for (const number of lost) {
      const held = owners[number - 1];
      // It may have been settled, or changed, while this was on the way.
      if (held === undefined || !all.has(held) || !held.parts.some(({ member }) => member === members[2 * number - 1]))
        continue;
      held.lost = true;
      all.delete(held);
    }
  }

  async function beat(): Promise<void> {
    const nowMs = performance.now();
    const bySlot = new Map<string, Held[]>();
    for (const held of all) {
      if (held.untilMs <= nowMs) {
        all.delete(held);
        continue;
      }
      const key = held.parts[0]?.record ?? "";
      const slot = key.slice(0, key.indexOf("}"));
      const list = bySlot.get(slot);
      if (list === undefined) bySlot.set(slot, [held]);
      else list.push(held);
    }
    const renewals: Promise<void>[] = [];
    for (const list of bySlot.values())
      for (let at = 0; at < list.length; at += TOGETHER_MAX) renewals.push(renew(list.slice(at, at + TOGETHER_MAX)));
    // A failed renewal is repeated at the next turn, or the lease expires.
    await Promise.allSettled(renewals);
    timer = undefined;
    schedule();
  }

  function schedule(): void {
    if (timer !== undefined || all.size === 0) return;
    timer = setTimeout(() => void beat(), leaseMs / 3);
    timer.unref();
  }

  return {
    add(held) {
      all.add(held);
      schedule();
    },
    remove(held) {
      all.delete(held);
      if (all.size > 0 || timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
