import { createFollowed, type FollowedShare } from "./followed.ts";

/** Memory of recorded streams, over all flows that share it. */
export interface Recordings {
  /** Estimated bytes in use, of all scopes. */
  readonly bytes: number;
  /** The same memory for one scope, such as a tenant: what one records takes no turn of another. @default scope "" */
  of(scope: string): Recordings;
  /**
   * Begins a recording. `shed` is called at most once and must drop the recorded data, which no longer counts. `onRoom`: for a recording that
   * is useless unless complete, which waits for room; called whenever there may be some.
   */
  open(shed: () => void, onRoom?: () => void): RecordedShare;
  /**
   * Joins the recording of what all followers of one flight read, which counts once, until the last of them closes its share. Each follower
   * adds what it read since the flight's beginning. If it is shed, `shed` is called for each of them. It goes before a leader's recording,
   * without which there is no flight.
   */
  follow(flight: object, shed: () => void): FollowedShare;
}

/** Memory of one recording. */
export interface RecordedShare {
  /** Reports growth. Ignored after the recording was shed or closed. */
  add(bytes: number): void;
  /** Returns true if the recording may grow now. If not, it should wait for `onRoom`. */
  hasRoom(): boolean;
  /** Says that the recording is complete, and in use: it is not shed any more, and counts until it is closed. */
  complete(): void;
  /** Ends the recording. May be called any number of times. */
  close(this: void): void;
}

/** Options of recordings. */
export interface RecordingsOptions {
  /** Largest estimated size of all recordings together, in bytes. @default 134_217_728 (128 MiB) */
  readonly bytesMax?: number | undefined;
}

const BYTES_MAX_DEFAULT = 128 * 1_048_576;
/** Part of all recordings that those which must be complete fill at once; beyond it they grow one after the other. */
const COMPLETE_PART = 1 / 4;
/** Part of all recordings up to which one never waits for room (half a mebibyte of 128). */
const SHORT_PART = 1 / 256;
/** Scopes of which one recording each grows beyond that. */
const SCOPES_AT_ONCE = 2;
/** How much larger what followers recorded counts where the largest recording is sought: their leader records the same. */
const FOLLOWED_FACTOR = 2;
/** Time after which one that may grow lets another one, if it grew by less than a part of all recordings (32 KiB of 128 MiB). */
const [STALLED_MS, STALLED_PART] = [5_000, 1 / 4_096];

/** A recording. */
interface Share {
  readonly scope: Scope;
  bytes: number;
  readonly shed: () => void;
  readonly onRoom: (() => void) | undefined;
  /** How much larger it counts where the largest one is sought. */
  readonly factor: number;
}

/** The recordings of a scope. */
interface Scope {
  readonly name: string;
  readonly open: Set<Share>;
  /** Those of them that may be shed. */
  readonly loose: Set<Share>;
  /** Those that must be complete and are long, in the order in which they may grow. */
  readonly long: Set<Share>;
  /** Bytes of those that may be shed. */
  bytes: number;
  /** Bytes of those that must be complete. */
  completeBytes: number;
}

/**
 * Makes a common budget for recordings. Beyond it, the largest recording of the scope that has most is shed, so that an unread or endless stream
 * does not affect others. Those that must be complete wait long before: beyond a quarter of the budget, a scope grows at will up to its share of
 * that quarter, and further one long recording after the other, in a few scopes at once. Adding takes constant time; shedding reads the scopes and
 * the recordings of one.
 */
export function createRecordings({ bytesMax = BYTES_MAX_DEFAULT }: RecordingsOptions = {}): Recordings {
  const scopes = new Map<string, Scope>();
  /** Scopes with long recordings that must be complete, in the order of their turns. */
  const queue = new Set<Scope>();
  const [completeMax, shortMax, stalledMax] = [
    bytesMax * COMPLETE_PART,
    bytesMax * SHORT_PART,
    bytesMax * STALLED_PART,
  ];
  let [allBytes, completeBytes] = [0, 0];
  let look: NodeJS.Timeout | undefined;

  function count(share: Share, bytes: number): void {
    const { scope } = share;
    share.bytes += bytes;
    if (scope.loose.has(share)) scope.bytes += bytes;
    allBytes += bytes;
    if (share.onRoom === undefined) return;
    scope.completeBytes += bytes;
    completeBytes += bytes;
  }

  function end(share: Share): boolean {
    const { scope, bytes } = share;
    if (!scope.open.delete(share)) return false;
    if (scope.open.size === 0) scopes.delete(scope.name);
    count(share, -bytes);
    scope.loose.delete(share);
    if (share.onRoom === undefined) return true;
    if (scope.long.delete(share) && scope.long.size === 0) queue.delete(scope);
    tellRoom();
    return true;
  }

  /** Lets recordings go on that waited, of each scope in its order. */
  function tellRoom(): void {
    for (const { long } of queue) {
      for (const share of long) {
        if (!hasRoom(share)) break;
        share.onRoom?.();
      }
    }
  }

  /** The recordings that may grow beyond what their scopes may fill. */
  function* growing(): Generator<Share> {
    let left = SCOPES_AT_ONCE;
    for (const { long } of queue) {
      if (left === 0) return;
      left -= 1;
      const [first] = long;
      if (first !== undefined) yield first;
    }
  }

  function hasRoom(share: Share): boolean {
    const { scope } = share;
    if (!scope.long.has(share) || completeBytes <= completeMax) return true;
    if (scope.completeBytes <= completeMax / queue.size) return true;
    const now = [...growing()];
    if (now.includes(share)) return true;
    look ??= setTimeout(passOn, STALLED_MS, new Map(now.map((one) => [one, one.bytes]))).unref();
    return false;
  }

  /** Puts recordings behind the others that hardly grew, because their models or readers are slow. */
  function passOn(before: ReadonlyMap<Share, number>): void {
    look = undefined;
    for (const [share, bytes] of before) {
      const { scope } = share;
      if (!scope.long.has(share) || share.bytes - bytes >= stalledMax) continue;
      putLast(scope.long, share);
      putLast(queue, scope);
    }
    tellRoom();
  }

  function openShare(scope: Scope, shed: () => void, onRoom?: () => void, factor: number = 1): RecordedShare {
    const share: Share = { scope, bytes: 0, shed, onRoom, factor };
    scopes.set(scope.name, scope);
    scope.open.add(share);
    scope.loose.add(share);
    return {
      add(bytes) {
        if (!scope.open.has(share)) return;
        count(share, bytes);
        if (onRoom !== undefined && share.bytes > shortMax) {
          scope.long.add(share);
          queue.add(scope);
        }
        while (allBytes > bytesMax) {
          const largest = largestOf(largestOf(scopes.values())?.loose ?? []);
          if (largest === undefined || !end(largest)) return;
          largest.shed();
        }
      },
      hasRoom: () => hasRoom(share),
      complete() {
        if (scope.loose.delete(share)) scope.bytes -= share.bytes;
      },
      close: () => void end(share),
    };
  }

  function of(name: string): Recordings {
    const made = (): Scope => ({
      name,
      open: new Set(),
      loose: new Set(),
      long: new Set(),
      bytes: 0,
      completeBytes: 0,
    });
    return {
      get bytes() {
        return allBytes;
      },
      of,
      open: (shed, onRoom) => openShare(scopes.get(name) ?? made(), shed, onRoom),
      follow: createFollowed((shed) => openShare(scopes.get(name) ?? made(), shed, undefined, FOLLOWED_FACTOR)),
    };
  }

  return of("");
}

function putLast<T>(queue: Set<T>, one: T): void {
  queue.delete(one);
  queue.add(one);
}

function largestOf<T extends { readonly bytes: number; readonly factor?: number }>(all: Iterable<T>): T | undefined {
  const sizeOf = ({ bytes, factor = 1 }: T) => bytes * factor;
  let largest: T | undefined;
  for (const one of all) if (largest === undefined || sizeOf(one) > sizeOf(largest)) largest = one;
  return largest;
}
