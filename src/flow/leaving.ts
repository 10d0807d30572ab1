/** What becomes of an answer when its client leaves. */
export interface Leaving {
  /** Ends the model's call. */
  readonly signal: AbortSignal;
  /** Whether the call was ended because nobody wants the answer any more: it failed nobody. */
  readonly cancelled: boolean;
  /** The client left. Any number of times. */
  leave(): void;
  /** Looks again whether anybody wants the rest: who read along may be gone since. */
  check(): void;
  /** Ends the model's call, whoever wants its answer. */
  giveUp(): void;
  /** The answer is there, or broke: nothing is to be waited for. */
  close(): void;
}

/** Tells that a client left: a signal, or what can be listened to like one. */
export interface Departure {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What a call holds whose client left. */
export interface Departed {
  /** Whether its place is free for others. False: there are as many calls without a client as there are places, so it keeps its own. */
  readonly isFree: Promise<boolean>;
  /** The call is over. */
  end(): void;
}

/** Who wants an answer beside its client. */
export interface LeavingOptions {
  /** Fires when the client left. */
  readonly gone?: Departure | undefined;
  /** Takes the answer beside its client: somebody who asks for it later, or only the cache, which does so while there is room. */
  readonly wanted: "later" | "cache" | undefined;
  /** Other requests read along. */
  readonly lead?: { readonly followed: Promise<void>; deserted(): boolean } | undefined;
  /** Gives back what a client holds that is there: its place among streams, if there is room for a call without a client. Once. */
  readonly onLeft: () => Departed;
  /** How long an answer is read on that is wanted, in milliseconds. */
  readonly drainMs: number;
}

/**
 * Watches over one answer. When its client leaves, its place is free at once where there is room for a call without a client. The model's call goes on while somebody wants the answer, for
 * at most `drainMs`, and is ended when nobody does.
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
    // Whoever reads along since just now is heard of a moment later.
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
