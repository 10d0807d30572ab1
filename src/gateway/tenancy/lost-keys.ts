import type { FastifyInstance } from "fastify";
import type { Redis } from "../../redis/index.ts";
import { ID_CHARS } from "./key-record.ts";

/** Redis keys of the API keys: a hash of records, their order, and the mark of an installation that has had some. */
export interface KeyPlaces {
  readonly keys: string;
  readonly order: string;
  readonly installed: string;
}

/** What was lost: all API keys, or the one with this id. */
export type LostKeys = { readonly all: true } | { readonly all: false; readonly id: string };

/** Shortest time between two looks, whatever unknown keys clients send, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** Shortest time between two reports, in milliseconds. */
const TOLD_EVERY_MS = 60_000;

/**
 * Makes a watch that is called with the hash of each unknown key, and looks in the background whether its record was lost: there is none at
 * all although there were (`wereUsed`: this process accepted one), or the key still has its place in the order, which a revoked one has not.
 * Calls `onLost` then, at most once a minute. One pipeline of three commands, at most once a second.
 */
export function watchLosses(
  redis: Redis,
  { keys, order, installed }: KeyPlaces,
  onLost: (lost: LostKeys) => void,
): (hashed: string, wereUsed: boolean) => void {
  let [lookedMs, toldMs] = [-Infinity, -Infinity];

  async function look(hashed: string, wereUsed: boolean): Promise<void> {
    const commands = [
      ["HLEN", keys],
      ["EXISTS", installed],
      ["ZSCORE", order, `all ${hashed}`],
    ] as const;
    const [count, mark, place] = await redis.pipeline(commands, { timeoutMs: 1_000 });
    const areGone = count === 0 && (wereUsed || mark === 1);
    const isGone = typeof place === "string";
    if (!areGone && !isGone) return;
    toldMs = performance.now();
    onLost(areGone ? { all: true } : { all: false, id: hashed.slice(0, ID_CHARS) });
  }

  return (hashed, wereUsed) => {
    const nowMs = performance.now();
    if (nowMs - lookedMs < LOOK_EVERY_MS || nowMs - toldMs < TOLD_EVERY_MS) return;
    lookedMs = nowMs;
    // An error says nothing about keys.
    void look(hashed, wereUsed).catch(() => {});
  };
}

/** Writes losses to the log of an application. */
export function tellLost({ log }: Pick<FastifyInstance, "log">): (lost: LostKeys) => void {
  return (lost) => {
    if (lost.all) log.error("Redis lost all API keys (or all were revoked): clients get 401");
    else log.error({ keyId: lost.id }, "Redis lost the record of an API key that was not revoked: its clients get 401");
  };
}
