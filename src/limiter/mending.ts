import { MarrowError } from "../errors.ts";
import { runScript, type ScopedRedis } from "../redis/index.ts";
import { mendCounts } from "./scripts.gen.ts";

/** Contents that a script's keys should have, to detect damaged ones. */
export interface Layout {
  /** One letter per key; see `mend_counts.lua`. */
  readonly kinds: string;
  /** Tags of the rules that count slots. */
  readonly slots: readonly number[];
  /** Life of a mended record, in milliseconds. */
  readonly lifeMs: number;
}

/**
 * Runs a script of the limiter. If Redis rejects it, because a key holds something else than a limiter writes, repairs the keys and runs the
 * script once more. Damaged counts begin anew, so one damaged key refuses nobody.
 *
 * The scripts themselves do not look for damage: they run on each request.
 */
export function mending<T>(
  redis: Pick<ScopedRedis, "send">,
  { kinds, slots, lifeMs }: Layout,
  keys: readonly string[],
  run: () => Promise<T>,
): Promise<T> {
  return run().catch(async (error: unknown) => {
    if (!MarrowError.is(error, "redis_rejected")) throw error;
    const values = { kinds, life_ms: lifeMs, slots };
    await runScript(redis, mendCounts, { keys }, values);
    // Also where nothing was left to mend: another call may have met the same damage, and mended it first.
    return run();
  });
}
