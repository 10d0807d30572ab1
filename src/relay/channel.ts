/** Outcome of a followed output: complete, failed, or abandoned because its producer is gone. */
export type Outcome =
  | { readonly kind: "whole" }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "left" };

/** An output under construction: one producer adds parts, any number of readers read from the first part on. */
export interface Channel<T> {
  readonly parts: readonly T[];
  /** Number of current readers. */
  readonly followers: number;
  /** Whether anybody has ever read it, and a promise of the first reader. */
  readonly wasRead: boolean;
  readonly firstRead: Promise<void>;
  /** Records a reader in another process. */
  noteReader(): void;
  readonly outcome: Outcome | undefined;
  /** Adds a part. Before the first reader, `fold` may merge it into the last part; it returns whether it did. */
  add(part: T, fold?: (last: T, part: T) => boolean): void;
  /** Merges data into the last part before the first reader; returns whether `into` did. */
  fold(into: (last: T) => boolean): boolean;
  /** Ends the output; only the first call counts. */
  end(outcome: Outcome): void;
  /** Releases its parts after the end. Readers that have not finished get the outcome. */
  clear(): void;
  /** Reads all parts, including later ones; returns the outcome. @throws the signal's reason */
  read(signal?: AbortSignal): AsyncGenerator<T, Outcome>;
}

/** Makes a channel within this process. */
export function createChannel<T>(): Channel<T> {
  const parts: T[] = [];
  const sleepers = new Set<() => void>();
  const { promise: firstRead, resolve: onFirstRead } = Promise.withResolvers<void>();

  function wakeAll(): void {
    for (const wake of sleepers) wake();
    sleepers.clear();
  }

  function noteReader(): void {
    channel.wasRead = true;
    onFirstRead();
  }

  function change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        sleepers.delete(wake);
        reject(signal?.reason);
      };
      sleepers.add(wake);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  const channel: { -readonly [K in keyof Channel<T>]: Channel<T>[K] } = {
    parts,
    firstRead,
    noteReader,
    followers: 0,
    wasRead: false,
    outcome: undefined,
    add(part, fold) {
      if (channel.outcome !== undefined) return;
      if (fold !== undefined && channel.fold((last) => fold(last, part))) return;
      parts.push(part);
      wakeAll();
    },
    fold(into) {
      const last = parts.at(-1);
      return channel.outcome === undefined && !channel.wasRead && last !== undefined && into(last);
    },
    end(as) {
      channel.outcome ??= as;
      wakeAll();
    },
    clear() {
      parts.length = 0;
    },
    async *read(signal) {
      channel.followers += 1;
      noteReader();
      try {
        for (let at = 0; ; at += 1) {
          while (at >= parts.length) {
            if (channel.outcome !== undefined) return channel.outcome;
            signal?.throwIfAborted();
            await change(signal);
          }
          yield parts[at] as T;
        }
      } finally {
        channel.followers -= 1;
      }
    },
  };
  return channel;
}
