import { allOf, type ScopedRedis } from "../redis/index.ts";
import { wilsonLower } from "./evaluate.ts";
import { OBSERVATIONS_MAX, type Observation } from "./verified.ts";

/** Audits of one width of score: how many were right, of how many. */
export interface Bin {
  readonly right: number;
  readonly all: number;
}

/** Scores from 0 to 1 in so many parts. */
export const BINS = 20;
/** Evidence older than the last so many audits of a bin fades, so that a changed model is noticed. */
const BIN_MAX = 1_000;
/** How long a process goes by the counts that it knows. */
const FRESH_MS = 5_000;

/**
 * The lowest score from which audited answers were right with a share of at least `target`, by the lower end of Wilson's interval at 95 %:
 * `undefined` while there is too little evidence for any. Pure.
 */
export function calibrate(bins: readonly Bin[], target: number): number | undefined {
  let [right, all] = [0, 0];
  let threshold: number | undefined;
  for (let bin = BINS - 1; bin >= 0; bin -= 1) {
    right += bins[bin]?.right ?? 0;
    all += bins[bin]?.all ?? 0;
    if (wilsonLower(right, all) >= target) threshold = bin / BINS;
  }
  return threshold;
}

/** What was audited in one cache, shared by all its processes. */
export interface Audits {
  /** The counts by score; at most five seconds old. One round trip now and then. */
  bins(): Promise<readonly Bin[]>;
  /** Writes one audit down. One round trip. */
  record(score: number, right: boolean): Promise<void>;
  /** Counts something that happened. One round trip; nobody waits for it. */
  count(what: string): void;
  /** What was observed of one entry, the newest first. One round trip. */
  observations(id: string): Promise<readonly Observation[]>;
  /** Writes one observation of an entry down, for as long as an answer may live. */
  observe(id: string, observation: Observation): Promise<void>;
  /** All counts. */
  counts(): Promise<Readonly<Record<string, number>>>;
}

/** Makes a handle on the audits under a key. */
export function createAudits(redis: ScopedRedis, key: string, lifeMs: number, timeoutMs: number): Audits {
  const observedOf = (id: string) => `${key}:${id}`;
  let known: { readonly bins: readonly Bin[]; readonly atMs: number } | undefined;

  async function counts(): Promise<Readonly<Record<string, number>>> {
    const flat = (await redis.send(["HGETALL", key], { timeoutMs })) as string[];
    return Object.fromEntries(
      Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] as string, Number(flat[at * 2 + 1])]),
    );
  }

  return {
    counts,

    async bins() {
      if (known !== undefined && performance.now() - known.atMs < FRESH_MS) return known.bins;
      const all = await counts();
      const bins = Array.from({ length: BINS }, (_, bin) => {
        const [right, wrong] = [all[`right:${bin}`] ?? 0, all[`wrong:${bin}`] ?? 0];
        const fade = Math.min(1, BIN_MAX / Math.max(1, right + wrong));
        return { right: right * fade, all: (right + wrong) * fade };
      });
      known = { bins, atMs: performance.now() };
      return bins;
    },

    async record(score, right) {
      const bin = Math.min(BINS - 1, Math.floor(score * BINS));
      await redis.send(["HINCRBY", key, `${right ? "right" : "wrong"}:${bin}`, "1"], { timeoutMs });
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
