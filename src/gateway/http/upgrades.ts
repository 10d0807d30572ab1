// oxlint-disable no-underscore-dangle -- Node keeps there which response a connection is writing.
import type { IncomingMessage, OutgoingMessage, Server } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A connection of Node's HTTP server, with the response to its oldest request that is not answered yet. */
type Connection = Socket & { readonly _httpMessage?: OutgoingMessage | null };

/**
 * Returns true for the opening handshake of a WebSocket (RFC 6455, 4.1). A client may offer other protocols beside it. Any other request
 * with an `Upgrade` header is an ordinary one: a server ignores an offer that it does not take (RFC 9110, 7.8). Pure.
 */
export function asksForWebSocket({ method, headers }: Pick<IncomingMessage, "method" | "headers">): boolean {
  if (method !== "GET" || headers["sec-websocket-key"] === undefined) return false;
  return (headers.upgrade ?? "").split(",").some((offer) => offer.trim().toLowerCase() === "websocket");
}

/**
 * Passes the opening handshakes of WebSockets to `take`, and every other request with an `Upgrade` header to the application. From version
 * 24.9 on, Node does so by its option `shouldUpgradeCallback` ({@link asksForWebSocket}); an earlier one takes such a request off its HTTP
 * parser, so the connection is read again from the beginning of that request.
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
}

/** Takes a handshake at once, or once the requests that its connection sent before it are answered. */
function takeInTurn(socket: Connection | Duplex, take: () => void): void {
  if (!("_httpMessage" in socket) || socket._httpMessage == null) return take();
  const onError = () => socket.destroy();
  socket.on("error", onError);
  afterAnswers(socket, () => {
    socket.removeListener("error", onError);
    // An answer before it may have ended the connection.
    if (socket.writable) take();
    else socket.destroy();
  });
}

/** Has the server's HTTP parser read a request again, without its `Upgrade` header. */
function readAgain(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const onError = () => socket.destroy();
  socket.on("error", onError);
  afterAnswers(socket, () => {
    if (socket.destroyed) return;
    socket.removeListener("error", onError);
    // What the first reading set up: its idle timeout would end the answer to this request.
    socket.removeAllListeners("timeout");
    socket.setTimeout(0);
    socket.unshift(Buffer.concat([withoutUpgrade(request), head]));
    server.emit("connection", socket);
  });
}

/** Calls a function in a later turn, once a connection has written the answers to all requests before. */
function afterAnswers(socket: Connection, then: () => void): void {
  const { _httpMessage: answer } = socket;
  if (answer == null) setImmediate(then);
  else answer.once("close", () => afterAnswers(socket, then));
}

function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() !== "upgrade") lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
