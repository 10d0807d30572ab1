import { hash } from "node:crypto";
import type { CoolDowns } from "../../models/index.ts";
import { encodeKeyPart, runScript, type Redis } from "../../redis/index.ts";
import { benchUpstream, readBenched } from "../scripts.gen.ts";

/** Interval at which a process with traffic reads the others' cool-downs, in milliseconds. */
const LOOK_MS = 200;
const WAIT_MS = 200;
/** Lease of a probe, in milliseconds: after a crash others may probe. A living process renews it. */
const LEASE_MS = 1_000;
const RENEW_MS = 300;
/** Most renewals of one probe: ten seconds. */
const RENEWALS_MAX = 33;
/** Time that an unused benched upstream is kept, in milliseconds. */
const KEPT_MS = 600_000;
const TARGETS_MAX = 10_000;

/**
 * Makes the cool-downs that all gateways of a Redis share: one zset, read once per {@link LOOK_MS} while there are requests. Requests only
 * wait to claim a probe, which one process makes at a time. While Redis is unavailable each process uses its own cool-downs.
 */
export function createCoolDowns(redis: Redis): CoolDowns {
  const app = encodeKeyPart("app", redis.app);
  const key = `{${app}}:gateway:benched`;
  const listeners = new Set<Parameters<CoolDowns["subscribe"]>[0]>();
  /** Cool-downs that could not be shared, and their end. */
  const untold = new Map<string, number>();
  /** Timers that renew this process's claims. */
  const claims = new Map<string, NodeJS.Timeout>();
  let lookedMs = -LOOK_MS;
  let looking = false;

  const probeOf = (target: string) => `{${app}}:gateway:probe:${hash("sha256", target).slice(0, 32)}`;

  async function look(): Promise<void> {
    const sinceMs = performance.now();
    try {
      const options = { timeoutMs: WAIT_MS };
      const rows = (await runScript(redis, readBenched, { benched: key }, { most: TARGETS_MAX }, options)) as string[];
      const remaining = new Map<string, number>();
      for (let at = 0; at < rows.length; at += 2) remaining.set(rows[at] as string, Number(rows[at + 1]));
      for (const [target, untilMs] of untold) {
        if (untilMs <= sinceMs) untold.delete(target);
        else remaining.set(target, untilMs - sinceMs);
      }
      for (const hear of listeners) hear(remaining, sinceMs);
    } catch {
      // Redis is unavailable: keep the local state.
    } finally {
      looking = false;
    }
  }

  /** Keeps a claim no longer. Answers whether there was one. */
  function forget(target: string): boolean {
    clearInterval(claims.get(target));
    return claims.delete(target);
  }

  return {
    refresh() {
      const nowMs = performance.now();
      if (looking || nowMs - lookedMs < LOOK_MS) return;
      [lookedMs, looking] = [nowMs, true];
      void look();
    },

    benched(target, forMs) {
      const untilMs = performance.now() + forMs;
      const values = { target, for_ms: Math.max(1, Math.ceil(forMs)), kept_ms: KEPT_MS };
      runScript(redis, benchUpstream, { benched: key }, values, { timeoutMs: WAIT_MS }).catch(() => {
        if (untold.size < TARGETS_MAX) untold.set(target, untilMs);
      });
    },

    healed(target) {
      untold.delete(target);
      // Lost, it is found out by one probe more.
      redis.send(["ZREM", key, target], { timeoutMs: WAIT_MS, retry: "safe" }).catch(() => {});
    },

    async claim(target) {
      const probe = probeOf(target);
      try {
        const set = ["SET", probe, "1", "NX", "PX", String(LEASE_MS)];
        if ((await redis.send(set, { timeoutMs: WAIT_MS })) !== "OK") return false;
      } catch {
        return true;
      }
      let left = RENEWALS_MAX;
      clearInterval(claims.get(target));
      const timer = setInterval(() => {
        left -= 1;
        if (left <= 0) {
          forget(target);
          return;
        }
        // Nobody else's claim is harmed that matters: the worst is one probe more, or a second of waiting.
        redis.send(["PEXPIRE", probe, String(LEASE_MS)], { timeoutMs: WAIT_MS, retry: "safe" }).catch(() => {});
      }, RENEW_MS).unref();
      claims.set(target, timer);
      return true;
    },

    unclaim(target) {
      if (!forget(target)) return;
      redis.send(["DEL", probeOf(target)], { timeoutMs: WAIT_MS, retry: "safe" }).catch(() => {});
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
