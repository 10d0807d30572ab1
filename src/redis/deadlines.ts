/** A wait that {@link createDeadlines} watches. */
export interface Wait {
  /** Whether the reply came, or the time is over. */
  readonly over: boolean;
  /** Ends the wait. It is dropped at the next check, and until then holds nothing of what waited. */
  end(): void;
}

class Entry implements Wait {
  over = false;
  readonly dueMs: number;
  expire: (() => void) | undefined;

  constructor(dueMs: number, expire: () => void) {
    this.dueMs = dueMs;
    this.expire = expire;
  }

  end(): void {
    this.over = true;
    this.expire = undefined;
  }
}

/** Interval at which deadlines are checked, in milliseconds: a timeout may be noticed this much late. */
export const DEADLINE_TICK_MS = 20;

/**
 * Watches many short waits with one timer. Waits of one length end in the order they began, so one queue per length is enough, and a
 * command costs two field writes instead of a timer. A wait ends only after the event loop read what had arrived: after a stretch in which it
 * did not turn, replies that came in time count.
 */
export function createDeadlines(): (startMs: number, lengthMs: number, expire: () => void) => Wait {
  const queues = new Map<number, Entry[]>();
  let timer: NodeJS.Timeout | undefined;

  function look(nowMs: number): void {
    let waiting = false;
    for (const [lengthMs, queue] of queues) {
      let passed = 0;
      for (const entry of queue) {
        if (!entry.over && entry.dueMs > nowMs) break;
        passed += 1;
        const { expire } = entry;
        entry.end();
        expire?.();
      }
      if (passed === queue.length) queues.delete(lengthMs);
      else {
        queue.splice(0, passed);
        waiting = true;
      }
    }
    if (waiting || timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
  }

  return (startMs, lengthMs, expire) => {
    const entry = new Entry(startMs + lengthMs, expire);
    const queue = queues.get(lengthMs);
    if (queue === undefined) queues.set(lengthMs, [entry]);
    else queue.push(entry);
    timer ??= setInterval(() => setImmediate(look, performance.now()), DEADLINE_TICK_MS);
    return entry;
  };
}
