/** Receives the items of a stream. Its functions do not throw. */
export interface Sink<T> {
  take(item: T): void;
  /** The stream ended. No more calls follow. */
  end(): void;
  /** The stream failed. No more calls follow. */
  fail(error: unknown): void;
}

/** A running push of a stream to a sink. It begins paused. */
export interface Pushing {
  /** Stops items, apart from one that is already on its way. */
  pause(): void;
  resume(): void;
}

/** An iterator that can push, which saves one promise per item. */
export interface Pushable<T> extends AsyncIterator<T, unknown> {
  /** Passes further values to a sink instead of `next`. Call it once, and not during a call of `next`. */
  push?(sink: Sink<T>): Pushing;
}

/** Pushes the items of an iterator, whether it can push itself or not. */
export function pushTo<T>(source: Pushable<T>, sink: Sink<T>): Pushing {
  return source.push?.(sink) ?? pump(source, sink);
}

/** Pushes items that were already read, then the remaining ones. */
export function pushAfter<T>(read: IteratorResult<T, unknown>[], source: Pushable<T>, sink: Sink<T>): Pushing {
  const rest = pushTo(source, sink);
  let [paused, isGiving] = [true, false];

  function give(): void {
    if (isGiving) return;
    isGiving = true;
    const sinceMs = performance.now();
    while (!paused) {
      const next = read.shift();
      if (next === undefined) {
        isGiving = false;
        return rest.resume();
      }
      if (next.done === true) return sink.end();
      sink.take(next.value);
      if (performance.now() - sinceMs < TURN_MS) continue;
      setImmediate(() => {
        isGiving = false;
        give();
      });
      return;
    }
    isGiving = false;
  }

  return {
    pause() {
      paused = true;
      rest.pause();
    },
    resume() {
      paused = false;
      give();
    },
  };
}

/** Longest work on items that were read already in one turn of the event loop, in milliseconds. */
const TURN_MS = 5;

function pump<T>(source: AsyncIterator<T, unknown>, sink: Sink<T>): Pushing {
  let [paused, isRunning, isOver] = [true, false, false];

  async function run(): Promise<void> {
    isRunning = true;
    try {
      while (!paused) {
        const { done, value } = await source.next();
        if (done === true) {
          isOver = true;
          sink.end();
          return;
        }
        sink.take(value);
      }
    } catch (error) {
      isOver = true;
      sink.fail(error);
    } finally {
      isRunning = false;
    }
  }

  return {
    pause: () => void (paused = true),
    resume() {
      paused = false;
      if (!isRunning && !isOver) void run();
    },
  };
}
