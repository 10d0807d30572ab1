import type { MarrowError } from "../errors.ts";
import { createTurnPacer } from "./time-slice.ts";

/** Bounds the work that is done at once, in units such as bytes. Callers beyond the bound wait for their turn. */
export interface Permits {
  /**
   * Waits until there is room for some units, and returns what gives the room back, or all but so many units of it. A caller that wants more than there is at all gets all.
   * @throws MarrowError the refusal, if too many wait, or there is no room within `waitMs`
   */
  take(units: number, waitMs: number): Promise<(kept?: number) => void>;
}

/** Options of {@link createPermits}. */
export interface PermitsOptions {
  /** Units at once. */
  readonly max: number;
  /** Callers that may wait. @default no bound */
  readonly waitingMax?: number;
  /** Makes the error of a caller that gets no room. */
  readonly refusal: (waitMs: number) => MarrowError;
}

interface Waiting {
  readonly units: number;
  readonly begin: () => void;
}

/** Makes permits that are given in the order in which they were asked for. */
export function createPermits({ max, waitingMax = Infinity, refusal }: PermitsOptions): Permits {
  const waiting = new Set<Waiting>();
  const pace = createTurnPacer();
  let taken = 0;

  function beginNext(): void {
    for (const next of waiting) {
      if (taken + next.units > max) return;
      waiting.delete(next);
      taken += next.units;
      next.begin();
    }
  }

  function releaseOf(units: number): (kept?: number) => void {
    let held = units;
    return (kept = 0) => {
      if (kept >= held) return;
      taken -= held - kept;
      held = kept;
      beginNext();
    };
  }

  return {
    take(wanted, waitMs) {
      const units = Math.min(wanted, max);
      if (waiting.size === 0 && taken + units <= max) {
        taken += units;
        return Promise.resolve(releaseOf(units));
      }
      if (waiting.size >= waitingMax) return Promise.reject(refusal(waitMs));
      return new Promise((resolve, reject) => {
        const one: Waiting = {
          units,
          begin() {
            clearTimeout(late);
            resolve(releaseOf(units));
          },
        };
        const late = setTimeout(() => {
          waiting.delete(one);
          // Those who came together end together: thousands of errors take more than a turn of the event loop.
          pace(() => reject(refusal(waitMs)));
          // A smaller one behind it may fit.
          beginNext();
        }, waitMs);
        waiting.add(one);
      });
    },
  };
}
