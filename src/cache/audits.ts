import { allOf, runScript, type ScopedRedis } from "../redis/index.ts";
import { ALARM, bandsOf, COUNTS_MAX, doubtOf, type Ledger, type Ledgers } from "./bands.ts";
import { recordAudit } from "./scripts.gen.ts";
import { OBSERVATIONS_MAX, type Observation } from "./verified.ts";

/** Time that a process caches ledgers. */
const FRESH_MS = 5_000;

/** Audits of one cache, shared by all its processes. */
export interface Audits {
  /** Returns the ledgers of all bands, at most five seconds old. Usually no round trip. */
  ledgers(): Promise<Ledgers>;
  /**
   * Records an audit in each band of its score, with a probability of `share`. One round trip.
   * @param target required precision; strong evidence against it resets a band
   */
  record(
    score: number,
    right: boolean,
    options?: { readonly target?: number | undefined; readonly share?: (band: string) => number },
  ): Promise<void>;
  /** Increments a counter in the background. One round trip. */
  count(what: string): void;
  /** Returns the observations of an entry, newest first. One round trip. */
  observations(id: string): Promise<readonly Observation[]>;
  /** Records an observation of an entry, for the longest TTL of an answer. */
  observe(id: string, observation: Observation): Promise<void>;
  /** Returns all counters. */
  counts(): Promise<Readonly<Record<string, number>>>;
}

/** Opens the audits under a key. */
export function createAudits(redis: ScopedRedis, key: string, lifeMs: number, timeoutMs: number): Audits {
  const observedOf = (id: string) => `${key}:${id}`;
  let known: { readonly ledgers: Ledgers; readonly atMs: number } | undefined;

  async function counts(): Promise<Readonly<Record<string, number>>> {
    const flat = (await redis.send(["HGETALL", key], { timeoutMs })) as string[];
    return Object.fromEntries(
      Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] as string, Number(flat[at * 2 + 1])]),
    );
  }

  return {
    counts,

    async ledgers() {
      if (known !== undefined && performance.now() - known.atMs < FRESH_MS) return known.ledgers;
      const ledgers = toLedgers(await counts());
      known = { ledgers, atMs: performance.now() };
      return ledgers;
    },

    async record(score, right, { target, share = () => 1 } = {}) {
      const values = {
        right: right ? 1 : 0,
        doubt: target === undefined ? 0 : doubtOf(right, target),
        alarm: ALARM,
        counts_max: COUNTS_MAX,
        bands: bandsOf(score).filter((band) => Math.random() < share(band)),
      };
      await runScript(redis, recordAudit, { audits: key }, values, { timeoutMs });
      known = undefined;
    },

    async observations(id) {
      const list = (await redis.send(["LRANGE", observedOf(id), "0", "-1"], { timeoutMs })) as string[];
      return list.map((text) => ({ right: text.startsWith("+"), score: Number(text.slice(1)) }));
    },

    async observe(id, { score, right }) {
      const observed = observedOf(id);
      const commands = [
        ["LPUSH", observed, `${right ? "+" : "-"}${score.toFixed(3)}`],
        ["LTRIM", observed, "0", String(OBSERVATIONS_MAX - 1)],
        ["PEXPIRE", observed, String(lifeMs)],
      ];
      allOf(await redis.pipeline(commands, { timeoutMs }));
    },

    count(what) {
      redis.send(["HINCRBY", key, what, "1"], { timeoutMs }).catch(() => {});
    },
  };
}

function toLedgers(counts: Readonly<Record<string, number>>): Ledgers {
  const ledgers = new Map<string, Ledger>();
  for (const [field, value] of Object.entries(counts)) {
    const [, what, band] = /^(right|wrong|doubt):(\d\.\d+)$/.exec(field) ?? [];
    if (what === undefined || band === undefined) continue;
    ledgers.set(band, { right: 0, wrong: 0, doubt: 0, ...ledgers.get(band), [what]: value });
  }
  return ledgers;
}
