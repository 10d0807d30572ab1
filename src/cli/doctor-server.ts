import { MarrowError } from "../errors.ts";
import { findMissingRights } from "../gateway/operator.ts";
import type { Redis } from "../redis/index.ts";
import { roleOf } from "../size/index.ts";

/** Measurements of one server. `undefined`: the user may not read it, or the server does not report it. */
export interface Measured {
  /** Commands, keys and channels that a gateway needs and the user may not use. */
  readonly rightsMissing: readonly string[] | undefined;
  readonly latency: { readonly pings: number; readonly p50Ms: number; readonly p99Ms: number } | undefined;
  /** Difference of the server's clock to this machine's, and its largest error. */
  readonly clock: { readonly aheadMs: number; readonly withinMs: number } | undefined;
  readonly replicas:
    | { readonly connected: number; readonly behind: number; readonly masterLink: string | undefined }
    | undefined;
  /** Slowest commands by name; arguments are left out, because they contain prompts. */
  readonly slowLog:
    | { readonly count: number; readonly slowest: readonly { readonly command: string; readonly ms: number }[] }
    | undefined;
  /** Fraction of each role in a random sample of keys. */
  readonly keys:
    | {
        readonly total: number;
        readonly sampled: number;
        readonly roles: readonly { readonly role: string; readonly share: number }[];
      }
    | undefined;
}

const PINGS = 200;
/** Longest time that pings take together, in milliseconds: at a far server there are fewer. */
const PINGS_MS = 5_000;
const CLOCK_TRIES = 5;
const SLOW_LINES = 128;
const SLOW_SHOWN = 3;
const KEYS_SAMPLED = 500;
const KEYS_AT_ONCE = 100;
const RIGHTS_WAIT_MS = 5_000;

/** From which values on an operator should act. */
const CLOCK_MS_MAX = 1_000;
const LATENCY_MS_MAX = 10;
const LAG_S_MAX = 10;
const NAMES_MAX = 20;

/** Measures a server, one measurement at a time so that none delays another. Changes nothing. @throws MarrowError if Redis cannot serve */
export async function measure(redis: Redis): Promise<Measured> {
  return {
    rightsMissing: await permitted(() => findMissingRights(redis, RIGHTS_WAIT_MS)),
    latency: await permitted(() => pingOften(redis)),
    clock: await permitted(() => compareClocks(redis)),
    replicas: await permitted(async () => toReplicas(String(await redis.send(["INFO", "replication"])))),
    slowLog: await permitted(() => readSlowLog(redis)),
    keys: await permitted(() => countKeys(redis)),
  };
}

/** Returns the result of a command, or `undefined` if the user lacks the right or the server lacks the command. */
async function permitted<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (["redis_denied", "redis_rejected", "unsupported"].some((code) => MarrowError.is(error) && error.code === code))
      return undefined;
    throw error;
  }
}

async function pingOften(redis: Redis): Promise<Measured["latency"]> {
  const times: number[] = [];
  const endMs = performance.now() + PINGS_MS;
  while (times.length < PINGS && (times.length === 0 || performance.now() < endMs)) {
    const begun = performance.now();
    await redis.send(["PING"]);
    times.push(performance.now() - begun);
  }
  return { pings: times.length, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}

/** Returns a quantile, to a hundredth. Pure. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
}

async function compareClocks(redis: Redis): Promise<Measured["clock"]> {
  let best: { readonly aheadMs: number; readonly withinMs: number } | undefined;
  for (let tries = 0; tries < CLOCK_TRIES; tries++) {
    const begunMs = Date.now();
    const begun = performance.now();
    const [seconds, micros] = (await redis.send(["TIME"])) as readonly string[];
    const withinMs = (performance.now() - begun) / 2;
    const aheadMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - (begunMs + withinMs);
    if (best === undefined || withinMs < best.withinMs) best = { aheadMs, withinMs };
  }
  return best && { aheadMs: Math.round(best.aheadMs), withinMs: Math.ceil(best.withinMs) };
}

/** Parses a server's replicas from INFO. `behind`: not online, or silent for ten seconds. Pure. */
export function toReplicas(info: string): Measured["replicas"] {
  const connected = /^connected_slaves:(\d+)/m.exec(info)?.[1];
  if (connected === undefined) return undefined;
  const lines = [...info.matchAll(/^slave\d+:(.*)$/gm)].map(([, line = ""]) => line);
  const isBehind = (line: string) =>
    !line.includes("state=online") || Number(/lag=(\d+)/.exec(line)?.[1] ?? 0) > LAG_S_MAX;
  return {
    connected: Number(connected),
    behind: lines.filter(isBehind).length,
    masterLink: /^master_link_status:(\w+)/m.exec(info)?.[1],
  };
}

async function readSlowLog(redis: Redis): Promise<Measured["slowLog"]> {
  const count = Number(await redis.send(["SLOWLOG", "LEN"]));
  const lines = (await redis.send(["SLOWLOG", "GET", String(SLOW_LINES)])) as readonly unknown[];
  return { count, slowest: toSlowest(lines) };
}

/** Returns the slowest commands of a slow log, by name only. Pure. */
export function toSlowest(lines: readonly unknown[]): readonly { readonly command: string; readonly ms: number }[] {
  const slowest = new Map<string, number>();
  for (const line of lines) {
    if (!Array.isArray(line)) continue;
    const [, , micros, words] = line as readonly unknown[];
    const word = Array.isArray(words) ? String(words[0]) : "";
    const command = /^[A-Za-z]{1,20}(?:\.[A-Za-z]{1,20})?$/.test(word) ? word.toUpperCase() : "other";
    slowest.set(command, Math.max(slowest.get(command) ?? 0, round(Number(micros) / 1_000)));
  }
  const all = [...slowest].map(([command, ms]) => ({ command, ms }));
  return all.toSorted((a, b) => b.ms - a.ms).slice(0, SLOW_SHOWN);
}

async function countKeys(redis: Redis): Promise<Measured["keys"]> {
  const total = Number(await redis.send(["DBSIZE"]));
  const seen = new Map<string, number>();
  let sampled = 0;
  // On a cluster each command may reach another node, and one of them may be empty.
  for (let asked = 0; asked < KEYS_SAMPLED; asked += KEYS_AT_ONCE) {
    const names = await Promise.all(Array.from({ length: KEYS_AT_ONCE }, () => redis.send(["RANDOMKEY"])));
    const known = names.filter((name) => name !== null);
    if (known.length === 0) break;
    for (const name of known) {
      const role = roleOf(String(name), redis.app);
      seen.set(role, (seen.get(role) ?? 0) + 1);
    }
    sampled += known.length;
  }
  const roles = [...seen].map(([role, count]) => ({ role, share: round(count / sampled) }));
  return { total, sampled, roles: roles.toSorted((a, b) => b.share - a.share) };
}

/** Formats measurements for people; `unknown` replaces unknown values. Pure. */
export function linesOfMeasured(measured: Measured, unknown: string): Record<string, string> {
  const { rightsMissing, latency, clock, replicas, slowLog, keys } = measured;
  const says = <T>(value: T | undefined, toText: (value: T) => string) =>
    value === undefined ? unknown : toText(value);
  return {
    "rights missing": says(rightsMissing, (rights) => (rights.length === 0 ? "none" : listed(rights))),
    replicas: says(replicas, ({ connected, behind }) => `${connected}${behind > 0 ? `, ${behind} behind` : ""}`),
    clock: says(
      clock,
      ({ aheadMs, withinMs }) => `${Math.abs(aheadMs)} ms ${aheadMs < 0 ? "behind" : "ahead"} (within ${withinMs} ms)`,
    ),
    latency: says(latency, ({ pings, p50Ms, p99Ms }) => `p50 ${p50Ms} ms, p99 ${p99Ms} ms of ${pings} pings`),
    "slow log": says(slowLog, ({ count, slowest }) =>
      [`${count} commands`, ...slowest.map(({ command, ms }) => `${command} ${ms} ms`)].join(", "),
    ),
    keys: says(keys, ({ total, sampled, roles }) =>
      [`${total}, ${sampled} sampled`, ...roles.map(({ role, share }) => `${role} ${Math.round(100 * share)} %`)].join(
        ", ",
      ),
    ),
  };
}

/** Returns problems in the measurements that should be fixed. Pure. */
export function warningsOfMeasured({ rightsMissing = [], latency, clock, replicas }: Measured): readonly string[] {
  const warnings: (string | false)[] = [
    rightsMissing.length > 0 &&
      `the user of Redis lacks rights: ${listed(rightsMissing)} (docs/operations.md has the lines)`,
    clock !== undefined &&
      Math.abs(clock.aheadMs) - clock.withinMs > CLOCK_MS_MAX &&
      `the clocks of this machine and of Redis differ by ${Math.abs(clock.aheadMs)} ms: deadlines need clocks that agree to a second`,
    latency !== undefined &&
      latency.p50Ms > LATENCY_MS_MAX &&
      `a round trip to Redis takes ${latency.p50Ms} ms, and a chat needs several. Run the gateway closer to Redis`,
    replicas !== undefined && replicas.behind > 0 && `${replicas.behind} replicas are not in sync`,
    replicas?.masterLink === "down" && "this replica has lost its master",
  ];
  return warnings.filter((warning) => warning !== false);
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return `${names.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
