import type { Cluster } from "ioredis";
import type { Argument, Command } from "./connection.ts";
import { errorWord } from "./failure.ts";
import { CLOSED, OnceCommand, type How } from "./ioredis-once.ts";
import { routingKey } from "./routing.ts";

/** Routes search commands to the node of their documents: the client sees no key in them and would pick any node. */
export class SearchCommand extends OnceCommand {
  readonly #key: string | Buffer;

  constructor(command: Command, how: How) {
    super(command, how);
    const key: Argument = routingKey(command) ?? "";
    this.#key = typeof key === "string" ? key : Buffer.from(key);
  }

  override getKeys(): (string | Buffer)[] {
    return [this.#key];
  }
}

/** Shortest time between two requests for the slots, in milliseconds. */
const REFRESH_MS = 100;

/**
 * Makes the function that sends commands by a cluster client, which follows MOVED and ASK. The client would also repeat a command that a node
 * does not serve now (TRYAGAIN, CLUSTERDOWN) for seconds, at any node, and one whose connection was lost although it may have run. Such
 * failures reject here, because the driver decides what is repeated and for how long; the client then asks where the slots are.
 */
export function createClusterSend(cluster: Cluster): (command: OnceCommand) => Promise<unknown> {
  let refreshedMs = -Infinity;

  function refresh(): void {
    const nowMs = performance.now();
    if (nowMs - refreshedMs < REFRESH_MS) return;
    refreshedMs = nowMs;
    cluster.refreshSlotsCache();
  }

  return (command) => {
    const settle = command.reject;
    cluster.sendCommand(command);
    // The client's own, which decides about redirections.
    const redirect = command.reject;
    command.reject = (error: Error) => {
      const word = errorWord(error.message);
      if (isRedirection(word)) command.isWritten = false;
      const isAway = word === "CLUSTERDOWN" || error.message === CLOSED;
      if (isAway) refresh();
      if (isAway || word === "TRYAGAIN") settle(error);
      else redirect.call(command, error);
    };
    // The client follows a redirection, which must reach it once.
    command.refuse = (error) => {
      if (!isRedirection(errorWord(error.message))) command.reject(error);
    };
    return command.promise as Promise<unknown>;
  };
}

function isRedirection(word: string): boolean {
  return word === "MOVED" || word === "ASK";
}
