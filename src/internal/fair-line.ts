import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";

/** Bounds how much work of many owners, such as scopes, is done at once. Owners take turns, and the work of one owner keeps its order. */
export interface FairLine {
  /**
   * Runs work once it is its turn.
   * @throws MarrowError `rate_limited` if too much work of the owner waits, or it has waited too long; `aborted` if the signal aborts before
   * the turn; errors of the work
   */
  run<T>(owner: string, work: () => Promise<T>, wait?: FairWait): Promise<T>;
}

/** How long work may wait for its turn. */
export interface FairWait {
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. @default no bound */
  readonly waitMs?: number | undefined;
  /** Work of the owner that may wait before it. @default no bound */
  readonly waitingMax?: number | undefined;
}

/** Options of {@link createFairLine}. */
export interface FairLineOptions {
  /** What waits, in the plural, for messages. */
  readonly name: string;
  /** Work at once. */
  readonly atOnce: number;
  /** Work of one owner at once. @default `atOnce` */
  readonly ownerAtOnce?: number | undefined;
  /** Longest time that work keeps its place, in milliseconds: work that hangs holds up no other. @default no bound */
  readonly holdMaxMs?: number | undefined;
  /** Milliseconds without new work in the place of work that took `tookMs`. @default none */
  readonly restMs?: ((tookMs: number) => number) | undefined;
}

const RETRY_AFTER_MS = 2_000;

interface Owner {
  readonly waiting: Set<() => void>;
  running: number;
}

/** Makes a line. It keeps nothing of an owner without work. */
export function createFairLine(options: FairLineOptions): FairLine {
  const { name, atOnce, ownerAtOnce = atOnce, holdMaxMs, restMs = () => 0 } = options;
  /** In the order of their turns. */
  const owners = new Map<string, Owner>();
  let places = atOnce;

  const refusal = (): MarrowError =>
    new MarrowError("rate_limited", `too many ${name} wait at once; try again shortly`, {
      details: { retryAfterMs: RETRY_AFTER_MS },
    });

  const abortion = (signal: AbortSignal | undefined): MarrowError =>
    new MarrowError("aborted", `the wait of ${name} was aborted`, { cause: signal?.reason });

  function beginNext(): void {
    for (const [id, owner] of owners) {
      if (places === 0) return;
      const [begin] = owner.waiting;
      if (begin === undefined || owner.running >= ownerAtOnce) continue;
      owner.waiting.delete(begin);
      // Its next turn comes after those of all others.
      owners.delete(id);
      owners.set(id, owner);
      take(owner);
      begin();
    }
  }

  function take(owner: Owner): void {
    places -= 1;
    owner.running += 1;
  }

  async function end(id: string, owner: Owner, tookMs: number): Promise<void> {
    const rest = restMs(tookMs);
    if (rest > 0) await sleep(rest);
    places += 1;
    owner.running -= 1;
    tidy(id, owner);
    beginNext();
  }

  function tidy(id: string, owner: Owner): void {
    if (owner.running === 0 && owner.waiting.size === 0 && owners.get(id) === owner) owners.delete(id);
  }

  /** Waits for a turn, and takes it. */
  function turn(id: string, owner: Owner, { signal, waitMs }: FairWait): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        settle();
        resolve();
      };
      const leave = (reason: MarrowError) => {
        settle();
        owner.waiting.delete(begin);
        tidy(id, owner);
        reject(reason);
      };
      const late = waitMs === undefined ? undefined : setTimeout(() => leave(refusal()), waitMs);
      const onAbort = () => leave(abortion(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
      owner.waiting.add(begin);

      function settle(): void {
        clearTimeout(late);
        signal?.removeEventListener("abort", onAbort);
      }
    });
  }

  return {
    async run(id, work, wait = {}) {
      if (wait.signal?.aborted === true) throw abortion(wait.signal);
      const owner = owners.get(id) ?? { waiting: new Set(), running: 0 };
      owners.set(id, owner);
      if (places > 0 && owner.waiting.size === 0 && owner.running < ownerAtOnce) take(owner);
      else if (owner.waiting.size >= (wait.waitingMax ?? Infinity)) throw refusal();
      else await turn(id, owner, wait);
      const begunMs = performance.now();
      let holds = true;
      const giveUp = () => {
        if (!holds) return;
        holds = false;
        clearTimeout(late);
        void end(id, owner, performance.now() - begunMs);
      };
      const late = holdMaxMs === undefined ? undefined : setTimeout(giveUp, holdMaxMs);
      try {
        return await work();
      } finally {
        giveUp();
      }
    },
  };
}
