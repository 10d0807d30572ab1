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

/** Messages that are fetched in one go, and that a reader has at most: behind a dead one's cursor so many may have been handled. */
const AHEAD = 256;
const PAGE = 128;
const LOOK_MS = 1_000;
const AWAKE_MS = 5_000;
const ACK_MS = 5;
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
  let fresh = true;
  let fetching: Promise<void> | undefined;
  let nudged = false;
  let draining = false;
  let acking: Promise<void> | undefined;
  let ackTimer: NodeJS.Timeout | undefined;
  let idle = () => {};

  function fetch(): void {
    nudged = true;
    fetching ??= fetchAll().finally(() => (fetching = undefined));
  }

  async function fetchAll(): Promise<void> {
    while (nudged && !draining && !gone.signal.aborted) {
      if (open.length >= AHEAD - PAGE) return;
      nudged = false;
      try {
        // Awake before it looks: what is published after the look is told.
        const replies = await redis.pipeline(
          [
            ["SET", `${topic}:awake:${place}`, "1", "PX", String(AWAKE_MS)],
            ["XRANGE", log, `(${position}`, "+", "COUNT", String(PAGE)],
          ],
          { reply: "bytes", retry: "safe" },
        );
        const failed = replies.find((reply) => reply instanceof Error);
        if (failed !== undefined) throw failed;
        const entries = replies[1] as unknown as readonly (readonly [Buffer, readonly Buffer[]])[];
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
      if (!claimed.clean) suspect = Math.min(claimed.last, Number(String(n)) + AHEAD - 1);
    }
    const count = Number(String(n));
    const entry: Entry = {
      id,
      number: count,
      key: String(key),
      body: () => decodeRecord(body as Buffer),
      redelivered: count <= suspect || only !== undefined,
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
    const run = (before ?? Promise.resolve()).then(() => handle(entry));
    if (key === "") return;
    chains.set(key, run);
    void run.finally(() => chains.get(key) === run && chains.delete(key));
  }

  async function handle(entry: Entry): Promise<void> {
    if (room.free <= 0) await new Promise<void>((resolve) => room.waiting.add(resolve));
    else room.free -= 1;
    try {
      await tryAll(entry);
    } finally {
      const [next] = room.waiting;
      if (next === undefined) room.free += 1;
      else {
        room.waiting.delete(next);
        next();
      }
    }
    entry.done = true;
    ackSoon();
    if (open.length < AHEAD - PAGE) fetchIfBehind();
  }

  async function tryAll(entry: Entry): Promise<void> {
    let waitMs: number = AGAIN_MS.first;
    for (let attempt = 1; !gone.signal.aborted; attempt += 1) {
      // Another one may be at it by now.
      if (!isLeased()) return onLost();
      try {
        const message = {
          body: entry.body(),
          key: entry.key === "" ? undefined : decodeURIComponent(entry.key),
          at: `${place}/${entry.id}`,
          publishedAtMs: Number(entry.id.split("-")[0]),
          redelivered: entry.redelivered || attempt > 1,
          signal: gone.signal,
        };
        await handler(message);
        return;
      } catch (error) {
        if (attempt >= deliveriesMax) {
          entry.dead = MarrowError.is(error) ? error.code : "failed";
          return;
        }
        await sleep(waitMs, undefined, { signal: gone.signal }).catch(() => {});
        waitMs = Math.min(AGAIN_MS.last, waitMs * 2);
      }
    }
  }

  function fetchIfBehind(): void {
    if (nudged) fetch();
  }

  function ackSoon(): void {
    ackTimer ??= setTimeout(() => void ack(), ACK_MS);
  }

  function ack(): Promise<void> {
    clearTimeout(ackTimer);
    ackTimer = undefined;
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
    const values = { group, reader, partition: place, fence, cursor: last.id, ...keep, dead };
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
        redelivered: false,
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
