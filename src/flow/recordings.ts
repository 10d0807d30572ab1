/** Memory of recorded streams, over all flows that share it. */
export interface Recordings {
  /** Estimated bytes in use. */
  readonly bytes: number;
  /**
   * Begins a recording. `shed` is called at most once and must drop the recorded data, which no longer counts. `onRoom`: for a recording that
   * is useless unless complete, which waits for room; called whenever there may be some.
   */
  open(shed: () => void, onRoom?: () => void): RecordedShare;
}

/** Memory of one recording. */
export interface RecordedShare {
  /** Reports growth. Ignored after the recording was shed or closed. */
  add(bytes: number): void;
  /** Returns true if the recording may grow now. If not, it should wait for `onRoom`. */
  hasRoom(): boolean;
  /** Ends the recording. May be called any number of times. */
  close(): void;
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
/** Time without growth after which the one that may grow lets another one, in milliseconds. */
const STALLED_MS = 5_000;

/**
 * Makes a common budget for recordings. Beyond it the largest recording is shed, so that an unread or endless stream does not affect
 * others. Those that must be complete wait long before: beyond a quarter of the budget, one long recording after the other grows to its end.
 * Adding takes constant time; shedding reads each recording once.
 */
export function createRecordings({ bytesMax = BYTES_MAX_DEFAULT }: RecordingsOptions = {}): Recordings {
  const open = new Set<Share>();
  /** Long recordings that must be complete: the first one may always grow. */
  const long = new Set<Share>();
  const recordings = { bytes: 0, open: openShare };
  const [completeMax, shortMax] = [bytesMax * COMPLETE_PART, bytesMax * SHORT_PART];
  let completeBytes = 0;
  let look: NodeJS.Timeout | undefined;

  function end(share: Share): boolean {
    if (!open.delete(share)) return false;
    recordings.bytes -= share.bytes;
    if (share.onRoom === undefined) return true;
    completeBytes -= share.bytes;
    long.delete(share);
    tellRoom();
    return true;
  }

  /** Lets recordings go on that waited: all of them, or the first one. */
  function tellRoom(): void {
    for (const share of long) {
      if (!hasRoom(share)) break;
      share.onRoom?.();
    }
  }

  function hasRoom(share: Share): boolean {
    if (!long.has(share) || completeBytes <= completeMax) return true;
    const [first] = long;
    if (first === undefined || first === share) return true;
    look ??= setTimeout(passOn, STALLED_MS, first, first.bytes).unref();
    return false;
  }

  /** Puts a recording behind the others if it did not grow, because its model or its reader is slow. */
  function passOn(first: Share, bytes: number): void {
    look = undefined;
    if (long.has(first) && first.bytes === bytes) {
      long.delete(first);
      long.add(first);
    }
    tellRoom();
  }

  function openShare(shed: () => void, onRoom?: () => void): RecordedShare {
    const share: Share = { bytes: 0, shed, onRoom };
    open.add(share);
    return {
      add(bytes) {
        if (!open.has(share)) return;
        share.bytes += bytes;
        recordings.bytes += bytes;
        if (onRoom !== undefined) {
          completeBytes += bytes;
          if (share.bytes > shortMax) long.add(share);
        }
        while (recordings.bytes > bytesMax) {
          const largest = largestOf(open);
          if (largest === undefined || !end(largest)) return;
          largest.shed();
        }
      },
      hasRoom: () => hasRoom(share),
      close: () => void end(share),
    };
  }

  return recordings;
}

interface Share {
  bytes: number;
  readonly shed: () => void;
  readonly onRoom: (() => void) | undefined;
}

function largestOf(shares: Iterable<Share>): Share | undefined {
  let largest: Share | undefined;
  for (const share of shares) if (largest === undefined || share.bytes > largest.bytes) largest = share;
  return largest;
}
