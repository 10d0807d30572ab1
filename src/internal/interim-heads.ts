import type { buildConnector } from "undici";

/** The head of an interim response; 101 is none, for another protocol follows it. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d[ \r\n]/;
const SAMPLE = "HTTP/1.1 100 ";
/** Longest head of an interim response, in bytes: a longer one is left to the client, which fails. */
const HEAD_BYTES_MAX = 16_384;

/**
 * Connections whose client does not see interim responses (RFC 9110, 15.2), such as `100 Continue` and `103 Early Hints`: undici breaks a
 * connection that gets a 100 for which it did not ask, and servers and proxies send it to every POST. Each request must begin with a string
 * that is written to the socket, and its body must be bytes; requests are not pipelined.
 */
export function withoutInterim(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...connected: Parameters<buildConnector.Callback>) => {
      const [failure, socket] = connected;
      if (failure === null) dropInterim(socket);
      callback(...connected);
    });
}

type Written = Parameters<NonNullable<Parameters<buildConnector.Callback>[1]>["write"]>;

function dropInterim(socket: NonNullable<Parameters<buildConnector.Callback>[1]>): void {
  const [read, write] = [socket.read.bind(socket), socket.write.bind(socket)];
  /** Whether the response to the last request has not begun, and what has come of a head that is not complete. */
  let [isAwaited, held]: [boolean, Buffer | undefined] = [false, undefined];

  socket.write = (...written: unknown[]) => {
    if (typeof written[0] === "string") isAwaited = true;
    return write(...(written as Written));
  };
  socket.read = (size?: number): unknown => {
    for (;;) {
      const piece = read(size) as Buffer | null;
      if (!isAwaited || piece === null) return piece;
      const { rest, isOpen } = afterInterim(held === undefined ? piece : Buffer.concat([held, piece]));
      isAwaited = isOpen;
      held = isOpen ? rest : undefined;
      if (!isOpen) return rest;
    }
  };
}

/** Drops whole interim heads. `isOpen`: more bytes must come to tell whether the rest is one. */
function afterInterim(bytes: Buffer): { readonly rest: Buffer; readonly isOpen: boolean } {
  let at = 0;
  while (at < bytes.length) {
    const start = bytes.toString("latin1", at, at + SAMPLE.length);
    // What has not come may be as in an interim head.
    if (!INTERIM.test(start + SAMPLE.slice(start.length))) break;
    const end = bytes.indexOf("\r\n\r\n", at, "latin1");
    if (end < 0) return { rest: bytes.subarray(at), isOpen: bytes.length - at < HEAD_BYTES_MAX };
    at = end + 4;
  }
  return { rest: bytes.subarray(at), isOpen: at === bytes.length };
}
