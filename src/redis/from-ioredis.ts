import { tracingChannel } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { Cluster, Command as IoredisCommand, Redis as IoredisClient } from "ioredis";
import { MarrowError } from "../errors.ts";
import type { Command, Redis } from "./connection.ts";
import { createRedis, type Answered, type Driver, type RedisOptions } from "./driver.ts";
import { classify, errorWord, SILENT } from "./failure.ts";
import { createClusterSend, SearchCommand } from "./ioredis-cluster.ts";
import { isOrdinary, QueuedCommand } from "./ioredis-command.ts";
import { loseWithConnection, OnceCommand } from "./ioredis-once.ts";
import { keepInStep, stepsOf, type Steps } from "./in-step.ts";
import { occupied } from "./occupied.ts";
import { afterOwnTime } from "../internal/own-time.ts";
import { answersWithin, type Listening } from "./subscription.ts";

/**
 * Uses your ioredis 6 client: standalone, Sentinel or Cluster. `close()` leaves it open. Set `enableOfflineQueue: false` and
 * `maxRetriesPerRequest: 0` on it so that commands fail promptly; otherwise they wait for their deadline while Redis is unavailable.
 * @throws MarrowError `invalid_option` if the client reads numbers as strings (`stringNumbers`): scripts answer with numbers
 */
export function fromIoredis(client: IoredisClient | Cluster, options: RedisOptions = {}): Redis {
  const { redisOptions, stringNumbers = redisOptions?.stringNumbers } = (client.options ?? {}) as NumberOptions;
  if (stringNumbers === true)
    throw new MarrowError("invalid_option", "the client's option stringNumbers must be false, got true", {
      details: { path: "client.options.stringNumbers" },
    });
  return createRedis(ioredisDriver(client, { owned: false }), options);
}

/** How a client, or each client of a cluster, reads numbers. */
interface NumberOptions {
  readonly stringNumbers?: boolean;
  readonly redisOptions?: { readonly stringNumbers?: boolean };
}

/** Makes the driver of an ioredis client, which is closed with it if `owned`. */
export function ioredisDriver(client: IoredisClient | Cluster, { owned }: { owned: boolean }): Driver {
  const { isCluster } = client;
  const gather = isCluster ? <T>(send: () => T) => send() : createGathering(client as IoredisClient);
  // Without a retry strategy a client ends with its connection: such a one is its owner's to replace.
  const dialsAgain = () => isCluster || typeof (client as IoredisClient).options?.retryStrategy === "function";
  let lastError: Error | undefined;
  let silent = false;
  let steps: Steps | undefined;
  // A borrowed client without a listener of its owner's would fall silent by one of ours.
  if (owned) client.on("error", (error: Error) => (lastError = error));
  client.on("ready", () => (lastError = undefined));
  client.on("close", () => {
    // A peer that ends a connection by itself is not silent.
    if (lastError === SILENT && !silent) lastError = undefined;
    silent = false;
  });
  /** Ends a connection because its peer answers nothing. */
  function hangUp(stream: Socket): void {
    if (!isCluster) {
      silent = true;
      lastError = SILENT;
    }
    stream.destroy();
  }

  const sendToCluster = isCluster ? createClusterSend(client as Cluster) : undefined;

  function call(command: Command, bytes: boolean): Promise<unknown> {
    if (steps?.isOccupied() === true) return Promise.reject(occupied("transaction"));
    if (sendToCluster !== undefined) return sendToCluster(toClusterCommand(command, bytes));
    const one = new OnceCommand(command, bytes ? BYTES : TEXT);
    return gather(() => client.sendCommand(one) as Promise<unknown>);
  }

  /** The command of a cluster that is being answered: its reply may have to be told from those of others. */
  let answering: IoredisCommand | undefined;
  function askCluster(
    send: (one: OnceCommand) => Promise<unknown>,
    command: Command,
    bytes: boolean,
    answered: Answered,
  ) {
    const one = toClusterCommand(command, bytes);
    send(one).then(
      (reply) => {
        answering = one;
        answered(undefined, reply);
        answering = undefined;
      },
      (error: unknown) => answered(error, undefined),
    );
  }

  function ask(command: Command, bytes: boolean, answered: Answered): void {
    const [verb] = command;
    if (steps?.isOccupied() === true) return answered(occupied("transaction"), undefined);
    // Subscribers of the client's own tracing get every command.
    if (typeof verb === "string" && isOrdinary(verb) && !TRACED.hasSubscribers) {
      const one = new QueuedCommand(command, bytes, answered);
      gather(() => (client as IoredisClient).sendCommand(one as unknown as IoredisCommand));
    } else
      call(command, bytes).then(
        (reply) => answered(undefined, reply),
        (error: unknown) => answered(error, undefined),
      );
  }

  if (isCluster) {
    const keep = (node: IoredisClient) => {
      keepInStep(node, { own: false, dropped: true, node: true });
      loseWithConnection(node);
      hearAsking(node);
    };
    for (const node of (client as Cluster).nodes("all")) keep(node);
    client.on("+node", keep);
  } else {
    steps = keepInStep(client as IoredisClient, { own: owned, dropped: dialsAgain() });
    loseWithConnection(client as IoredisClient);
  }

  const driver: Driver = {
    refusal() {
      if (client.status === "ready") return undefined;
      // The server's latest refusal holds until it accepts the client.
      if (lastError !== undefined && errorWord(lastError.message) !== "") return lastError;
      // A client in this state is loading: it polls the server and reports nothing.
      return client.status === "connect" && steps?.informed === true ? LOADING : lastError;
    },
    call,
    isReady: () => client.status === "ready",
    prove: async () => (await (steps ?? (answering && stepsOf(answering)))?.prove()) ?? false,
    listen: (channels, onMessage, mode) => listen(client, channels, onMessage, mode),
    async dedicate() {
      const own = client.isCluster ? (client as Cluster).duplicate() : (client as IoredisClient).duplicate();
      own.on("error", () => {});
      return ioredisDriver(own, { owned: true });
    },
    async close() {
      if (owned) client.disconnect();
    },
  };
  const suspect = createSuspicion(hangUp, () => {
    if (!dialsAgain()) return [];
    return isCluster ? (client as Cluster).nodes("all") : [client as IoredisClient];
  });
  if (owned && steps !== undefined) {
    readDirectly(client as IoredisClient);
    watchHandshakes(client as IoredisClient, steps, hangUp);
  }
  // A cluster client follows a fail-over by itself, from the MOVED answers of the other nodes.
  if (sendToCluster !== undefined)
    return { ...driver, ask: askCluster.bind(undefined, sendToCluster), suspect, ownerOf: ownersOf(client as Cluster) };
  // A time of the client's own for each command is kept by its own class alone.
  const timed = typeof (client as IoredisClient).options?.commandTimeout === "number";
  return { ...driver, ...(!timed && { ask }), suspect, redial: () => dialsAgain() && client.disconnect(true) };
}

/**
 * Passes data from a client's sockets to its parser at once, which saves about 2 us per reply. The client adds its parser by
 * `prependListener`, which does not start the fast path of Node's streams; adding and removing a listener by `on` does.
 */
function readDirectly(client: IoredisClient): void {
  client.on("connect", () => (client as unknown as Inner).stream?.on("data", unheard).off("data", unheard));
}

function unheard(): void {}

/** The masters of slots. The client keeps them to itself: this reaches for them, in the version that is pinned. */
function ownersOf(cluster: Cluster): (slot: number) => string | undefined {
  const inner = cluster as unknown as { readonly slots: readonly (readonly string[] | undefined)[] };
  return (slot) => inner.slots[slot]?.[0];
}

/** The client's own tracing of commands. */
const TRACED = tracingChannel("ioredis:command");

/** Longest wait for the complete reply to a step of the handshake, in milliseconds. */
const HANDSHAKE_SILENT_MS = 1_500;

/** A new connection may meet a silent peer too, and nothing waits for the answers of its handshake with a deadline. */
function watchHandshakes(client: IoredisClient, steps: Steps, hangUp: (stream: Socket) => void): void {
  client.on("connect", () => {
    const { stream } = client as unknown as Inner;
    if (stream !== undefined) look(stream, steps.answered);
  });
  function look(stream: Socket, answered: number): void {
    afterOwnTime(HANDSHAKE_SILENT_MS, () => {
      if (stream.destroyed || client.status !== "connect") return;
      if (steps.answered === answered) hangUp(stream);
      else look(stream, steps.answered);
    });
  }
}

/** Members of a client that are used beside its commands. */
type Inner = Pick<IoredisClient, "status"> & {
  readonly stream?: Socket | undefined;
  /** Commands that wait for their answers, the oldest in front. */
  readonly commandQueue?: { readonly length: number; peekFront(): unknown } | undefined;
};

/** Bytes of one large answer that is on its way: a connection that brings so many is no silent one. */
const LARGE_ANSWER_BYTES = 1_048_576;

/**
 * Drops connections that owe an answer and answer no command. Bytes alone are no answer: a connection that is out of step swallows them. Each is
 * dropped as if the network had reported its end, and its client dials again as it is set to.
 */
function createSuspicion(
  hangUp: (stream: Socket) => void,
  connections: () => readonly IoredisClient[],
): (silentMs: number) => void {
  let watching = false;
  return (silentMs) => {
    if (watching) return;
    watching = true;
    const owing = connections().flatMap((client) => {
      const { stream, commandQueue } = client as unknown as Inner;
      if (stream === undefined || stream.destroyed || (commandQueue?.length ?? 0) === 0) return [];
      return [{ stream, commandQueue, oldest: commandQueue?.peekFront(), bytesRead: stream.bytesRead }];
    });
    afterOwnTime(silentMs, () => {
      watching = false;
      for (const { stream, commandQueue, oldest, bytesRead } of owing) {
        const answered = commandQueue?.peekFront() !== oldest;
        if (!answered && stream.bytesRead - bytesRead < LARGE_ANSWER_BYTES) hangUp(stream);
      }
    });
  };
}

/** Commands in one write: with more the server would wait for the last of them before it begins with the first. */
const GATHERED_MAX = 16;

/**
 * Combines commands into few socket writes, to save system calls. Commands of one microtask phase leave at its end; a single one leaves at
 * once if the phases before had one each. While turns of the event loop have several such phases, all of a turn leave together. No command
 * waits for others that may not come.
 */
function createGathering(client: IoredisClient): <T>(send: () => T) => T {
  let corked: Socket | undefined;
  /** Commands in this write, and in this moment; moments with commands in this turn. */
  let gathered = 0;
  let together = 0;
  let moments = 0;
  let lone = false;
  let busy = false;

  function write(): void {
    const stream = corked;
    corked = undefined;
    gathered = 0;
    stream?.uncork();
  }

  function endMoment(): void {
    lone = together === 1;
    together = 0;
    if (!busy) write();
  }

  function endTurn(): void {
    busy = moments > 1;
    moments = 0;
    write();
  }

  function begin(): void {
    if (moments === 0) setImmediate(endTurn);
    moments += 1;
    process.nextTick(endMoment);
  }

  return (send) => {
    together += 1;
    if (together === 1 && lone && !busy) {
      const sent = send();
      begin();
      return sent;
    }
    if (together === 1) begin();
    if (corked === undefined) {
      corked = client.stream as Socket | undefined;
      corked?.cork();
    } else if (gathered % GATHERED_MAX === 0) {
      corked.uncork();
      corked.cork();
    }
    gathered += 1;
    return send();
  };
}

/**
 * A cluster client sends ASKING to a node before the command that was redirected there, and nobody hears its failure, which would end the
 * process. The command behind it fails for the same reason.
 */
function hearAsking(node: IoredisClient): void {
  const asking = node.asking.bind(node) as (...given: unknown[]) => Promise<"OK">;
  node.asking = (...given: unknown[]) => {
    const asked = asking(...given);
    asked.catch(() => {});
    return asked;
  };
}

const LOADING = new Error("LOADING Redis is loading the dataset in memory");
const TEXT = { replyEncoding: "utf8" as const };
const BYTES = { replyEncoding: null };

function toClusterCommand(command: Command, bytes: boolean): OnceCommand {
  const verb = String(command[0]);
  const isSearch = verb.startsWith("FT.") && !verb.startsWith("FT._");
  return new (isSearch ? SearchCommand : OnceCommand)(command, bytes ? BYTES : TEXT);
}

type Mode = "channel" | "pattern" | "sharded";

/** Delay before a refused subscription is retried, in milliseconds. */
const SUBSCRIBE_AGAIN_MS = 250;

function listen(
  client: IoredisClient | Cluster,
  channels: readonly string[],
  onMessage: (channel: string, message: string) => void,
  mode: Mode,
): Listening {
  const listener = client.isCluster
    ? (client as Cluster).duplicate([], { enableOfflineQueue: true, shardedSubscribers: mode === "sharded" })
    : // The client's own resubscribing rejects where nobody listens when Redis refuses it, which would end the process.
      (client as IoredisClient).duplicate({
        autoResubscribe: false,
        autoResendUnfulfilledCommands: false,
        lazyConnect: false,
      });
  const ready = Promise.withResolvers<void>();
  let closed = false;
  listener.on("error", () => {});
  // An exception in a message handler must not end the connection.
  const hear = (channel: string, message: string) => {
    try {
      onMessage(channel, message);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
  if (mode === "pattern")
    listener.on("pmessage", (_: string, channel: string, message: string) => hear(channel, message));
  else listener.on(mode === "sharded" ? "smessage" : "message", hear);

  async function subscribe(): Promise<void> {
    if (mode === "pattern") await listener.psubscribe(...channels);
    // Shards are found by channel: one at a time.
    else if (mode === "sharded") for (const channel of channels) await listener.ssubscribe(channel);
    else await listener.subscribe(...channels);
  }

  function begin(): void {
    subscribe().then(ready.resolve, (error: unknown) => {
      if (classify(error, true).kind === "final") ready.reject(error);
      else if (!closed && listener.status === "ready") setTimeout(begin, SUBSCRIBE_AGAIN_MS).unref();
    });
  }

  // A cluster client subscribes again by itself.
  if (client.isCluster) begin();
  else {
    const steps = keepInStep(listener as IoredisClient, { own: true, dropped: true });
    listener.on("ready", begin);
    readDirectly(listener as IoredisClient);
    watchHandshakes(listener as IoredisClient, steps, (stream) => stream.destroy());
  }
  return {
    ready: ready.promise,
    async alive(timeoutMs) {
      const lines = client.isCluster ? subscribersOf(listener as Cluster, mode) : [listener as IoredisClient];
      const signs = await Promise.all(lines.map((line) => answersWithin(line.ping(), timeoutMs)));
      return lines.length > 0 && signs.every(Boolean);
    },
    close() {
      closed = true;
      for (const event of ["message", "pmessage", "smessage"]) listener.removeAllListeners(event);
      listener.disconnect();
    },
  };
}

/** The connections of a cluster client that listen. The client keeps them to itself: this reaches for them, in the version that is pinned. */
function subscribersOf(cluster: Cluster, mode: Mode): readonly IoredisClient[] {
  interface Holder {
    getInstance?(): IoredisClient | null;
  }
  const inner = cluster as unknown as {
    readonly subscriber?: Holder;
    readonly shardedSubscribers?: { readonly shardedSubscribers?: ReadonlyMap<string, Holder> };
  };
  const holders =
    mode === "sharded" ? [...(inner.shardedSubscribers?.shardedSubscribers?.values() ?? [])] : [inner.subscriber];
  return holders.flatMap((one) => one?.getInstance?.() ?? []).filter(({ status }) => status === "ready");
}
