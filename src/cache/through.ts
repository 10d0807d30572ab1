import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeRecord, encodeRecord, runScript, type ScopedRedis } from "../redis/index.ts";
import { isAway, unlessAway } from "./away.ts";
import type { CacheKeys } from "./keys.ts";
import type { Cache, Lookup, Through, ThroughOptions } from "./lookup.ts";
import type { Near, RunningPolicy } from "./policy.ts";
import { toFingerprint, type Question } from "./question.ts";
import type { Sealing } from "./sealing.ts";
import { endFlight, keepFlight } from "./scripts.gen.ts";

/** How long a process that asks may say nothing before another one asks instead. */
const LEASE_MS = 3_000;
const HEARTBEAT_MS = 1_000;
/** How long an answer that may not be kept waits for those who wait for it. */
const RESULT_MS = 10_000;
const LOOK_MS = { first: 10, last: 150 } as const;
/** Longest wait for another process, after which this one asks for itself. */
const WAIT_MS_MAX = 600_000;

interface Parts<V> {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly timeoutMs: number;
  readonly policy: RunningPolicy<V>;
  readonly sealing: Sealing;
  readonly cache: () => Cache<V>;
}

/** Makes `through`: lookup, one asking for all who miss, store. */
export function createThrough<V>({ redis, keys, timeoutMs, policy, sealing, cache }: Parts<V>): Cache<V>["through"] {
  const running = new Map<string, Promise<Through<V>>>();

  async function lookupOrAsk(
    question: string | Question,
    ask: () => Promise<V>,
    options: ThroughOptions<V>,
  ): Promise<Through<V>> {
    const found = await unlessAway(cache().lookup(question, options));
    if (found?.hit === true) {
      const { match: source, value, similarity, ageMs } = found;
      if (source === "similar" && policy.audits()) audit(question, found, value, ask);
      return { source, value, similarity, ageMs };
    }
    if (found === undefined) return { source: "bypass", value: await ask() };
    const { stale } = found;
    if (stale !== undefined) {
      // Served at once, and asked for again by one of all who find it so; that asking fails, nobody needs to know.
      askAndStore(question, ask, found, options).catch(() => {});
      return { source: "stale", value: stale.value, similarity: 1, ageMs: stale.ageMs };
    }
    return askAndStore(question, ask, found, options);
  }

  async function askAndStore(
    question: string | Question,
    ask: () => Promise<V>,
    found: Extract<Lookup<V>, { hit: false }>,
    options: ThroughOptions<V>,
  ): Promise<Through<V>> {
    const { id, text, leaning } = toFingerprint(question);
    const answer = leaning || options.singleFlight === false ? undefined : await fly(id, ask, options);
    const value = answer === undefined ? await ask() : answer.value;
    if (found.withheld !== undefined) {
      const { withheld } = found;
      void policy.compare(text, withheld, withheld.value, value);
    }
    if (answer?.shared === true) return { source: "shared", value };
    try {
      if ((options.keep ?? (() => true))(value)) {
        await unlessAway(cache().store(question, value, options));
      }
    } finally {
      // Whatever becomes of the store, those who wait are told.
      await answer?.end();
    }
    return { source: "miss", value };
  }

  function audit(question: string | Question, near: Near, stored: V, ask: () => Promise<V>): void {
    ask().then(
      (fresh) => policy.compare(toFingerprint(question).text, near, stored, fresh),
      () => {},
    );
  }

  /**
   * Asks, or waits for the process that asks already. Redis being away while it matters is no reason to wait: then it is asked here.
   * What the asking process's `ask` throws is its own; the next of those who wait asks for itself.
   */
  async function fly(
    id: string,
    ask: () => Promise<V>,
    { signal }: ThroughOptions<V>,
  ): Promise<{ readonly value: V; readonly shared: boolean; end(): Promise<void> } | undefined> {
    const flight = keys.flight(id);
    const token = randomUUID();
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    try {
      for (
        let waitMs: number = LOOK_MS.first;
        performance.now() < deadlineMs;
        waitMs = Math.min(LOOK_MS.last, waitMs * 1.5)
      ) {
        const taken = await redis.send(["SET", flight.lease, token, "NX", "PX", String(LEASE_MS)], { timeoutMs });
        if (taken === "OK") return await lead(id, token, ask, waitMs > LOOK_MS.first);
        await sleep(waitMs, undefined, { signal });
        const reply = await redis.send(["GET", flight.result], { timeoutMs, reply: "bytes" });
        if (Buffer.isBuffer(reply)) return { value: fromResult(reply, id), shared: true, end: async () => {} };
      }
    } catch (error) {
      if (!isAway(error)) throw error;
    }
    return undefined;
  }

  async function lead(id: string, token: string, ask: () => Promise<V>, waited: boolean) {
    const flight = keys.flight(id);
    // Who waited for a flight may find it over between its look and the lease. Who comes later has no part in its answer.
    const before = waited ? await redis.send(["GET", flight.result], { timeoutMs, reply: "bytes" }) : null;
    const done = (result: Buffer | string) =>
      runScript(redis, endFlight, flight, { token, answer: result, result_ms: RESULT_MS }, { timeoutMs }).then(
        () => {},
        () => {},
      );
    if (Buffer.isBuffer(before)) {
      await done("");
      return { value: fromResult(before, id), shared: true, end: async () => {} };
    }
    const beat = setInterval(() => {
      runScript(redis, keepFlight, { lease: flight.lease }, { token, lease_ms: LEASE_MS }, { timeoutMs }).catch(
        () => {},
      );
    }, HEARTBEAT_MS);
    beat.unref();
    try {
      const value = await ask();
      return {
        value,
        shared: false,
        // Told once it is stored, so that whoever comes later finds it in the cache.
        async end() {
          clearInterval(beat);
          await done(toResult(value, id));
        },
      };
    } catch (error) {
      clearInterval(beat);
      await done("");
      throw error;
    }
  }

  /** What is no JSON can be told to nobody; the others ask for themselves. */
  function toResult(value: V, id: string): Buffer | string {
    if (value === undefined) return "";
    try {
      return sealing.seal(encodeRecord(value), id);
    } catch {
      return "";
    }
  }

  function fromResult(result: Buffer, id: string): V {
    return decodeRecord(sealing.open(result, id)) as V;
  }

  return (question, ask, options = {}) => {
    const { id } = toFingerprint(question);
    const current = running.get(id);
    if (current !== undefined) return current;
    const started = lookupOrAsk(question, ask, options).finally(() => running.delete(id));
    running.set(id, started);
    return started;
  };
}
