/** Decides what happens to an answer when its client disconnects. */
export interface Leaving {
  /** Aborts the model call. */
  readonly signal: AbortSignal;
  /** Whether the call was ended because nobody needs the answer any more; it is not a failure. */
  readonly cancelled: boolean;
  /** Reports that the client left. May be called any number of times. */
  leave(): void;
  /** Checks again whether the rest is needed, since followers may have left. */
  check(): void;
  /** Ends the model call even if its answer is needed. */
  giveUp(): void;
  /** Reports that the answer is complete or failed, so that waiting ends. */
  close(): void;
}

/** Signals that a client left: an `AbortSignal`, or any object with the same listener methods. */
export interface Departure {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
  /** Calls a listener once the client has all of the answer, or left. Absent where that is not known. */
  onEnd?(listener: () => void): void;
  /** Closes the client's connection. */
  drop?(): void;
}

/** The slot of a call whose client left. */
export interface Departed {
  /** Resolves to true if its slot is free for others; false if as many calls without a client exist as slots, so that it keeps its own. */
  readonly isFree: Promise<boolean>;
  /** Ends the call. */
  end(): void;
}

/** Parties that need an answer besides its client. */
export interface LeavingOptions {
  /** Fires when the client leaves. */
  readonly gone?: Departure | undefined;
  /** Another use of the answer: by a later reader, or only by the cache, which continues a call only within its bound. */
  readonly wanted: "later" | "cache" | undefined;
  /** Followers of the answer. */
  readonly lead?: { readonly followed: Promise<void>; deserted(): boolean } | undefined;
  /** Releases the client's concurrency slot, if there is space for a call without a client. Called once. */
  readonly onLeft: () => Departed;
  /** Time that a needed answer is read on, in milliseconds. */
  readonly drainMs: number;
}

/**
 * Watches one answer. When its client leaves, its slot is released at once if there is space for a call without a client. The model call
 * continues for at most `drainMs` while the answer is needed, and is ended otherwise.
 */
export function createLeaving({ gone, wanted: given, lead, onLeft, drainMs }: LeavingOptions): Leaving {
  const ended = new AbortController();
  let [left, closed, followed] = [false, false, false];
  let wanted = given;
  let departed: Departed | undefined;
  let late: NodeJS.Timeout | undefined;
  void lead?.followed.then(() => (followed = true));

  function leave(): void {
    if (left || closed) return;
    left = true;
    departed = onLeft();
    void departed.isFree.then((isFree) => {
      if (isFree || wanted !== "cache") return;
      wanted = undefined;
      check();
    });
    // A follower that just joined is only visible a moment later.
    queueMicrotask(check);
    late = setTimeout(() => ended.abort(), drainMs);
    late.unref();
  }

  function check(): void {
    if (!left || closed || leaving.cancelled || wanted !== undefined || (followed && lead?.deserted() === false))
      return;
    leaving.cancelled = true;
    ended.abort();
  }

  const leaving = {
    signal: ended.signal,
    cancelled: false,
    leave,
    check,
    giveUp: () => ended.abort(),
    close() {
      if (!closed) departed?.end();
      closed = true;
      clearTimeout(late);
      gone?.removeEventListener("abort", leave);
    },
  };
  if (gone?.aborted === true) leave();
  else gone?.addEventListener("abort", leave, { once: true });
  return leaving;
}
