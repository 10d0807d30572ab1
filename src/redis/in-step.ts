import type { Socket } from "node:net";
import { Command as IoredisCommand, type Redis as IoredisClient } from "ioredis";
import dataHandler from "ioredis/built/DataHandler.js";
import { outOfStep } from "./failure.ts";
import { mayAnswerText } from "./command-shapes.ts";
import { createTransaction, isQueued, occupied } from "./occupied.ts";
import { afterOwnTime } from "../internal/own-time.ts";

/** Internals of the pinned client version that are used beside its commands. */
type Inner = Pick<IoredisClient, "status"> & {
  readonly stream?: Socket | undefined;
  readonly commandQueue: { readonly length: number; shift(): Item | undefined };
  recoverFromFatalError(command: Error, error: Error, options: { readonly offlineQueue: boolean }): void;
  sendCommand(command: IoredisCommand): unknown;
  [STEP]?: Step;
};

/** A command that waits for its reply. */
interface Item {
  readonly command: Pick<IoredisCommand, "name" | "reject"> & { refuse?(error: Error): void };
}

/** The part of the client that gives each reply to the oldest command. */
interface Handler {
  readonly redis: Inner;
  readonly dispatch: (this: Handler, act: () => void) => void;
  returnReply(reply: unknown): void;
  returnError(error: Error): void;
  readonly returnFatalError: (this: Handler, error: Error) => void;
  readonly shiftCommand: (this: Handler, reply: unknown) => Item | null | undefined;
}

/** A reply has no name: once one too many or too few came, each later one is read as another command's. */
const STEP: unique symbol = Symbol("marrow: replies in step");

/** State of the replies on a client's current connection. */
export interface Steps {
  /** Number of answered commands. */
  readonly answered: number;
  /** Whether a client that is not ready has read the server's state, and so waits for the end of loading. */
  readonly informed: boolean;
  /** Whether the connection is inside a transaction that its owner opened. */
  isOccupied(): boolean;
  /** Ends the current connection, because its replies cannot be trusted. */
  end(why: string): void;
  /**
   * Asks the connection for a word that only it can know, and returns whether the word came in its place: then every reply before it was its
   * command's own. Replies that come meanwhile wait: they are delivered after a proof, and fail without one, which ends the connection.
   */
  prove(): Promise<boolean>;
}

/**
 * Keeps the replies of a client's connections in step with its commands.
 *
 * An unsolicited reply, bytes that are no reply, and a reply that belongs to another command end the connection: its commands fail as on a
 * lost connection, and the client reconnects. A connection with commands in flight for {@link LOOK_MS} without a pause gets a PING with a
 * unique word, which shows that the other replies are in step.
 *
 * `own`: no other code uses the client. Without `dropped`, unsolicited replies are only ignored. With `node`, the client is a node of a cluster, and
 * {@link stepsOf} finds it by a command that it answered.
 */
export function keepInStep(
  client: IoredisClient,
  { own, dropped, node = false }: { own: boolean; dropped: boolean; node?: boolean },
): Steps {
  const inner = client as unknown as Inner;
  return (inner[STEP] ??= new Step(inner, own, dropped, node));
}

/** Returns the steps of the cluster node that answered a command last. */
export function stepsOf(command: object): Steps | undefined {
  return answeredBy.get(command);
}

const answeredBy = new WeakMap<object, Steps>();

/** Time with commands in flight before a connection is checked, in milliseconds. */
const LOOK_MS = 100;
const WORD = "marrow in step ";
const OTHERS = "a reply of another command";
/** Longest wait for a proof, in milliseconds of this process' own time. */
const PROOF_MS = 1_000;

/** A question whether the connection is in step, with the replies that came after it was asked. */
interface Proof {
  readonly stream: Socket;
  readonly ping: object;
  readonly settle: (isProven: boolean) => void;
  readonly outcome: Promise<boolean>;
  readonly held: { readonly item: Item; readonly reply: unknown; readonly handler: Handler }[];
}

class Step implements Steps {
  answered = 0;
  informed = false;
  readonly own: boolean;
  readonly #client: Inner;
  readonly #drops: boolean;
  readonly #isNode: boolean;
  /** Whether no command was in flight at some time since the last look. */
  #wasEmpty = true;
  /** Whether the last reply left commands without theirs. */
  #left = false;
  #look: NodeJS.Timeout | undefined;
  #ended: Socket | undefined;
  /** Pings that wait for their answers, with the word of each. A client may send them again on its next connection. */
  readonly #pings = new Map<unknown, string>();
  #pinged = 0;
  #proof: Proof | undefined;
  readonly #transaction = createTransaction();
  /** Whether the connection was open before its replies were followed, and may be in a transaction whose MULTI was not seen. */
  #mayBeInside: boolean;
  /** The command whose reply was held and is delivered now. */
  #delivered: Item | undefined;
  #delivering = false;

  constructor(client: Inner, own: boolean, drops: boolean, isNode: boolean) {
    this.#client = client;
    this.own = own;
    this.#drops = drops;
    this.#isNode = isNode;
    this.#mayBeInside = client.status === "ready";
    (client as unknown as IoredisClient).on("connect", () => {
      this.answered = 0;
      this.#left = false;
      this.informed = false;
      this.#transaction.forget();
      this.#mayBeInside = false;
    });
    // Its word does not come any more, and what comes on the next connection is not held for it.
    (client as unknown as IoredisClient).on("close", () => this.#conclude(false));
  }

  /** The command that a reply is for. */
  take(reply: unknown, handler: Handler): Item | null {
    const delivered = this.#delivered;
    if (delivered !== undefined) {
      this.#delivered = undefined;
      return delivered;
    }
    const { commandQueue, status } = this.#client;
    const item = commandQueue.shift();
    if (item === undefined) {
      this.end("an unsolicited reply");
      return null;
    }
    this.answered += 1;
    if (this.#isNode) answeredBy.set(item.command, this);
    if (this.#pings.size > 0 && !this.#isRight(item, reply)) {
      const error = this.end(OTHERS);
      item.command.reject(error);
      return null;
    }
    this.#follow(item, reply);
    this.#left = commandQueue.length > 0;
    if (!this.#left) this.#wasEmpty = true;
    else if (this.#look === undefined && this.#drops) this.#lookLater();
    if (status === "connect" && item.command.name === "info") this.informed = true;
    if (this.#proof === undefined) return item;
    if (item.command === this.#proof.ping) this.#conclude(!(reply instanceof Error) && String(reply) !== "QUEUED");
    else {
      this.#proof.held.push({ item, reply, handler });
      return null;
    }
    return item;
  }

  isOccupied(): boolean {
    return this.#transaction.openFor() === "owner";
  }

  /** Follows the open transaction, by the replies in their order, and fails a command of Marrow's that was queued for its owner. */
  #follow({ command }: Item, reply: unknown): void {
    // A refusal does not tell whether a transaction is open.
    if (this.#mayBeInside && !(reply instanceof Error)) {
      this.#mayBeInside = false;
      if (isQueued(reply) && (!mayAnswerText(command.name.toUpperCase()) || !isStored(reply)))
        this.#transaction.note("MULTI", "owner");
    }
    const open = this.#transaction.openFor();
    if (open === "owner" && isQueued(reply)) command.refuse?.(occupied("transaction", { mayHaveRun: true }));
    else if (open !== undefined || isOk(reply))
      this.#transaction.note(command.name, command.refuse === undefined ? "owner" : "marrow");
  }

  prove(): Promise<boolean> {
    // What came before the word of a proof has been proven with it.
    if (this.#delivering) return Promise.resolve(true);
    if (this.#proof !== undefined) return this.#proof.outcome;
    const { stream } = this.#client;
    if (!this.#drops || stream === undefined || stream.destroyed || stream === this.#ended) {
      this.end(OTHERS);
      return Promise.resolve(false);
    }
    const { promise: outcome, resolve: settle } = Promise.withResolvers<boolean>();
    const ping = this.#ping(() => this.#proof?.ping === ping && this.#conclude(false));
    this.#proof = { stream, ping, settle, outcome, held: [] };
    afterOwnTime(PROOF_MS, () => this.#proof?.ping === ping && this.#conclude(false));
    return outcome;
  }

  /** Delivers the replies that were held, or fails their commands and ends the connection. */
  #conclude(isProven: boolean): void {
    const proof = this.#proof;
    if (proof === undefined) return;
    this.#proof = undefined;
    proof.settle(isProven);
    if (!isProven) {
      const isThere = proof.stream === this.#client.stream && !proof.stream.destroyed;
      const error = isThere ? this.end(OTHERS) : outOfStep(OTHERS);
      for (const { item } of proof.held) item.command.reject(error);
      return;
    }
    this.#delivering = true;
    for (const { item, reply, handler } of proof.held) {
      handler.dispatch(() => {
        this.#delivered = item;
        if (reply instanceof Error) handler.returnError(reply);
        else handler.returnReply(reply);
      });
      this.#delivered = undefined;
    }
    this.#delivering = false;
  }

  /** Ends the current connection and discards the rest of its replies. */
  end(why: string): Error {
    const error = outOfStep(why);
    const { stream } = this.#client;
    if (!this.#drops || stream === undefined || stream === this.#ended) return error;
    this.#ended = stream;
    this.#conclude(false);
    this.#client.recoverFromFatalError(error, error, { offlineQueue: false });
    stream.destroy();
    return error;
  }

  /** Whether a ping got its word, and every other command something else. */
  #isRight({ command }: Item, reply: unknown): boolean {
    const word = this.#pings.get(command);
    this.#pings.delete(command);
    // An error proves nothing: a busy or loading server refuses a ping. In an open transaction the ping is queued.
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

  #ping(lost: () => void = () => {}): object {
    const word = `${WORD}${(this.#pinged += 1)}`;
    const ping = new IoredisCommand("ping", [word]);
    ping.promise.catch(() => {
      this.#pings.delete(ping);
      lost();
    });
    this.#pings.set(ping, word);
    this.#client.sendCommand(ping);
    return ping;
  }
}

/** Whether a text was sent with its length, as stored ones are. Replies are parts of what was read, where a line end or nothing is before it. */
function isStored(text: unknown): boolean {
  if (!(text instanceof Buffer) || text.byteOffset === 0) return true;
  return new Uint8Array(text.buffer)[text.byteOffset - 1] === LF;
}

const LF = 0x0a;

function isOk(reply: unknown): boolean {
  return reply instanceof Buffer && reply.length === 2 && reply[0] === 0x4f && reply[1] === 0x4b;
}

/** Node imports the module's exports, a bundler its default export. */
const found = dataHandler as unknown as { readonly default?: unknown };
const { prototype } = (found.default ?? found) as { readonly prototype: Handler };
const { dispatch, returnFatalError, shiftCommand } = prototype;

Object.assign(prototype, {
  shiftCommand(this: Handler, reply: unknown) {
    // The client's own way ends the process at a null that nobody asked for, and repeats any other reply in an error.
    const step = this.redis[STEP];
    if (step === undefined) return shiftCommand.call(this, reply ?? "null");
    const item = step.take(reply, this);
    // The client may send it again instead, as its `reconnectOnError` decides.
    if (reply instanceof Error) item?.command.refuse?.(reply);
    return item;
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
