// oxlint-disable no-underscore-dangle -- Node keeps there which response a connection is writing.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { MarrowError } from "../../errors.ts";
import { toErrorAnswer } from "./error-body.ts";

/** A connection of Node's HTTP server, with the response to its oldest request that is not answered yet. */
type Connection = Socket & { readonly _httpMessage?: ServerResponse | null };

/** Connections whose malformed request was refused, or will be once the requests before it are answered. */
const refused = new WeakSet<Socket>();

/**
 * Answers what Node's HTTP parser refused, in the shape of every other error, and ends the connection. The requests before it are answered
 * first. If its own response has begun, or an earlier one ended the connection, nothing more is written.
 */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Connection): void {
  // Whatever comes behind it cannot be read either.
  if (error.code === "ECONNRESET" || socket.destroyed || refused.has(socket)) return;
  refused.add(socket);
  refuse();

  function refuse(): void {
    const { _httpMessage: answer } = socket;
    if (answer != null && answer.req.complete) return void answer.once("close", refuse);
    if (socket.writable && answer?.headersSent !== true) socket.write(toRefusal(error.code));
    socket.destroySoon();
  }
}

function toRefusal(code: string | undefined): string {
  const [status, text, words] = MALFORMED.get(code ?? "") ?? [400, "Bad Request", "the request is malformed"];
  const body = JSON.stringify(toErrorAnswer(new MarrowError("invalid_input", words)).body);
  return `HTTP/1.1 ${status} ${text}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

const MALFORMED: ReadonlyMap<string, readonly [number, string, string]> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "Request Timeout", "the request took too long to arrive"]],
  ["HPE_HEADER_OVERFLOW", [431, "Request Header Fields Too Large", "the request's headers are too large"]],
]);
