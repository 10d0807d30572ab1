import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { decodeRecord, runScript, type ScopedRedis } from "../redis/index.ts";
import { ackMessages } from "./scripts.gen.ts";
import type { MessageHandler, ReadParts } from "./topic-options.ts";

/** One partition in the hands of one reader. */
export interface Partition {
  readonly fence: string;
  /** Hears of a message that was just published. */
  hear(told: Told): void;
  /** Takes no more; resolves when all that it had is done and written down. */
  drain(): Promise<void>;
  /** It is another reader's: nothing more is written down. */
  abandon(): void;
}

/** Handlers that may begin, over all partitions of a reader. */
export interface Room {
  free: number;
  readonly waiting: Set<() => void>;
}

interface Claimed extends ReadParts {
  readonly reader: string;
  readonly place: string;
  readonly fence: string;
  readonly cursor: string;
  readonly last: number;
  readonly tries: number;
  /** Whoever had it handed it over: nothing behind the cursor was handled. */
  readonly clean: boolean;
  /** How long whoever had it may go on without hearing that it lost it. */
  readonly leaseMs: number;
  readonly deliveriesMax: number;
}

/** A message as it was told of; without `body` it must be fetched. */
export interface Told {
  readonly place: string;
  readonly entry: string;
  readonly number: number;
  readonly key: string;
  readonly body: string | undefined;
}

interface Entry {
  readonly id: string;
  readonly number: number;
  readonly key: string;
  readonly body: () => unknown;
  readonly redelivered: boolean;
  done: boolean;
  /** Why it is put aside. */
  dead: string | undefined;
}

/** Messages that a reader has at most, and that are fetched in one go. */
const AHEAD = 1_024;
const PAGE = 256;
/** Behind a cursor whose reader did not leave in order so many may have been handled: its own, and as many that a fail-over forgot. */
const SUSPECT = 2 * AHEAD;
const LOOK_MS = 1_000;
const ACK_MS = 5;
/** Done entries that are written down without waiting for more. */
const ACK_NOW = 128;
const AGAIN_MS = { first: 100, last: 5_000 } as const;

/** Begins with a partition that was claimed. */
export function createPartition(
  redis: ScopedRedis,
  claimed: Claimed,
  handler: MessageHandler,
  room: Room,
  {
    onLost,
    isLeased,
    onError,
  }: { readonly onLost: () => void; readonly isLeased: () => boolean; readonly onError: (error: unknown) => void },
): Partition {
  const { topic, group, reader, place, fence, tries, deliveriesMax, keepMessages, keepMs, partitions } = claimed;
  const log = `${topic}:log:${place}`;
  const gone = new AbortController();
  /** Entries in their order, from the first that is not written down. */
  const open: Entry[] = [];
  const chains = new Map<string, Promise<void>>();
  let position = claimed.cursor;
  let number = claimed.last;
  /** Up to which number the one before may have handled. */
  let suspect = -1;
  /** And until when it may be at what is published now. */
  const suspectUntilMs = claimed.clean ? 0 : performance.now() + claimed.leaseMs;
  let fresh = true;
  let fetching: Promise<void> | undefined;
  let nudged = false;
  let draining = false;
  let acking: Promise<void> | undefined;
  let ackTimer: NodeJS.Timeout | undefined;
  let idle = () => {};
  /** Entries that were done since the last ack began. */
  let done = 0;

  function fetch(): void {
    nudged = true;
    fetching ??= fetchAll().finally(() => (fetching = undefined));
  }

  async function fetchAll(): Promise<void> {
    while (nudged && !draining && !gone.signal.aborted) {
      if (open.length > AHEAD - PAGE) return;
      nudged = false;
      try {
        const range = ["XRANGE", log, `(${position}`, "+", "COUNT", String(PAGE)];
        const entries = (await redis.send(range, { reply: "bytes" })) as readonly (readonly [
          Buffer,
          readonly Buffer[],
        ])[];
        // It may be another reader's since it was asked.
        if (gone.signal.aborted) return;
        for (const [id, fields] of entries) take(String(id), fields);
        if (entries.length === PAGE) nudged = true;
      } catch (error) {
        onError(error);
        return;
      }
    }
  }

  function take(id: string, fields: readonly Buffer[]): void {
    const [, n, , key, , body, , only] = fields;
    if (fresh) {
      fresh = false;
      if (!claimed.clean) suspect = Math.min(claimed.last, Number(String(n)) + SUSPECT - 1);
    }
    const count = Number(String(n));
    const entry: Entry = {
      id,
      number: count,
      key: String(key),
      body: () => decodeRecord(body as Buffer),
      redelivered: count <= suspect || performance.now() < suspectUntilMs || only !== undefined,
      done: false,
      dead: undefined,
    };
    // Put aside by one group, it comes again for that one alone.
    if (only !== undefined && String(only) !== group) entry.done = true;
    // Readers died again and again at this one.
    if (open.length === 0 && tries > deliveriesMax && id !== claimed.cursor && position === claimed.cursor) {
      entry.done = true;
      entry.dead = "crashed";
    }
    begin(entry);
  }

  function begin(entry: Entry): void {
    position = entry.id;
    number = entry.number;
    open.push(entry);
    if (entry.done) return ackSoon();
    const { key } = entry;
    const before = key === "" ? undefined : chains.get(key);
    let run: Promise<void>;
    if (before === undefined && room.free > 0 && isLeased() && !gone.signal.aborted) {
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

  /** Waits for room. */
  async function enter(): Promise<void> {
    if (room.free <= 0) await new Promise<void>((resolve) => room.waiting.add(resolve));
    else room.free -= 1;
  }

  /** Handles a message in the room that it has, whose first attempt may have begun. */
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
    if (open.length <= AHEAD - PAGE) fetchIfBehind();
  }

  /** Calls the handler; `undefined` when it was done at once. */
  function attempt(entry: Entry, nth: number): Promise<unknown> | undefined {
    try {
      const result = handler({
        body: entry.body(),
        key: entry.key === "" ? undefined : decodeURIComponent(entry.key),
        at: `${place}/${entry.id}`,
        publishedAtMs: Number(entry.id.slice(0, entry.id.indexOf("-"))),
        redelivered: entry.redelivered || nth > 1,
        signal: gone.signal,
      });
      return result instanceof Promise ? result : undefined;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async function tryAll(entry: Entry, first: Promise<unknown> | undefined): Promise<void> {
    let waitMs: number = AGAIN_MS.first;
    let running = first;
    for (let nth = 1; !gone.signal.aborted; nth += 1) {
      // Another one may be at it by now.
      if (running === undefined && !isLeased()) return onLost();
      try {
        await (running ?? attempt(entry, nth));
        return;
      } catch (error) {
        if (nth >= deliveriesMax) {
          entry.dead = MarrowError.is(error) ? error.code : "failed";
          return;
        }
        await sleep(waitMs, undefined, { signal: gone.signal }).catch(() => {});
        waitMs = Math.min(AGAIN_MS.last, waitMs * 2);
      }
      running = undefined;
    }
  }

  function fetchIfBehind(): void {
    if (nudged) fetch();
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
    if (last === undefined || gone.signal.aborted) return;
    const dead = open.slice(0, count).flatMap(({ id, dead: why }) => (why === undefined ? [] : [id, why]));
    const keep = { keep: Math.floor(keepMessages / partitions), keep_ms: keepMs };
    const values = { group, reader, partition: place, fence, cursor: `${last.id} ${last.number}`, ...keep, dead };
    try {
      const own = await runScript(redis, ackMessages, { topic }, values);
      if (own === 0) return onLost();
      open.splice(0, count);
      fetchIfBehind();
    } catch (error) {
      onError(error);
      await sleep(AGAIN_MS.first);
    }
  }

  const timer = setInterval(fetch, LOOK_MS);
  fetch();

  return {
    fence,
    hear(told) {
      if (told.number <= number || draining || gone.signal.aborted) return;
      const next = told.number === number + 1 && !fresh;
      if (!next || told.body === undefined || fetching !== undefined || open.length >= AHEAD) return fetch();
      const { entry: id, key, body } = told;
      begin({
        id,
        number: told.number,
        key,
        body: () => JSON.parse(body),
        redelivered: performance.now() < suspectUntilMs,
        done: false,
        dead: undefined,
      });
    },
    async drain() {
      draining = true;
      clearInterval(timer);
      await fetching;
      if (open.length > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
    abandon() {
      gone.abort();
      clearInterval(timer);
      clearTimeout(ackTimer);
      idle();
    },
  };
}

/** Reads what a publish tells: `partition entry number keyLength key body`, or `partition nudge`. */
export function parseTold(message: string): Told {
  const [place = "", entry = "", number = "", length = ""] = message.split(" ", 4);
  if (entry === "nudge") return { place, entry, number: Number.MAX_SAFE_INTEGER, key: "", body: undefined };
  const start = place.length + entry.length + number.length + length.length + 4;
  const rest = message.slice(start);
  const key = rest.slice(0, Number(length));
  const body = rest.slice(Number(length));
  return { place, entry, number: Number(number), key, body: body === "" ? undefined : body };
}
