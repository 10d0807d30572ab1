/** Memory of recorded streams, over all flows that share it. */
export interface Recordings {
  /** Estimated bytes in use. */
  readonly bytes: number;
  /** Begins a recording. `shed` is called at most once and must drop the recorded data, which no longer counts. */
  open(shed: () => void): RecordedShare;
}

/** Memory of one recording. */
export interface RecordedShare {
  /** Reports growth. Ignored after the recording was shed or closed. */
  add(bytes: number): void;
  /** Ends the recording. May be called any number of times. */
  close(): void;
}

/** Options of recordings. */
export interface RecordingsOptions {
  /** Largest estimated size of all recordings together, in bytes. @default 134_217_728 (128 MiB) */
  readonly bytesMax?: number | undefined;
}

const BYTES_MAX_DEFAULT = 128 * 1_048_576;

/**
 * Makes a common budget for recordings. Beyond it the largest recording is shed, so that an unread or endless stream does not affect
 * others. Adding takes constant time; shedding reads each recording once.
 */
export function createRecordings({ bytesMax = BYTES_MAX_DEFAULT }: RecordingsOptions = {}): Recordings {
  const open = new Set<Share>();
  const recordings = { bytes: 0, open: openShare };

  function end(share: Share): boolean {
    if (!open.delete(share)) return false;
    recordings.bytes -= share.bytes;
    return true;
  }

  function openShare(shed: () => void): RecordedShare {
    const share: Share = { bytes: 0, shed };
    open.add(share);
    return {
      add(bytes) {
        if (!open.has(share)) return;
        share.bytes += bytes;
        recordings.bytes += bytes;
        while (recordings.bytes > bytesMax) {
          const largest = largestOf(open);
          if (largest === undefined || !end(largest)) return;
          largest.shed();
        }
      },
      close: () => void end(share),
    };
  }

  return recordings;
}

interface Share {
  bytes: number;
  readonly shed: () => void;
}

function largestOf(shares: Iterable<Share>): Share | undefined {
  let largest: Share | undefined;
  for (const share of shares) if (largest === undefined || share.bytes > largest.bytes) largest = share;
  return largest;
}
