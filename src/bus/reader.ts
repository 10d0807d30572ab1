import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { checkInteger } from "../internal/check.ts";
import { toListener } from "../internal/listener.ts";
import { runScript, toStreams, type Line, type ScopedRedis } from "../redis/index.ts";
import { createPartition, isAfter, PAGE, type Partition } from "./partition.ts";
import { claimPartitions } from "./scripts.gen.ts";
import { checkTopicSaid, type MessageHandler, type ReadParts } from "./topic-options.ts";

/** Options of a topic's reader. */
export interface ReadOptions {
  /** Start position of a new group. @default "end": the next message */
  readonly from?: "start" | "end" | undefined;
  /** Messages handled at the same time, 1 to 1,000; those of one key one after the other. @default 16 */
  readonly concurrency?: number | undefined;
  /** Attempts at a message, and crashes of its readers, after which it becomes a dead letter, 1 to 100. @default 5 */
  readonly deliveriesMax?: number | undefined;
  /** Time without a heartbeat after which a reader counts as dead, in milliseconds, 1,000 to 600,000. @default 10_000 */
  readonly leaseMs?: number | undefined;
  /** Called with errors outside of handlers. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A reader of a group. */
export interface Reader {
  /** Partitions that it holds. */
  readonly partitions: readonly number[];
  /** Stops taking messages, waits for running handlers (at most ten seconds), and releases its partitions. */
  close(): Promise<void>;
}

const BEAT_MS = 1_000;
const CLOSE_MS = 10_000;
/** Longest blocking read for new messages; `some` applies while a partition holds enough and is not read. */
const LISTEN_MS = { all: 500, some: 20 } as const;
/** Longest wait for the reply after that. */
const ANSWER_MS = 2_000;
/** After how long it listens again when that failed. */
const AGAIN_MS = 100;

/** Begins to read. */
export function startReader(
  redis: ScopedRedis,
  parts: ReadParts,
  handler: MessageHandler,
  { from = "end", concurrency = 16, deliveriesMax = 5, leaseMs = 10_000, onError: listener = () => {} }: ReadOptions,
): Reader {
  const { topic, group, partitions } = parts;
  const onError = toListener(listener);
  const reader = randomUUID().slice(0, 13);
  const bounds = {
    concurrency: checkInteger("concurrency", concurrency, { min: 1, max: 1_000 }),
    deliveriesMax: checkInteger("deliveriesMax", deliveriesMax, { min: 1, max: 100 }),
  };
  const lease = checkInteger("leaseMs", leaseMs, { min: 1_000, max: 600_000 });
  const beatMs = Math.min(BEAT_MS, lease / 3);
  const held = new Map<string, Partition>();
  /** Partitions that it has done with, and whether all that may have been handled of them is written down. */
  const givenUp = new Map<string, boolean>();
  let beating: Promise<void> | undefined;
  let closing = false;
  let line: Line | undefined;
  /** The last one ended by itself. */
  let broken = false;
  /** A partition is there to be listened to. */
  let wake = () => {};
  /** End of the reader's lease on its partitions. A process that was suspended finds it expired. */
  const leased = { untilMs: 0, waiting: new Set<() => void>() };
  /** Handlers at work over all partitions. */
  const room = { free: bounds.concurrency, waiting: new Set<() => void>() };

  async function beatOnce(): Promise<void> {
    const giving = [...givenUp];
    const reached = new Map([...held].map(([place, partition]) => [place, partition.reached]));
    const startMs = performance.now();
    const values = {
      group,
      reader,
      lease_ms: lease,
      partitions,
      from_start: from === "start" ? 1 : 0,
      leaving: closing ? 1 : 0,
      given_up: giving.map(toGivenUp),
    };
    const reply = (await runScript(redis, claimPartitions, { topic }, values)) as readonly (string | number)[];
    checkTopicSaid(reply[0]);
    // A fail-over may have forgotten this word: what counts is the one before.
    leased.untilMs = startMs + lease - beatMs;
    for (const [place] of giving) givenUp.delete(place);
    const told = new Map<string, readonly string[]>();
    for (let at = 1; at < reply.length; at += 6) {
      const [place = "", ...words] = reply.slice(at, at + 6).map(String);
      told.set(place, words);
    }
    for (const [place, partition] of held) {
      const [fence, , last = ""] = told.get(place) ?? [];
      // A server that lost its latest writes adds new messages, maybe with lower ids than those already seen.
      if (fence !== partition.fence || isAfter(reached.get(place) ?? "0-0", last)) drop(place);
    }
    for (const [place, [fence = "", cursor = "", last = "", tries = "", word = ""]] of told) {
      if (held.has(place) || givenUp.has(place)) continue;
      const clean = word === "1";
      if (closing) givenUp.set(place, clean);
      else take(place, { fence, cursor, last, tries: Number(tries), clean });
    }
    tellLease();
    let surplus = Number(reply[0]);
    for (const [place, partition] of held) {
      if (surplus <= 0) break;
      surplus -= 1;
      void partition.drain().then(() => giveUp(place, partition));
    }
  }

  function tellLease(): void {
    for (const resolve of leased.waiting) resolve();
    leased.waiting.clear();
  }

  function beat(): Promise<void> {
    return (beating ??= beatOnce()
      .catch(onError)
      .finally(() => (beating = undefined)));
  }

  function take(
    place: string,
    claim: { fence: string; cursor: string; last: string; tries: number; clean: boolean },
  ): void {
    const partition = createPartition(
      redis,
      { ...parts, ...bounds, leaseMs: lease, reader, place, ...claim },
      handler,
      room,
      {
        onLost: () => void (held.get(place) === partition && drop(place)),
        onWanting: () => wake(),
        isLeased: () => performance.now() < leased.untilMs,
        leaseTold: () => new Promise((resolve) => leased.waiting.add(resolve)),
        onError,
      },
    );
    held.set(place, partition);
    wake();
  }

  function drop(place: string): void {
    held.get(place)?.abandon();
    held.delete(place);
    tellLease();
  }

  function giveUp(place: string, partition: Partition): void {
    if (held.get(place) !== partition) return;
    held.delete(place);
    givenUp.set(place, partition.isClean);
    if (!closing) void beat();
  }

  /** Waits for new messages of its partitions on a separate connection. */
  async function listen(): Promise<void> {
    const open = [...held].flatMap(([place, partition]) => {
      const { position: after } = partition;
      return after === undefined ? [] : [{ partition, after, log: `${topic}:log:${place}` }];
    });
    if (open.length === 0) return new Promise((resolve) => (wake = resolve));
    const waitMs = open.length === held.size ? LISTEN_MS.all : LISTEN_MS.some;
    const streams = [...open.map(({ log }) => log), ...open.map(({ after }) => after)];
    if (line === undefined) {
      line = await redis.dedicate();
      // The connection or the server failed: ask which partitions are still held.
      if (broken && !closing) await beat();
      broken = false;
    }
    if (closing) return;
    const command = ["XREAD", "COUNT", String(PAGE), "BLOCK", String(waitMs), "STREAMS", ...streams];
    const found = toStreams(await line.send(command, { reply: "bytes", timeoutMs: waitMs + ANSWER_MS }));
    for (const { partition, after, log } of open) partition.hear(after, found.get(log) ?? []);
  }

  async function listenOn(): Promise<void> {
    while (!closing) {
      try {
        await listen();
      } catch (error) {
        if (closing) break;
        onError(error);
        await line?.close();
        line = undefined;
        broken = true;
        await sleep(AGAIN_MS);
      }
    }
    await line?.close();
  }

  const timer = setInterval(() => void beat(), beatMs);
  const first = beat();
  const listening = listenOn();

  return {
    get partitions() {
      return [...held.keys()].map(Number);
    },
    async close() {
      if (closing) return;
      closing = true;
      wake();
      await first;
      await beating;
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([Promise.all([...held.values()].map((partition) => partition.drain())), late]);
      // Renews the lease until here, so that running messages stay with this reader.
      clearInterval(timer);
      await beating;
      for (const [place, partition] of held) {
        givenUp.set(place, partition.isClean);
        drop(place);
      }
      const given_up = [...givenUp].map(toGivenUp);
      const values = { group, reader, lease_ms: 0, partitions, from_start: 0, leaving: 1, given_up };
      await runScript(redis, claimPartitions, { topic }, values).catch(onError);
      await line?.close();
      await listening;
    },
  };
}

/** A partition as the script takes it. */
function toGivenUp([place, clean]: readonly [place: string, clean: boolean]): string {
  return clean ? place : `${place}?`;
}
