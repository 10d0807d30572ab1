import { setMaxListeners } from "node:events";
import { Server, Socket } from "node:net";
import { setImmediate as ownTurn, setTimeout as pause } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { asksForWebSocket } from "./upgrades.ts";

/** Ends a stopping gateway's work in order. */
export interface Draining {
  /** Fires when the gateway begins to stop: readiness ends, and no more jobs are taken. */
  readonly signal: AbortSignal;
  /** Begins: all further responses tell their clients to close the connection. May be called any number of times. */
  begin(): void;
  /** Returns at most so many connections that no request needs, the longest idle ones first. */
  idle(this: void, countMax: number): readonly Socket[];
  /** Counts work as unfinished until it ends, even if nothing awaits it. */
  track(work: Promise<unknown>): void;
  /**
   * Closes the port, waits until every request and all counted work have ended, and closes idle connections meanwhile. Resolves with false
   * if anything was cut off after `withinMs`.
   */
  finish(withinMs: number): Promise<boolean>;
}

/** One connection, as its requests left it. */
interface Connection {
  /** Requests under way. */
  open: number;
  idleSinceMs: number;
  /** Bytes that had arrived when it became idle: more of them are the beginning of a request. */
  bytesRead: number;
}

/**
 * Idle time after which a connection is closed, in milliseconds. A pooled client may be sending its next request; that is still answered,
 * with `connection: close`.
 */
const IDLE_MS = 500;
/** The same for a connection on which nothing ever came: its first request may be on its way. */
const FRESH_MS = 2_000;
const LOOK_MS = 20;
/** Time after which a connection whose next request has come in part counts as idle where others need its place. */
const PART_MS = 5_000;
/** Tracked connections from which closed ones are pruned. */
const CONNECTIONS_MIN = 256;

/** Tracks an application's connections and requests. Call it before any other hook is added. */
export function watchRequests(app: FastifyInstance): Draining {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  // Closed ones are forgotten now and then: a listener on each socket would have V8 keep the garbage of its requests for long.
  const connections = new Map<Socket, Connection>();
  let pruneAbove = CONNECTIONS_MIN;
  const answers = new Set<{ headersSent: boolean; shouldKeepAlive: boolean }>();
  let working = 0;

  /** Drops closed connections; returns how many remain. */
  function prune(): number {
    for (const socket of connections.keys()) if (socket.closed) connections.delete(socket);
    return connections.size;
  }

  function connectionOf(socket: Socket): Connection {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const made = { open: 0, idleSinceMs: performance.now(), bytesRead: socket.bytesRead };
    connections.set(socket, made);
    if (connections.size > pruneAbove) pruneAbove = Math.max(CONNECTIONS_MIN, 2 * prune());
    return made;
  }

  app.server.on("connection", connectionOf);
  app.server.on("upgrade", (request, socket) => {
    // A WebSocket has its own end; until then it is a request under way.
    if (asksForWebSocket(request) && socket instanceof Socket && !socket.destroyed) connectionOf(socket).open += 1;
  });
  app.addHook("onRequest", ({ raw: { socket } }, { raw }, done) => {
    // Internal requests have no socket; their sender awaits them.
    if (!(socket instanceof Socket) || socket.destroyed) return done();
    const connection = connectionOf(socket);
    connection.open += 1;
    answers.add(raw);
    if (stopping.signal.aborted) raw.shouldKeepAlive = false;
    raw.once("close", () => {
      answers.delete(raw);
      connection.open -= 1;
      connection.idleSinceMs = performance.now();
      connection.bytesRead = socket.bytesRead;
    });
    done();
  });

  const end = () => void (working -= 1);
  function track(work: Promise<unknown>): void {
    working += 1;
    work.then(end, end);
  }
  app.addHook("onRoute", (route) => {
    const { handler } = route;
    route.handler = function handle(request, reply) {
      const answering: unknown = handler.call(this, request, reply);
      if (answering instanceof Promise) track(answering);
      return answering;
    };
  });

  /** Whether no request needs a connection now; `partMs`: the time that one has to come. */
  function isIdle(
    socket: Socket,
    { open, idleSinceMs, bytesRead }: Connection,
    nowMs: number,
    partMs: number,
  ): boolean {
    const graceMs = socket.bytesRead !== bytesRead ? partMs : bytesRead === 0 ? FRESH_MS : IDLE_MS;
    return open === 0 && !socket.destroyed && nowMs - idleSinceMs >= graceMs;
  }

  function closeIdle(): void {
    const nowMs = performance.now();
    for (const [socket, connection] of connections) if (isIdle(socket, connection, nowMs, Infinity)) socket.destroy();
  }

  return {
    signal: stopping.signal,
    track,

    idle(countMax) {
      const nowMs = performance.now();
      const found = [...connections].filter(([socket, connection]) => isIdle(socket, connection, nowMs, PART_MS));
      return found
        .toSorted(([, a], [, b]) => a.idleSinceMs - b.idleSinceMs)
        .slice(0, countMax)
        .map(([socket]) => socket);
    },

    begin() {
      stopping.abort();
      for (const answer of answers) if (!answer.headersSent) answer.shouldKeepAlive = false;
    },

    async finish(withinMs) {
      const untilMs = performance.now() + withinMs;
      // Accept waiting connections first: closing the port would reset them.
      await ownTurn();
      // Node's own close of an HTTP server also closes connections that have been idle for no time at all.
      if (app.server.listening) Server.prototype.close.call(app.server);
      while (prune() > 0 || working > 0) {
        closeIdle();
        if (performance.now() >= untilMs) break;
        await pause(LOOK_MS);
        // Read data that arrived while the event loop was busy, before deciding which connections are idle.
        await ownTurn();
      }
      const isWhole = working === 0 && [...connections.values()].every(({ open }) => open === 0);
      for (const socket of connections.keys()) socket.destroy();
      return isWhole;
    },
  };
}
