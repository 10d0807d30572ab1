import type { ScopedRedis } from "../src/redis/index.ts";

/** How often a server ran a command so far, and all of them but scripts and what counts them; from scripts, too. */
export interface Calls {
  (command: string): number;
  all(): number;
}

const UNCOUNTED = new Set(["eval", "evalsha", "info"]);

/** Reads what a server has run so far. For a server of the test's own: what others run counts as well. */
export async function callsOf(redis: Pick<ScopedRedis, "send">): Promise<Calls> {
  const text = String(await redis.send(["INFO", "commandstats"]));
  const calls = new Map(
    [...text.matchAll(/^cmdstat_([^:|]+)\S*:calls=(\d+)/gm)].map(([, name, count]) => [name as string, Number(count)]),
  );
  const counted = (command: string) => calls.get(command) ?? 0;
  return Object.assign(counted, {
    all: () => [...calls].reduce((sum, [name, count]) => sum + (UNCOUNTED.has(name) ? 0 : count), 0),
  });
}
