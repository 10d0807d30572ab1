import type { MarrowError } from "../errors.ts";
import { Round } from "./round.ts";
import { createTurnPacer } from "./time-slice.ts";

/**
 * Bounds the work that is done at once, in units such as bytes. Callers beyond the bound wait. Owners that wait take turns, each its oldest
 * caller first, so that one owner's many callers delay another's few by one turn only.
 */
export interface Permits {
  /**
   * Waits until there is room for some units, and returns what gives the room back, or changes its units without waiting, even beyond the bound.
   * A caller that wants more than its owner may hold gets all of that.
   * @throws MarrowError the refusal, if too many wait, or there is no room within `waitMs` (`Infinity`: no bound); or the reason of `signal`
   */
  take(units: number, waitMs: number, how?: TakeOptions): Promise<Permit>;
}

/** Options of {@link Permits.take}. */
export interface TakeOptions {
  /** Whom the work is for, such as a scope. @default one owner of all that name none */
  readonly owner?: string | undefined;
  /** Whether it goes before those that do not. @default false */
  readonly isFirst?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Gives all units back, or all but so many of them; more than before are taken at once. May be called any number of times. */
export type Permit = (kept?: number) => void;

/** Options of {@link createPermits}. */
export interface PermitsOptions {
  /** Units at once. */
  readonly max: number;
  /** Units of one owner at once: the rest is left for the others. @default `max` */
  readonly eachMax?: number;
  /**
   * Callers that may wait. One more takes the place of the newest caller of the owner with the most, if its own owner has fewer; else it is
   * refused. @default no bound
   */
  readonly waitingMax?: number;
  /** Makes the error of a caller that gets no room. */
  readonly refusal: (waitMs: number) => MarrowError;
}

interface Waiting {
  readonly units: number;
  readonly begin: () => void;
  readonly refuse: () => void;
}

/** Makes permits that owners share. */
export function createPermits({ max, eachMax = max, waitingMax = Infinity, refusal }: PermitsOptions): Permits {
  /** Callers that wait: those that go first, and the others. */
  const [first, others] = [new Round<Waiting>(), new Round<Waiting>()];
  const held = new Map<string, number>();
  const pace = createTurnPacer();
  let taken = 0;

  function hold(owner: string, units: number): void {
    taken += units;
    const all = (held.get(owner) ?? 0) + units;
    if (all === 0) held.delete(owner);
    else held.set(owner, all);
  }

  /** Whether an owner's own bound lets it have more. Without one it waits in line for its turn, and is not passed. */
  function mayHold(owner: string, units: number): boolean {
    return eachMax >= max || (held.get(owner) ?? 0) + units <= eachMax;
  }

  function beginNext(): void {
    for (const round of [first, others]) {
      for (const [owner, next] of round.heads()) {
        if (!mayHold(owner, next.units)) continue;
        // The others do not pass it: otherwise small callers would keep out a large one for ever.
        if (taken + next.units > max) return;
        round.take(owner);
        hold(owner, next.units);
        next.begin();
      }
    }
  }

  /** Makes a place in the full lines for a caller of an owner, if another has at least two more. */
  function makePlace(owner: string): boolean {
    const [longest, newest] = others.newestOfLongest() ?? [];
    if (longest === undefined || others.sizeOf(longest) <= others.sizeOf(owner) + 1) return false;
    newest?.refuse();
    return true;
  }

  function permitOf(owner: string, units: number): Permit {
    let kept = units;
    return (left = 0) => {
      hold(owner, left - kept);
      kept = left;
      beginNext();
    };
  }

  return {
    take(wanted, waitMs, { owner = "", isFirst = false, signal } = {}) {
      const units = Math.min(wanted, eachMax);
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      const waiting = first.size + others.size;
      if ((isFirst ? first.size : waiting) === 0 && taken + units <= max && mayHold(owner, units)) {
        hold(owner, units);
        return Promise.resolve(permitOf(owner, units));
      }
      if (waiting >= waitingMax && !makePlace(owner)) return Promise.reject(refusal(waitMs));
      return new Promise((resolve, reject) => {
        const one: Waiting = {
          units,
          begin() {
            settle();
            resolve(permitOf(owner, units));
          },
          refuse: () => leave(() => refusal(waitMs)),
        };
        const late = waitMs === Infinity ? undefined : setTimeout(one.refuse, waitMs);
        const onAbort = () => leave(() => signal?.reason as Error);
        signal?.addEventListener("abort", onAbort, { once: true });
        const round = isFirst ? first : others;
        round.add(owner, one);
        // Those who wait may have all that they may hold.
        beginNext();

        function settle(): void {
          clearTimeout(late);
          signal?.removeEventListener("abort", onAbort);
        }

        function leave(reason: () => Error): void {
          settle();
          round.remove(owner, one);
          // Those who came together end together: thousands of errors take more than a turn of the event loop.
          pace(() => reject(reason()));
          // A smaller one behind it may fit.
          beginNext();
        }
      });
    },
  };
}
