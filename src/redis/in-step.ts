import type { Socket } from "node:net";
import { Command as IoredisCommand, type Redis as IoredisClient } from "ioredis";
import dataHandler from "ioredis/built/DataHandler.js";
import { outOfStep } from "./failure.ts";

/** What this asks of a client beside its commands, in the version that is pinned. */
type Inner = Pick<IoredisClient, "status"> & {
  readonly stream?: Socket | undefined;
  readonly commandQueue: { readonly length: number; shift(): Item | undefined };
  recoverFromFatalError(command: Error, error: Error, options: { readonly offlineQueue: boolean }): void;
  sendCommand(command: IoredisCommand): unknown;
  [STEP]?: Step;
};

/** A command that waits for its reply. */
interface Item {
  readonly command: Pick<IoredisCommand, "name" | "reject">;
}

/** The part of the client that gives each reply to the oldest command. */
interface Handler {
  readonly redis: Inner;
  readonly dispatch: (this: Handler, act: () => void) => void;
  readonly returnFatalError: (this: Handler, error: Error) => void;
  readonly shiftCommand: (this: Handler, reply: unknown) => Item | null | undefined;
}

/** A reply has no name: once one too many or too few came, each later one is read as another command's. */
const STEP: unique symbol = Symbol("marrow: replies in step");

/** What the replies of a client's connection of this moment were like. */
export interface Steps {
  /** How many commands were answered. */
  readonly answered: number;
  /** Whether a client that is not ready was told the state of the server: it then waits for the end of loading. */
  readonly informed: boolean;
  /** Ends the connection of this moment, because its replies cannot be trusted. */
  end(why: string): void;
}

/**
 * Keeps the replies of a client's connections in step with its commands. A reply that nobody asked for, bytes that are no reply, and a reply
 * that is another command's end the connection at once: its commands fail as those of a lost connection, and the client dials again.
 * A connection that was never without a command in flight for {@link LOOK_MS} is asked for a word that only it can know: the others are in step.
 *
 * `own` says that nobody else listens to the client; one that is not to be `dropped` just ignores what nobody asked for.
 */
export function keepInStep(client: IoredisClient, { own, dropped }: { own: boolean; dropped: boolean }): Steps {
  const inner = client as unknown as Inner;
  return (inner[STEP] ??= new Step(inner, own, dropped));
}

/** How long a connection may have commands in flight before it is asked whether it is in step, in milliseconds. */
const LOOK_MS = 100;
const WORD = "marrow in step ";

class Step implements Steps {
  answered = 0;
  informed = false;
  readonly own: boolean;
  readonly #client: Inner;
  readonly #drops: boolean;
  /** Whether no command was in flight at some time since the last look. */
  #wasEmpty = true;
  /** Whether the last reply left commands without theirs. */
  #left = false;
  #look: NodeJS.Timeout | undefined;
  #ended: Socket | undefined;
  /** Pings that wait for their answers, with the word of each. */
  readonly #pings = new Map<unknown, string>();
  #pinged = 0;

  constructor(client: Inner, own: boolean, drops: boolean) {
    this.#client = client;
    this.own = own;
    this.#drops = drops;
    (client as unknown as IoredisClient).on("connect", () => {
      this.answered = 0;
      this.#left = false;
      this.informed = false;
      this.#pings.clear();
    });
  }

  /** The command that a reply is for. */
  take(reply: unknown): Item | null {
    const { commandQueue, status } = this.#client;
    const item = commandQueue.shift();
    if (item === undefined) {
      this.end("a reply that nobody asked for");
      return null;
    }
    this.answered += 1;
    if (this.#pings.size > 0 && !this.#isRight(item, reply)) {
      const error = this.end("a reply of another command");
      item.command.reject(error);
      return null;
    }
    this.#left = commandQueue.length > 0;
    if (!this.#left) this.#wasEmpty = true;
    else if (this.#look === undefined && this.#drops) this.#lookLater();
    if (status === "connect" && item.command.name === "info") this.informed = true;
    return item;
  }

  /** Ends the connection of this moment; what is left of its replies is read by nobody. */
  end(why: string): Error {
    const error = outOfStep(why);
    const { stream } = this.#client;
    if (!this.#drops || stream === undefined || stream === this.#ended) return error;
    this.#ended = stream;
    this.#client.recoverFromFatalError(error, error, { offlineQueue: false });
    stream.destroy();
    return error;
  }

  /** Whether a ping got its word, and every other command something else. */
  #isRight({ command }: Item, reply: unknown): boolean {
    const word = this.#pings.get(command);
    this.#pings.delete(command);
    // An error tells nothing: a server that is busy or loading refuses a ping. Within a transaction that is open it is queued.
    if (word !== undefined) return reply instanceof Error || [word, "QUEUED"].includes(String(reply));
    return !(reply instanceof Buffer) || reply.length > 2 * WORD.length || !reply.toString("latin1").startsWith(WORD);
  }

  #lookLater(): void {
    const { stream } = this.#client;
    this.#wasEmpty = false;
    this.#look = setTimeout(() => {
      this.#look = undefined;
      if (!this.#left || this.#client.stream !== stream || stream?.destroyed === true) return;
      if (this.#wasEmpty || this.#client.status !== "ready") this.#lookLater();
      else this.#ping();
    }, LOOK_MS);
    this.#look.unref();
  }

  #ping(): void {
    const word = `${WORD}${(this.#pinged += 1)}`;
    const ping = new IoredisCommand("ping", [word]);
    ping.promise.catch(() => {});
    this.#pings.set(ping, word);
    this.#client.sendCommand(ping);
  }
}

/** Node imports the module's exports, a bundler its default export. */
const found = dataHandler as unknown as { readonly default?: unknown };
const { prototype } = (found.default ?? found) as { readonly prototype: Handler };
const { dispatch, returnFatalError, shiftCommand } = prototype;

Object.assign(prototype, {
  shiftCommand(this: Handler, reply: unknown) {
    // The client's own way ends the process at a null that nobody asked for, and repeats any other reply in an error.
    const step = this.redis[STEP];
    return step === undefined ? shiftCommand.call(this, reply ?? "null") : step.take(reply);
  },
  returnFatalError(this: Handler, error: Error) {
    const step = this.redis[STEP];
    if (step === undefined) returnFatalError.call(this, error);
    else step.end("bytes that are no reply");
  },
  dispatch(this: Handler, act: () => void) {
    const step = this.redis[STEP];
    if (step?.own !== true) return dispatch.call(this, act);
    try {
      act();
    } catch {
      // Nothing of Marrow's throws here: the client stumbled over a reply of a shape that it does not expect.
      step.end("a reply of an unexpected shape");
    }
  },
} satisfies Partial<Handler>);
