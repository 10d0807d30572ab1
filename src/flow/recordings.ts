/** What is recorded of answers while they are streamed, over all flows that share it. */
export interface Recordings {
  /** Bytes that are held now, by estimate. */
  readonly bytes: number;
  /** Begins a recording. `shed` is called at most once: it lets go of what the recording holds, which is counted no more from then on. */
  open(shed: () => void): RecordedShare;
}

/** What one recording holds. */
export interface RecordedShare {
  /** Says that the recording grew. Once it was shed or closed, nothing is counted. */
  add(bytes: number): void;
  /** The recording is over. Any number of times. */
  close(): void;
}

/** Options of recordings. */
export interface RecordingsOptions {
  /** What all recordings hold together, in bytes by estimate. @default 134_217_728 (128 MiB) */
  readonly bytesMax?: number | undefined;
}

const BYTES_MAX_DEFAULT = 128 * 1_048_576;

/**
 * Bounds what recordings hold together. Beyond the bound the largest recording is shed, so that streams that nobody reads, or that have no
 * end, cost other streams nothing. Adding takes constant time; shedding looks at each recording once.
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
