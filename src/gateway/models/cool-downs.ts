import { hash } from "node:crypto";
import type { CoolDowns } from "../../models/index.ts";
import { encodeKeyPart, runScript, type Redis } from "../../redis/index.ts";
import { benchUpstream, readBenched } from "../scripts.gen.ts";

/** How often a process with traffic looks what others learned, in milliseconds. */
const LOOK_MS = 200;
const WAIT_MS = 200;
/** How long a benched upstream is remembered that nobody asked since, in milliseconds. */
const KEPT_MS = 600_000;
const TARGETS_MAX = 10_000;

/**
 * Cool-downs that all gateways of a Redis share: one zset, read once in {@link LOOK_MS} while there are requests. No request waits for it but a
 * probe, which only one process makes at a time. While Redis is away each process goes by what it learned itself.
 */
export function createCoolDowns(redis: Redis): CoolDowns {
  const app = encodeKeyPart("app", redis.app);
  const key = `{${app}}:gateway:benched`;
  const listeners = new Set<Parameters<CoolDowns["subscribe"]>[0]>();
  /** What could not be told to others, and until when it holds here. */
  const untold = new Map<string, number>();
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
      // Redis is away: what is known here goes on.
    } finally {
      looking = false;
    }
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
      const told = runScript(redis, benchUpstream, { benched: key }, values, { timeoutMs: WAIT_MS });
      told
        .then(() => redis.send(["DEL", probeOf(target)], { timeoutMs: WAIT_MS, retry: "safe" }))
        .catch(() => {
          if (untold.size < TARGETS_MAX) untold.set(target, untilMs);
        });
    },

    healed(target) {
      untold.delete(target);
      // Lost, it is found out by one probe more.
      const commands = [
        ["ZREM", key, target],
        ["DEL", probeOf(target)],
      ];
      redis.pipeline(commands, { timeoutMs: WAIT_MS, retry: "safe" }).catch(() => {});
    },

    async claim(target, leaseMs) {
      const probe = probeOf(target);
      try {
        const options = { timeoutMs: WAIT_MS };
        return (await redis.send(["SET", probe, "1", "NX", "PX", String(Math.ceil(leaseMs))], options)) === "OK";
      } catch {
        return true;
      }
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
