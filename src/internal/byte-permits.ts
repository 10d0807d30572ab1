import { MarrowError } from "../errors.ts";

/** Bounds the bytes that are worked on at once. Callers beyond the bound wait for their turn. */
export interface BytePermits {
  /**
   * Waits until there is room for some bytes, and returns what gives the room back. A caller that wants more than there is at all gets all.
   * @throws MarrowError `rate_limited` if too many wait, or there is no room in time
   */
  take(bytes: number): Promise<() => void>;
}

/** Options of {@link createBytePermits}. */
export interface BytePermitsOptions {
  /** Bytes at once. */
  readonly bytesMax: number;
  /** Longest wait, in milliseconds. */
  readonly waitMs: number;
  /** Callers that may wait. */
  readonly waitingMax: number;
  /** What waits, for messages. */
  readonly things: string;
}

interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

const RETRY_AFTER_MS = 1_000;

/** Makes permits that are given in the order in which they were asked for. */
export function createBytePermits({ bytesMax, waitMs, waitingMax, things }: BytePermitsOptions): BytePermits {
  const waiting = new Set<Waiting>();
  let taken = 0;

  function beginNext(): void {
    for (const next of waiting) {
      if (taken + next.bytes > bytesMax) return;
      waiting.delete(next);
      taken += next.bytes;
      next.begin();
    }
  }

  function releaseOf(bytes: number): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      taken -= bytes;
      beginNext();
    };
  }

  const full = () =>
    new MarrowError("rate_limited", `too many ${things} at once; try again shortly`, {
      details: { retryAfterMs: RETRY_AFTER_MS },
    });

  return {
    take(wanted) {
      const bytes = Math.min(wanted, bytesMax);
      if (waiting.size === 0 && taken + bytes <= bytesMax) {
        taken += bytes;
        return Promise.resolve(releaseOf(bytes));
      }
      if (waiting.size >= waitingMax) return Promise.reject(full());
      return new Promise((resolve, reject) => {
        const one: Waiting = {
          bytes,
          begin() {
            clearTimeout(late);
            resolve(releaseOf(bytes));
          },
        };
        const late = setTimeout(() => {
          waiting.delete(one);
          reject(full());
          // A smaller one behind it may fit.
          beginNext();
        }, waitMs);
        waiting.add(one);
      });
    },
  };
}
