import { classify } from "./failure.ts";

/** A connection to the master that a Sentinel client of node-redis lends. */
interface Lent {
  sendCommand(args: readonly (string | Buffer)[], options: object): Promise<unknown>;
}

/** Runs something on a connection to the master. The client does not document it. */
const EXECUTE = "_execute";

/** Members of a Sentinel client of node-redis that are used here. */
export interface SentinelSender {
  readonly commandOptions?: object | undefined;
  sendCommand(isReadonly: boolean, args: (string | Buffer)[], options: object): Promise<unknown>;
  [EXECUTE]?(isReadonly: boolean, run: (node: Lent) => Promise<unknown>): Promise<unknown>;
}

/** Holds an error that the client must not see. */
class Hidden {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/**
 * Sends a command to the master. When the connection is lost before the reply, the client itself would send the command to the next master,
 * although it may have run. It does so only for an `Error`, so that one is hidden from it unless the command certainly did not run.
 */
export async function sendToMaster(
  client: SentinelSender,
  args: (string | Buffer)[],
  options: object,
): Promise<unknown> {
  if (client[EXECUTE] === undefined) return client.sendCommand(false, args, options);
  const all = { ...client.commandOptions, ...options };
  try {
    return await client[EXECUTE](false, async (node) => {
      try {
        return await node.sendCommand(args, all);
      } catch (error) {
        const { kind } = classify(error, true);
        throw kind === "not_run" || kind === "not_sent" ? error : new Hidden(error);
      }
    });
  } catch (thrown) {
    throw thrown instanceof Hidden ? thrown.error : thrown;
  }
}
