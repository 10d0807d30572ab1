import type { Subscription } from "./connection.ts";
import { errorWord } from "./failure.ts";

/** An adapter's subscription, on a connection of its own. */
export interface Listening {
  /** Resolves once the server confirmed all channels; rejects if it never can. */
  readonly ready: Promise<void>;
  /** Pings the server on this connection. Returns false if no reply came in time. */
  alive(timeoutMs: number): Promise<boolean>;
  close(): void;
}

/** Interval and timeout of the pings on a subscription's connection, in milliseconds. */
const PING_EVERY_MS = 5_000;
const PING_WAIT_MS = 2_000;

/**
 * Keeps a subscription alive. A connection that only receives does not notice that its peer vanished; so it is pinged every {@link
 * PING_EVERY_MS}, and replaced if no reply comes. Messages sent in between are lost.
 *
 * Resolves once the server confirmed the channels, or after `waitMs` if Redis is unavailable; messages then arrive once Redis is back.
 */
export async function keepSubscribed(open: () => Listening, waitMs: number): Promise<Subscription> {
  const first = Promise.withResolvers<void>();
  first.promise.catch(() => {});
  let closed = false;
  let looking = false;
  let current = begin();

  function begin(): Listening {
    const listening = open();
    // One that was replaced before it was ready fails for nobody; after the first success nobody waits any more.
    listening.ready.then(first.resolve, (error: unknown) => {
      if (listening === current) first.reject(error);
    });
    return listening;
  }

  async function look(): Promise<void> {
    const looked = current;
    if (looking) return;
    looking = true;
    const alive = await looked.alive(PING_WAIT_MS);
    looking = false;
    if (alive || closed) return;
    current = begin();
    looked.close();
  }

  const timer = setInterval(() => void look(), PING_EVERY_MS);
  timer.unref();
  async function close(): Promise<void> {
    closed = true;
    clearInterval(timer);
    current.close();
  }
  let late: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => (late = setTimeout(resolve, waitMs)));
  try {
    await Promise.race([first.promise, waited]).finally(() => clearTimeout(late));
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

/**
 * Returns true if a server answers a command in time. Its errors count as answers (PING is refused after a failed snapshot); errors of the
 * client library do not.
 */
export function answersWithin(command: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const settle = (answered: boolean) => {
      clearTimeout(timer);
      resolve(answered);
    };
    command.then(
      () => settle(true),
      (error: unknown) => settle(error instanceof Error && errorWord(error.message) !== ""),
    );
  });
}
