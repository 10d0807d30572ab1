import { MarrowError } from "../errors.ts";
import { afterOwnTime } from "../internal/own-time.ts";
import { createPermits, type Permit } from "../internal/permits.ts";

/** Memory for long whole answers of models, over all flows that share it. */
export interface AnswerRoom {
  /** Begins one answer. */
  open(how?: AnswerOptions): AnswerPlace;
}

/** How an answer takes its room. */
export interface AnswerOptions {
  /** If it is longer than was thought, it gets its room at once. @default false */
  readonly grows?: boolean | undefined;
  /** The process holds it already, as that of another call, so it goes before those that are still to be read. @default false */
  readonly isHeld?: boolean | undefined;
}

/** Memory of one answer. */
export interface AnswerPlace {
  /**
   * Waits until there is room for so many bytes of the answer, in place of those before; fewer than before give room back at once. An answer that
   * is longer than was thought keeps its room while it waits for more; of these, one at a time gets it while it is read, even beyond the bound, so
   * that none waits for another.
   * @throws MarrowError `unavailable` if there is none within a minute; or the reason of `signal`
   */
  take(this: void, bytes: number, signal?: AbortSignal): Promise<void>;
  /** Says that the client reads the answer from now on; only the first call counts. If it still does after 15 s, and others wait, `drop` is called, which closes its connection. */
  hand(drop: () => void): void;
  /** Gives all room back. May be called any number of times. */
  close(this: void): void;
}

/** Options of an answer room. */
export interface AnswerRoomOptions {
  /** Bytes of all long answers at once. A longer answer takes all of it. */
  readonly bytesMax: number;
  /** A larger room that the answers take from, too, such as that of all tenants. */
  readonly within?: AnswerRoom | undefined;
  /** Time that a client has to read its answer while others wait, in milliseconds. @default 15 s */
  readonly readMs?: number | undefined;
}

/** Longest wait for room, in milliseconds. */
const WAIT_MS = 60_000;
/** Time that a client has to read its answer while others wait, in milliseconds. */
const READ_MS = 15_000;
/** Time between two looks for slow clients, in milliseconds: a connection that was closed has given its room back until then. */
const LOOK_MS = 100;

/** An answer that its client reads. */
interface Handed {
  readonly sinceMs: number;
  readonly drop: () => void;
}

/**
 * Makes a common bound for whole answers. Long answers beyond it wait, unread, and are given room in their order. Clients that read slowly keep
 * others waiting for a while only: those who have had their answers longest are closed first.
 */
export function createAnswerRoom({ bytesMax, within, readMs = READ_MS }: AnswerRoomOptions): AnswerRoom {
  const permits = createPermits({ max: bytesMax, refusal: noRoom });
  /** For the one answer that is read on although it is longer than was thought. */
  const growing = createPermits({ max: 1, refusal: noRoom });
  const handed = new Set<Handed>();
  let waiting = 0;
  let isLooking = false;

  /** Waits, and ends slow readers meanwhile. */
  async function wait(taking: Promise<Permit>): Promise<Permit> {
    waiting += 1;
    look();
    try {
      return await taking;
    } finally {
      waiting -= 1;
    }
  }

  function look(): void {
    const [longest] = handed;
    if (isLooking || waiting === 0 || longest === undefined) return;
    isLooking = true;
    const leftMs = longest.sinceMs + readMs - performance.now();
    afterOwnTime(Math.max(leftMs, LOOK_MS), () => {
      isLooking = false;
      if (waiting > 0 && leftMs <= LOOK_MS && handed.delete(longest)) longest.drop();
      look();
    });
  }

  function openPlace({ grows = false, isHeld = false }: AnswerOptions = {}): AnswerPlace {
    const wider = within?.open({ grows: true, isHeld });
    let permit: Permit | undefined;
    let grown: Permit | undefined;
    let one: Handed | undefined;
    let held = 0;
    let isClosed = false;
    let last: Promise<void> = Promise.resolve();

    async function takeNext(bytes: number, signal: AbortSignal | undefined): Promise<void> {
      if (permit === undefined) permit = await unlessClosed(permits.take(bytes, WAIT_MS, { signal, isFirst: isHeld }));
      else if (bytes > held && !grows) grown ??= await unlessClosed(growing.take(1, WAIT_MS, { signal }));
      else if (bytes <= held) {
        grown?.();
        grown = undefined;
      }
      if (isClosed) return;
      permit?.(Math.min(bytes, bytesMax));
      held = bytes;
      await wider?.take(Math.min(bytes, bytesMax), signal);
    }

    async function unlessClosed(taking: Promise<Permit>): Promise<Permit | undefined> {
      const taken = await wait(taking);
      if (!isClosed) return taken;
      taken();
      return undefined;
    }

    return {
      take(bytes, signal) {
        const taking = last.then(() => takeNext(bytes, signal));
        last = taking.catch(() => {});
        return taking;
      },
      hand(drop) {
        if (isClosed || permit === undefined || one !== undefined) return;
        handed.add((one = { sinceMs: performance.now(), drop }));
        look();
        wider?.hand(drop);
      },
      close() {
        isClosed = true;
        if (one !== undefined) handed.delete(one);
        permit?.();
        grown?.();
        wider?.close();
      },
    };
  }

  return { open: openPlace };
}

function noRoom(): MarrowError {
  return new MarrowError("unavailable", "this process has no room for so long an answer now (answersBytesMax)", {
    details: { path: "answersBytesMax" },
  });
}
