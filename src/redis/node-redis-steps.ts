import { outOfStep } from "./failure.ts";

/** One connection of a client of node-redis. */
export interface PlainClient {
  readonly isReady: boolean;
  sendCommand(args: string[]): Promise<unknown>;
  once(event: "ready" | "end", listener: () => void): unknown;
}

/** Follows the commands that are on their way over a client. */
export interface StepWatch {
  begin(): void;
  /** @throws Error when the reply cannot be that of its command */
  end(reply?: unknown): void;
}

/** How long a client may have commands in flight before it is asked whether it is in step, in milliseconds. */
const LOOK_MS = 100;
const WORD = "marrow in step ";

/**
 * Watches whether replies are those of their commands, as `in-step.ts` does for ioredis, from outside of the client: one that was never without a
 * command in flight for {@link LOOK_MS} is asked, on each of its connections, for a word that only it can know.
 */
export function watchSteps(
  connections: () => readonly Pick<PlainClient, "sendCommand">[],
  onOutOfStep: () => void,
): StepWatch {
  let inFlight = 0;
  let wasEmpty = true;
  let looking = false;
  let pings = 0;
  let pinged = 0;

  function lookLater(): void {
    looking = true;
    wasEmpty = false;
    setTimeout(() => {
      looking = false;
      if (inFlight === 0) return;
      if (wasEmpty) lookLater();
      else for (const connection of connections()) void ping(connection);
    }, LOOK_MS).unref();
  }

  async function ping(connection: Pick<PlainClient, "sendCommand">): Promise<void> {
    const word = `${WORD}${(pinged += 1)}`;
    pings += 1;
    try {
      const reply = await connection.sendCommand(["PING", word]);
      // Within a transaction that is open it is queued.
      if (reply !== word && reply !== "QUEUED") onOutOfStep();
    } catch {
      // An error tells nothing: a server that is busy or loading refuses a ping.
    } finally {
      pings -= 1;
    }
  }

  return {
    begin() {
      inFlight += 1;
      if (!looking && pings === 0) lookLater();
    },
    end(reply) {
      inFlight -= 1;
      if (inFlight === 0) wasEmpty = true;
      const isText = typeof reply === "string" || Buffer.isBuffer(reply);
      if (pings === 0 || !isText || reply.length > 2 * WORD.length || !String(reply).startsWith(WORD)) return;
      onOutOfStep();
      throw outOfStep("a reply of another command");
    },
  };
}

/**
 * Ends a connection by asking the server to, which is the one way that leaves its client as it is: the client dials again, with its
 * subscriptions. Resolves once it is ready again, has ended for good, or did neither in time.
 */
export function endConnection(connection: PlainClient, waitMs: number): Promise<void> {
  if (!connection.isReady) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs);
    const over = () => {
      clearTimeout(timer);
      resolve();
    };
    connection.once("ready", over);
    connection.once("end", over);
    connection.sendCommand(["QUIT"]).catch(() => {});
  });
}
