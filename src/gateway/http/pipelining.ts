// oxlint-disable no-underscore-dangle -- Node keeps there whether its server reads a connection.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createTurnPacer, ownTurn } from "../../internal/time-slice.ts";
import { endAfterAnswer, isBehindLast, isTooLate } from "./answers-before.ts";

/** Requests of one connection that are served beside the first one, and those that may wait before the connection is read no further. */
const BEGUN_MAX = 4;
const WAITING_MAX = 16;

/** Requests that a client sent before it had the answer to the one before. */
interface Line {
  begun: number;
  readonly waiting: (() => void)[];
  /** Their responses that have not closed. */
  readonly open: Set<ServerResponse>;
}

/** Properties that Node's server sets on a paused socket. */
type Paused = Socket & { _paused?: boolean; readonly parser?: { resume(): void } | null };

/**
 * Starts requests that come at once on many connections over several turns of the event loop, and pipelined requests of one connection a few
 * at a time, each in its own turn; Node would start thousands at once. Single requests are not delayed.
 */
export function paceRequests(server: Server): void {
  const handlers = server.listeners("request") as ((request: IncomingMessage, response: ServerResponse) => void)[];
  const lines = new WeakMap<Socket, Line>();
  const pace = createTurnPacer();
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    if (isTooLate(request, response)) return;
    if (isDoubtful(request)) endAfterAnswer(request, response);
    const serve = () => {
      for (const handler of handlers) handler.call(server, request, response);
    };
    // An answer has its socket unless it waits for the one before.
    if (response.socket !== null)
      return pace(() => {
        // A closed connection needs no response.
        if (!request.destroyed) serve();
      });
    const socket = request.socket as Paused;
    let line = lines.get(socket);
    if (line === undefined) lines.set(socket, (line = openLine(socket)));
    const { waiting, open } = line;
    open.add(response);
    response.once("close", () => open.delete(response));
    waiting.push(() => {
      response.once("close", () => {
        line.begun -= 1;
        beginNext(socket, line);
      });
      // Behind the requests before it: one of them may be the last of its connection.
      pace(() => {
        if (!socket.destroyed && !isBehindLast(request, response)) serve();
      });
    });
    beginNext(socket, line);
    if (waiting.length < WAITING_MAX || socket._paused === true) return;
    socket._paused = true;
    socket.pause();
  });
}

/** Whether servers of HTTP/1.0 may find another end of this request: they know no chunks. */
function isDoubtful({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion !== "1.1" && headers["transfer-encoding"] !== undefined;
}

function openLine(socket: Socket): Line {
  const line: Line = { begun: 0, waiting: [], open: new Set() };
  // Node closes these responses itself, but not behind a request that takes the connection off its parser: a handshake, or CONNECT.
  socket.once("close", () => {
    for (const response of line.open) response.destroy();
  });
  return line;
}

function beginNext(socket: Paused, line: Line): void {
  while (line.begun < BEGUN_MAX) {
    const [begin] = line.waiting.splice(0, 1);
    if (begin === undefined) break;
    line.begun += 1;
    void ownTurn().then(() => {
      // A closed connection needs no responses.
      if (!socket.destroyed) begin();
    });
  }
  if (line.waiting.length >= WAITING_MAX / 2 || socket._paused !== true) return;
  socket._paused = false;
  socket.parser?.resume();
  socket.resume();
}
