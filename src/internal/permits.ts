import type { MarrowError } from "../errors.ts";
import { createTurnPacer } from "./time-slice.ts";

/** Bounds the work that is done at once, in units such as bytes. Callers beyond the bound wait for their turn. */
export interface Permits {
  /**
   * Waits until there is room for some units, and returns what gives the room back, or changes its units without waiting, even beyond the bound.
   * A caller that wants more than there is at all gets all.
   * @throws MarrowError the refusal, if too many wait, or there is no room within `waitMs`; or the reason of `signal`
   */
  take(units: number, waitMs: number, signal?: AbortSignal): Promise<Permit>;
}

/** Gives all units back, or all but so many of them; more than before are taken at once. May be called any number of times. */
export type Permit = (kept?: number) => void;

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

  function permitOf(units: number): Permit {
    let held = units;
    return (kept = 0) => {
      taken += kept - held;
      held = kept;
      beginNext();
    };
  }

  return {
    take(wanted, waitMs, signal) {
      const units = Math.min(wanted, max);
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      if (waiting.size === 0 && taken + units <= max) {
        taken += units;
        return Promise.resolve(permitOf(units));
      }
      if (waiting.size >= waitingMax) return Promise.reject(refusal(waitMs));
      return new Promise((resolve, reject) => {
        const one: Waiting = {
          units,
          begin() {
            settle();
            resolve(permitOf(units));
          },
        };
        const late = setTimeout(() => leave(() => refusal(waitMs)), waitMs);
        const onAbort = () => leave(() => signal?.reason as Error);
        signal?.addEventListener("abort", onAbort, { once: true });
        waiting.add(one);

        function settle(): void {
          clearTimeout(late);
          signal?.removeEventListener("abort", onAbort);
        }

        function leave(reason: () => Error): void {
          settle();
          waiting.delete(one);
          // Those who came together end together: thousands of errors take more than a turn of the event loop.
          pace(() => reject(reason()));
          // A smaller one behind it may fit.
          beginNext();
        }
      });
    },
  };
}
