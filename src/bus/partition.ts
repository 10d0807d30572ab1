import { setTimeout as sleep } from "node:timers/promises";
import { toFailure, type Failure } from "../internal/failure.ts";
import { carriesContext, isHeard, signalling } from "../internal/signals.ts";
import { decodeRecord, readTrace, runScript, type ScopedRedis, type StreamEntry } from "../redis/index.ts";
import { ackMessages } from "./scripts.gen.ts";
import type { MessageHandler, ReadParts } from "./topic-options.ts";

/** One partition held by one reader. */
export interface Partition {
  readonly fence: string;
  /** Entry to continue after; none while it holds enough messages. */
  readonly position: string | undefined;
  /** Id of the last entry read. */
  readonly reached: string;
  /** Whether all messages that may have been handled are acknowledged, by this reader and those before it. */
  readonly isClean: boolean;
  /** Adds the entries after a position; ignored if the partition has moved on since. */
  hear(after: string, entries: readonly StreamEntry[]): void;
  /** Stops taking messages; resolves when all of them are handled and acknowledged. */
  drain(): Promise<void>;
  /** Stops acknowledging, because another reader holds the partition. */
  abandon(): void;
}

/** Free places for handlers, shared by all partitions of a reader. */
export interface Room {
  free: number;
  readonly waiting: Set<() => void>;
}

interface Claimed extends ReadParts {
  readonly reader: string;
  readonly place: string;
  readonly fence: string;
  readonly cursor: string;
  /** The last entry when it was claimed. */
  readonly last: string;
  readonly tries: number;
  /** The previous holder released it, and had handled nothing behind the cursor. */
  readonly clean: boolean;
  /** Time that the previous holder may still work without noticing that it lost the partition. */
  readonly leaseMs: number;
  readonly deliveriesMax: number;
}

interface Entry {
  readonly id: string;
  readonly key: string;
  readonly body: () => unknown;
  readonly redelivered: boolean;
  done: boolean;
  /** Reason for becoming a dead letter. */
  dead: Failure | undefined;
}

/** Messages of a partition per read, and the most that a reader buffers. */
export const PAGE = 256;
const AHEAD = 4 * PAGE;
/** Behind a cursor whose reader did not leave in order so many may have been handled: its own, and as many that a fail-over forgot. */
const SUSPECT = 2 * AHEAD;
const ACK_MS = 5;
/** Done entries that are written down without waiting for more. */
const ACK_NOW = 128;
const AGAIN_MS = { first: 100, last: 5_000 } as const;

const CRASHED: Failure = { reason: "crashed", message: "" };

/** Callbacks between a partition and its reader. */
interface Around {
  /** It is another reader's. */
  readonly onLost: () => void;
  /** Called when it needs more messages again. */
  readonly onWanting: () => void;
  readonly isLeased: () => boolean;
  /** Resolves when that may have changed. */
  readonly leaseTold: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Starts reading a claimed partition. */
export function createPartition(
  redis: ScopedRedis,
  claimed: Claimed,
  handler: MessageHandler,
  room: Room,
  { onLost, onWanting, isLeased, leaseTold, onError }: Around,
): Partition {
  const { topic, group, reader, place, fence, tries, deliveriesMax, keepMessages, keepMs, partitions } = claimed;
  const gone = new AbortController();
  const { signal } = gone;
  /** Entries in their order, from the first that is not written down. */
  const open: Entry[] = [];
  const chains = new Map<string, Promise<void>>();
  let position = claimed.cursor;
  let written = claimed.cursor;
  /** Number of messages that the previous holder may have handled. */
  let suspects = claimed.clean ? 0 : SUSPECT;
  /** Time until which the previous holder may be handling messages published now. */
  const suspectUntilMs = claimed.clean ? 0 : performance.now() + claimed.leaseMs;
  let draining = false;
  let acking: Promise<void> | undefined;
  let ackTimer: NodeJS.Timeout | undefined;
  let idle = () => {};
  /** Entries that were done since the last ack began. */
  let done = 0;

  const wanted = () => (open.length <= AHEAD - PAGE && !draining && !signal.aborted ? position : undefined);

  function take(id: string, [, body, , key, , only]: readonly Buffer[]): void {
    const suspect = suspects > 0 && !isAfter(id, claimed.last);
    suspects -= 1;
    const entry: Entry = {
      id,
      key: key === undefined ? "" : String(key),
      body: () => decodeRecord(body as Buffer),
      redelivered: suspect || performance.now() < suspectUntilMs || only !== undefined,
      done: false,
      dead: undefined,
    };
    // Put aside by one group, it comes again for that one alone.
    if (only !== undefined && String(only) !== group) entry.done = true;
    // Readers died again and again at this one, which was there then.
    const first = open.length === 0 && position === claimed.cursor && !isAfter(id, claimed.last);
    if (first && tries > deliveriesMax) {
      entry.done = true;
      entry.dead = CRASHED;
    }
    begin(entry);
  }

  function begin(entry: Entry): void {
    position = entry.id;
    open.push(entry);
    if (entry.done) return ackSoon();
    const { key } = entry;
    const before = key === "" ? undefined : chains.get(key);
    let run: Promise<void>;
    if (before === undefined && room.free > 0 && isLeased() && !signal.aborted) {
      // Most handlers are waited for, some are done at once: these cost no promise.
      const first = attempt(entry, 1);
      if (first === undefined) return finish(entry);
      room.free -= 1;
      run = handle(entry, first);
    } else run = (before ?? Promise.resolve()).then(() => enter()).then(() => handle(entry, undefined));
    if (key === "") return;
    chains.set(key, run);
    void run.finally(() => chains.get(key) === run && chains.delete(key));
  }

  /** Waits for a free place. */
  async function enter(): Promise<void> {
    if (room.free <= 0) await new Promise<void>((resolve) => room.waiting.add(resolve));
    else room.free -= 1;
  }

  /** Handles a message in its place; the first attempt may already run. */
  async function handle(entry: Entry, first: Promise<unknown> | undefined): Promise<void> {
    await tryAll(entry, first);
    const [next] = room.waiting;
    if (next === undefined) room.free += 1;
    else {
      room.waiting.delete(next);
      next();
    }
    finish(entry);
  }

  function finish(entry: Entry): void {
    entry.done = true;
    ackSoon();
  }

  async function tell(message: Parameters<MessageHandler>[0]): Promise<unknown> {
    const { at: id, redelivered } = message;
    const waitedMs = Math.max(0, Date.now() - message.publishedAtMs);
    const carrier = carriesContext() ? await readTrace(redis, topic, id) : {};
    return signalling(
      "bus:message",
      () => ({ kind: "topic", id, to: decodeURIComponent(group), redelivered, waitedMs, carrier }),
      async () => handler(message),
    );
  }

  /** Calls the handler; `undefined` when it was done at once. */
  function attempt(entry: Entry, nth: number): Promise<unknown> | undefined {
    try {
      const message = {
        body: entry.body(),
        key: entry.key === "" ? undefined : decodeURIComponent(entry.key),
        at: `${place}/${entry.id}`,
        publishedAtMs: Number(entry.id.slice(0, entry.id.indexOf("-"))),
        redelivered: entry.redelivered || nth > 1,
        signal,
      };
      const result = isHeard("bus:message") ? tell(message) : handler(message);
      // A thenable, such as a database query that only starts when awaited.
      return typeof (result as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function"
        ? Promise.resolve(result)
        : undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async function tryAll(entry: Entry, first: Promise<unknown> | undefined): Promise<void> {
    let waitMs: number = AGAIN_MS.first;
    let running = first;
    for (let nth = 1; !signal.aborted; nth += 1) {
      // Another reader may have the partition by now. The next lease reply decides.
      while (running === undefined && !isLeased() && !signal.aborted) await leaseTold();
      if (signal.aborted) return;
      try {
        await (running ?? attempt(entry, nth));
        return;
      } catch (error) {
        if (nth >= deliveriesMax) {
          onError(error);
          entry.dead = toFailure(error);
          return;
        }
        await sleep(waitMs, undefined, { signal }).catch(() => {});
        waitMs = Math.min(AGAIN_MS.last, waitMs * 2);
      }
      running = undefined;
    }
  }

  function ackSoon(): void {
    done += 1;
    if (done >= ACK_NOW && acking === undefined) void ack();
    else ackTimer ??= setTimeout(() => void ack(), ACK_MS);
  }

  function ack(): Promise<void> {
    clearTimeout(ackTimer);
    ackTimer = undefined;
    done = 0;
    return (acking ??= ackAll().finally(() => {
      acking = undefined;
      if (open[0]?.done === true) ackSoon();
      if (open.length === 0) idle();
    }));
  }

  async function ackAll(): Promise<void> {
    let count = 0;
    while (open[count]?.done === true) count += 1;
    const last = open[count - 1];
    if (last === undefined || signal.aborted) return;
    const dead = open
      .slice(0, count)
      .flatMap(({ id, dead: why }) => (why === undefined ? [] : [id, why.reason, why.message]));
    const keep = { keep: Math.floor(keepMessages / partitions), keep_ms: keepMs };
    const values = { group, reader, partition: place, fence, from: written, to: last.id, count, ...keep, dead };
    try {
      const own = await runScript(redis, ackMessages, { topic }, values);
      if (own === 0) return onLost();
      written = last.id;
      open.splice(0, count);
      if (wanted() !== undefined) onWanting();
    } catch (error) {
      onError(error);
      await sleep(AGAIN_MS.first);
    }
  }

  return {
    fence,
    get position() {
      return wanted();
    },
    get reached() {
      return position;
    },
    get isClean() {
      const none = suspects <= 0 || !isAfter(claimed.last, position);
      return open.length === 0 && none && performance.now() >= suspectUntilMs;
    },
    hear(after, entries) {
      if (after !== wanted()) return;
      for (const [id, fields] of entries) take(String(id), fields);
    },
    async drain() {
      draining = true;
      if (open.length > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
    abandon() {
      gone.abort();
      clearTimeout(ackTimer);
      idle();
    },
  };
}

/** Compares the ids of two entries. */
export function isAfter(id: string, other: string): boolean {
  const [ms = "", seq = ""] = id.split("-");
  const [otherMs = "", otherSeq = ""] = other.split("-");
  return Number(ms) === Number(otherMs) ? BigInt(seq) > BigInt(otherSeq) : Number(ms) > Number(otherMs);
}
