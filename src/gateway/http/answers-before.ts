// oxlint-disable no-underscore-dangle -- Node keeps there which response a connection is writing.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A connection of Node's HTTP server: the response to its oldest unanswered request, and the request that its parser reads. */
export type Connection = Socket & {
  readonly _httpMessage?: ServerResponse | null;
  readonly parser?: { readonly incoming?: IncomingMessage | null } | null;
};

/** Connections that end once their requests so far are answered. */
const ending = new WeakSet<Socket>();
/** Connections whose last request has come, although it is still answered like any other. */
const closing = new WeakSet<Socket>();
/** Connections whose last request was found while it was served: others behind it may have come before. */
const closed = new WeakSet<Socket>();
/** Responses to requests that came on a connection of any such kind. They are never written. */
const late = new WeakSet<ServerResponse>();

/** Calls a function once a connection has closed, or has no answer to write, or its next answer is one that `isNone` passes over. */
export function afterAnswers(
  socket: Connection,
  then: (next: ServerResponse | undefined) => void,
  isNone: (answer: ServerResponse) => boolean = () => false,
): void {
  look();

  function look(): void {
    const { _httpMessage: answer } = socket;
    if (socket.destroyed || answer == null || isNone(answer)) then(answer ?? undefined);
    else answer.once("close", () => setImmediate(look));
  }
}

/**
 * Reads no more requests of a connection, and ends it once those that it has sent whole are answered. `words` are written last, as the answer
 * to a request that came in part. If that request was answered before it was whole, nothing more is written: a connection never carries more
 * answers than requests. Only the first call for a connection counts.
 */
export function endAfterAnswers(socket: Connection, words: string | undefined): void {
  if (socket.destroyed || ending.has(socket)) return;
  ending.add(socket);
  const incoming = socket.parser?.incoming ?? undefined;
  const part = incoming?.complete === false ? incoming : undefined;
  const isOpen = (answer: ServerResponse) => part !== undefined && answer.req === part && !answer.headersSent;
  afterAnswers(
    socket,
    (next) => {
      const isAnswered = part !== undefined && (next === undefined || !isOpen(next));
      if (words !== undefined && !isAnswered && socket.writable) socket.write(words);
      socket.destroySoon();
    },
    (answer) => late.has(answer) || isOpen(answer),
  );
}

/**
 * Serves a request as the last one of its connection, which ends after the answer. Requests behind it are not served: others may read
 * this one, or its end, otherwise (RFC 9112, 6.1).
 */
export function endAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  closing.add(request.socket);
  response.shouldKeepAlive = false;
}

/** The same for a request that is being served: those behind it that have come are not begun. */
export function refuseBehind(request: IncomingMessage, response: ServerResponse): void {
  endAfterAnswer(request, response);
  closed.add(request.socket);
}

/** Returns true if a request that is about to begin is behind the last one of its connection: its response is never written. */
export function isBehindLast(request: IncomingMessage, response: ServerResponse): boolean {
  if (!closed.has(request.socket)) return false;
  late.add(response);
  return true;
}

/** Returns true if a request came too late on a connection that ends: it is not served, and its response is never written. */
export function isTooLate(request: IncomingMessage, response: ServerResponse): boolean {
  if (!ending.has(request.socket) && !closing.has(request.socket)) return false;
  late.add(response);
  return true;
}
