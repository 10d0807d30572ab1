import { MarrowError } from "../../errors.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import type { Permits } from "../../internal/permits.ts";
import type { Metric } from "../scale.ts";
import { BLOCK_BYTES, createArena, type Arena } from "./arena.ts";
import { createCopy, rowsWithin, type PartitionCopy } from "./copy.ts";
import { createLoading } from "./loading.ts";

/** Most bytes of one connection's copies. Copies that nobody uses are dropped, the least recently used first, and read again on demand. */
export const COPIES_BYTES_MAX = 268_435_456;
/** Partitions that have a copy at most. */
const COPIES_MAX = 10_000;

/** Position of a copy in the changes of its partition. */
export interface Place {
  /** Number of the partition's first change; "" without a copy. */
  readonly born: string;
  /** Number of the last change in the copy. */
  readonly since: string;
  /** Number of the newest change at the start of copying. */
  readonly base: string;
  /** Number and mark of the newest known change. They show whether the server still has the same history. */
  readonly head: string;
  readonly mark: string;
}

/** Initial position of a copy. */
export const NOWHERE: Place = { born: "", since: "0", base: "0", head: "0", mark: "" };

/** A partition's copy and its position in the changes. */
export interface Mirror {
  readonly copy: PartitionCopy;
  /** Replaced, never modified, so the same object is the same state of the copy. */
  place: Place;
  /** Least difference of the server's clock to this process's monotonic clock at the last reply; may be negative. */
  behindMs: number;
  /** The server's time when the copy was last compared with the number of items in Redis. */
  comparedMs: number;
  /** Number of running searches, during which the copy is not released. */
  users: number;
}

/** Shape of a copy. */
export interface MirrorShape {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly rowsMax: number;
}

/** All copies of a connection. */
export interface Mirrors {
  /**
   * Uses the copy of a partition; creates an empty one if there is none. `work` returns `undefined` if the copy found no memory for a row.
   * Then it runs again when other copies have been released: those who wait take turns, so that they do not take memory from each other.
   * @throws MarrowError `timeout` if there is still no memory after `waitMs`
   */
  use<T>(key: string, shape: MirrorShape, waitMs: number, work: (mirror: Mirror) => Promise<T | undefined>): Promise<T>;
  /** Changes the up-to-date copy of a partition, if there is one. If `change` returns false, the copy is emptied, to be read again. */
  change(key: string, shape: MirrorShape, change: (mirror: Mirror) => boolean): void;
  /** Refuses a partition that cannot have a copy, even alone. @throws MarrowError `too_large` */
  checkFits(shape: MirrorShape, items: number): void;
  /** The line of those who read a copy from the start. */
  readonly loading: Permits;
  /** Current number of copies, rows and bytes. */
  report(): { readonly copies: number; readonly rows: number; readonly bytes: number };
}

/** Handles come and go with requests, and connections are seen through scopes: copies belong to what sends. */
const known = new WeakMap<ScopedRedis["send"], Mirrors>();

/** Returns the copies of a connection; the first call decides how many bytes they take at most. */
export function mirrorsOf(redis: Pick<ScopedRedis, "send">, bytesMax: number = COPIES_BYTES_MAX): Mirrors {
  const found = known.get(redis.send) ?? createMirrors(bytesMax);
  known.set(redis.send, found);
  return found;
}

/** Empties a copy; the next search reads it again. */
export function restart(mirror: Mirror): void {
  mirror.copy.clear();
  mirror.place = NOWHERE;
}

/** Makes a set of copies with this bound on their total bytes. */
export function createMirrors(bytesMax: number): Mirrors {
  let made: Arena | undefined;
  /** The least recently used first. */
  const mirrors = new Map<string, Mirror>();
  /** The uses that wait for memory: each begins when the one before has ended. */
  let queue: Promise<unknown> = Promise.resolve();
  /** Wakes the first of them. */
  let wake: () => void = () => {};

  const nameOf = (key: string, { dimensions, metric, rowsMax }: MirrorShape) =>
    `${dimensions} ${metric} ${rowsMax} ${key}`;
  const usedBytes = () => made?.charged() ?? 0;

  function open(key: string, shape: MirrorShape): Mirror {
    const arena = (made ??= createArena(bytesMax));
    const { dimensions, metric, rowsMax } = shape;
    const name = nameOf(key, shape);
    const take = () => (dropUntil(bytesMax - BLOCK_BYTES) ? arena.take() : undefined);
    const found = mirrors.get(name) ?? {
      copy: createCopy({ ...arena, take }, { dimensions, metric, rowsMax }),
      place: NOWHERE,
      behindMs: 0,
      comparedMs: 0,
      users: 0,
    };
    mirrors.delete(name);
    mirrors.set(name, found);
    return found;
  }

  /** Drops copies that nobody uses until all take at most this many bytes. Returns false if those in use take more. */
  function dropUntil(most: number): boolean {
    for (const [name, { copy, users }] of mirrors) {
      if (usedBytes() <= most && mirrors.size <= COPIES_MAX) break;
      if (users > 0) continue;
      copy.clear();
      mirrors.delete(name);
    }
    return usedBytes() <= most;
  }

  async function attempt<T>(mirror: Mirror, work: (mirror: Mirror) => Promise<T>): Promise<T> {
    mirror.users += 1;
    try {
      return await work(mirror);
    } finally {
      mirror.users -= 1;
      dropUntil(bytesMax);
    }
  }

  /** Repeats a use, each time when another one has ended. */
  async function attemptUntil<T>(untilMs: number, again: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const released = Promise.withResolvers<void>();
      wake = released.resolve;
      const done = await again();
      if (done !== undefined) return done;
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0)
        throw new MarrowError(
          "timeout",
          `the vectors of all searches that run now (engine local) need more than the ${bytesMax} bytes that a connection may use`,
          { details: { bytesMax } },
        );
      const timer = setTimeout(wake, leftMs);
      await released.promise;
      clearTimeout(timer);
    }
  }

  return {
    loading: createLoading(),
    async use(key, shape, waitMs, work) {
      const untilMs = performance.now() + waitMs;
      const again = () => attempt(open(key, shape), work);
      try {
        const done = await again();
        if (done !== undefined) return done;
      } finally {
        wake();
      }
      const waited = queue.then(() => attemptUntil(untilMs, again));
      queue = waited.catch(() => {});
      return waited;
    },
    change(key, shape, change) {
      const mirror = mirrors.get(nameOf(key, shape));
      if (mirror === undefined || mirror.place.born === "") return;
      mirror.users += 1;
      if (!change(mirror)) restart(mirror);
      mirror.users -= 1;
    },
    checkFits({ dimensions }, items) {
      const itemsMax = rowsWithin(bytesMax, dimensions);
      if (items <= itemsMax) return;
      throw new MarrowError(
        "too_large",
        `engine local compares at most ${itemsMax} vectors of ${dimensions} numbers, because copies of vectors take at most ${bytesMax} bytes; this namespace has ${items}. Set mirrorMax to at most ${itemsMax} to search only the newest, or use several namespaces or another engine`,
        { details: { itemsMax, items, bytesMax } },
      );
    },
    report() {
      const all = [...mirrors.values()];
      return {
        copies: all.length,
        rows: all.reduce((sum, { copy }) => sum + copy.size, 0),
        bytes: usedBytes(),
      };
    },
  };
}
