import { MarrowError } from "../errors.ts";
import type { Asker } from "./model.ts";

/** Rules for sharing an endpoint's concurrency slots. */
export interface PlacesOptions {
  /** Calls at the same time. */
  readonly places: number;
  /** Largest fraction of the slots that one scope holds while no other does, over 0 to 1; with 1, scopes only take turns. */
  readonly scopeShare: number;
  /** Longest wait for a slot, in milliseconds. */
  readonly waitMs: number;
}

/** Concurrency slots of one endpoint: calls in flight at the same time. */
export interface Places {
  /**
   * Takes a slot, or waits for one. Returns the function that releases it; only its first call counts. @throws MarrowError `rate_limited`,
   * `aborted`
   */
  take(asker: Asker | undefined, signal?: AbortSignal): Promise<() => void>;
  /** Returns true if a call of this asker would get a slot at once. */
  isFree(asker: Asker | undefined): boolean;
  /** Returns true if the call with this signal still waits for its slot. */
  isWaiting(signal: AbortSignal): boolean;
  readonly held: number;
  readonly waiting: number;
}

/** One user may hold this multiple of the slots that their scope could still take. */
const USER_WEIGHT = 3;
const NOBODY: Asker = { scope: "", user: "" };

/**
 * Shares slots by dynamic thresholds: a scope may hold up to a multiple of the free slots, and a user up to a multiple of those their scope
 * may still take. A scope at its threshold leaves some slots free, so that one that holds none begins at once. Waiting calls are admitted
 * by turns: first the scope that holds the fewest, then its user that holds the fewest.
 *
 * @source Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches" (1998)
 */
export function createPlaces({ places, scopeShare, waitMs }: PlacesOptions): Places {
  const scopeWeight = scopeShare >= 1 ? Infinity : scopeShare / (1 - scopeShare);
  const scopes = new Map<string, Party>();
  const state = { held: 0, waiting: 0 };
  const waiting = new Set<AbortSignal>();

  /** Returns the slots that a scope may still take. */
  const roomOf = (scope: Party) => scopeWeight * (places - state.held) - scope.held;
  const mayTake = (scope: Party, user: Party) =>
    state.held < places && roomOf(scope) > 0 && user.held < USER_WEIGHT * roomOf(scope);

  function hold(scope: Party, user: Party): () => void {
    for (const one of [state, scope, user]) one.held += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const one of [state, scope, user]) one.held -= 1;
      tidy(scope, user);
      letIn();
    };
  }

  function tidy(scope: Party, user: Party): void {
    if (user.held === 0 && user.waiting.size === 0) scope.users.delete(user.name);
    if (scope.users.size === 0) scopes.delete(scope.name);
  }

  /** Admits waiting callers while there are slots for them. */
  function letIn(): void {
    while (state.waiting > 0 && state.held < places) {
      const next = fewest(scopes.values(), (scope) => {
        const user = fewest(scope.users.values(), (one) => (mayTake(scope, one) ? one : undefined));
        return user && { scope, user, held: scope.held };
      });
      if (next === undefined) return;
      const [enter] = next.user.waiting;
      enter?.();
    }
  }

  async function take(asker: Asker = NOBODY, signal?: AbortSignal): Promise<() => void> {
    const scope = partyOf(scopes, asker.scope);
    const user = partyOf(scope.users, asker.user);
    // Nobody overtakes an earlier call of their own user.
    if (user.waiting.size === 0 && mayTake(scope, user)) return hold(scope, user);
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        user.waiting.delete(enter);
        state.waiting -= 1;
        if (signal !== undefined) waiting.delete(signal);
      };
      const enter = () => {
        stop();
        // Goes behind the others that hold as many.
        scopes.delete(scope.name);
        scopes.set(scope.name, scope);
        resolve(hold(scope, user));
      };
      const giveUp = (error: MarrowError) => {
        stop();
        tidy(scope, user);
        reject(error);
      };
      const onAbort = () =>
        giveUp(
          new MarrowError("aborted", "the caller gave up before the call began", { details: { placeless: true } }),
        );
      const timer = setTimeout(() => giveUp(noPlace()), waitMs);
      user.waiting.add(enter);
      state.waiting += 1;
      if (signal !== undefined) waiting.add(signal);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  return {
    take,
    isFree(asker = NOBODY) {
      const scope = scopes.get(asker.scope);
      const user = scope?.users.get(asker.user) ?? newParty(asker.user);
      return user.waiting.size === 0 && mayTake(scope ?? newParty(asker.scope), user);
    },
    isWaiting: (signal) => waiting.has(signal),
    get held() {
      return state.held;
    },
    get waiting() {
      return state.waiting;
    },
  };
}

/** A scope, or a user of it. */
interface Party {
  readonly name: string;
  held: number;
  /** Waiting calls, in order; only for users. */
  readonly waiting: Set<() => void>;
  /** Users of a scope. */
  readonly users: Map<string, Party>;
}

function partyOf(parties: Map<string, Party>, name: string): Party {
  let party = parties.get(name);
  if (party === undefined) {
    party = newParty(name);
    parties.set(name, party);
  }
  return party;
}

function newParty(name: string): Party {
  return { name, held: 0, waiting: new Set(), users: new Map() };
}

/** Returns the waiting and admissible party that holds the fewest slots; of several the one that waited longest for its turn. */
function fewest<T extends { readonly held: number }>(
  parties: Iterable<Party>,
  toCandidate: (party: Party) => T | undefined,
): T | undefined {
  let best: T | undefined;
  for (const party of parties) {
    if (party.waiting.size === 0 && party.users.size === 0) continue;
    const candidate = toCandidate(party);
    if (candidate !== undefined && (best === undefined || candidate.held < best.held)) best = candidate;
  }
  return best;
}

/** Returns true if a call was cancelled before it had a slot. */
export function isPlaceless(error: unknown): boolean {
  return MarrowError.is(error, "aborted") && error.details?.["placeless"] === true;
}

/** Builds the error of a call that got no slot in time. */
export function noPlace(): MarrowError {
  return new MarrowError(
    "rate_limited",
    "this caller has as many calls to the model's endpoint under way as it may have",
    {
      details: { retryAfterMs: 1_000 },
    },
  );
}
