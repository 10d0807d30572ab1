// oxlint-disable no-underscore-dangle -- Node keeps there which response a connection is writing.
import type { IncomingMessage, Server } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { MarrowError } from "../../errors.ts";
import { afterAnswers, endAfterAnswers, type Connection } from "./answers-before.ts";
import { toErrorAnswer } from "./error-body.ts";
import { toRawAnswer } from "./raw-answer.ts";

/** Where Node's parser has the function that hears of each read (`HTTPParser.kOnExecute`). */
const ON_EXECUTE = 5;

/** Node's parser of a connection: tells how many bytes of a read it took, and has the read's bytes meanwhile. */
interface Parser {
  [ON_EXECUTE]?: (taken: number | Error) => void;
  getCurrentBuffer(): Buffer;
}

/**
 * Returns true for the opening handshake of a WebSocket (RFC 6455, 4.1). A client may offer other protocols beside it. Any other request
 * with an `Upgrade` header is an ordinary one: a server ignores an offer that it does not take (RFC 9110, 7.8). Pure.
 */
export function asksForWebSocket({ method, headers }: Pick<IncomingMessage, "method" | "headers">): boolean {
  if (method !== "GET" || headers["sec-websocket-key"] === undefined) return false;
  return (headers.upgrade ?? "").split(",").some((offer) => offer.trim().toLowerCase() === "websocket");
}

/**
 * Decides for Node whether a connection leaves HTTP ({@link asksForWebSocket}). For a request that stays, Node's parser drops what the same
 * read of the connection has behind the request: then the connection ends with the answer, so that no client waits for another one.
 */
export function takesUpgrade(request: IncomingMessage): boolean {
  if (asksForWebSocket(request)) return true;
  const { parser } = request.socket as { readonly parser?: Parser | null };
  const hear = parser?.[ON_EXECUTE];
  if (parser == null || hear === undefined || watching.has(hear)) return false;
  const watch = (taken: number | Error) => {
    if (typeof taken === "number" && taken < parser.getCurrentBuffer().length)
      endAfterAnswers(request.socket, undefined);
    hear(taken);
  };
  watching.add(watch);
  parser[ON_EXECUTE] = watch;
  return false;
}

const watching = new WeakSet<NonNullable<Parser[typeof ON_EXECUTE]>>();

/**
 * Passes the opening handshakes of WebSockets to `take`, and every other request with an `Upgrade` header to the application. From version
 * 24.9 on, Node does so by its option `shouldUpgradeCallback` ({@link takesUpgrade}); an earlier one takes such a request off its HTTP
 * parser, so the connection is read again from the beginning of that request. Refuses `CONNECT`. All of them wait for the answers to the
 * requests that their connections sent before.
 */
export function onWebSocket(
  server: Server,
  take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (asksForWebSocket(request)) {
      // The library for WebSockets knows the offer only alone.
      request.headers.upgrade = "websocket";
      takeInTurn(socket, () => take(request, socket, head));
    } else if (socket instanceof Socket) readAgain(server, request, socket, head);
  });
  server.on("connect", (_: IncomingMessage, socket: Duplex) => {
    if (!(socket instanceof Socket)) return;
    keepWriting(socket);
    const refusal = toErrorAnswer(new MarrowError("invalid_input", "CONNECT is not served: this is no proxy"));
    endAfterAnswers(socket, toRawAnswer(refusal, "Bad Request"));
  });
}

/** Takes a handshake at once, or once the requests that its connection sent before it are answered. */
function takeInTurn(socket: Duplex, take: () => void): void {
  if (!(socket instanceof Socket)) return take();
  const release = keepWriting(socket);
  afterAnswers(socket, () => {
    release();
    // An answer before it may have ended the connection.
    if (socket.writable) take();
    else socket.destroy();
  });
}

/** Has the server's HTTP parser read a request again, without its `Upgrade` header. */
function readAgain(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const release = keepWriting(socket);
  const reread = () => {
    if (socket.destroyed) return;
    release();
    // What the first reading set up: its idle timeout would end the answer to this request.
    socket.removeAllListeners("timeout");
    socket.setTimeout(0);
    socket.unshift(Buffer.concat([withoutUpgrade(request), head]));
    server.emit("connection", socket);
  };
  // Node still works at the first reading.
  afterAnswers(socket, () => setImmediate(reread));
}

/** Has earlier answers written on a connection that Node no longer looks after. Returns a function that leaves the connection to others. */
function keepWriting(socket: Connection): () => void {
  const onError = () => socket.destroy();
  const onDrain = () => void socket._httpMessage?.emit("drain");
  socket.on("error", onError).on("drain", onDrain);
  return () => void socket.off("error", onError).off("drain", onDrain);
}

function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() !== "upgrade") lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
