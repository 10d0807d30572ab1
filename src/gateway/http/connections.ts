import type { Socket } from "node:net";
import type { FastifyHttpOptions, FastifyInstance } from "fastify";
import type { Server } from "node:http";
import type { GatewayConfig } from "../config/config.ts";
import { toErrorAnswer } from "./error-body.ts";
import { MarrowError } from "../../errors.ts";
import { PacedRequest } from "./paced-body.ts";
import { paceRequests } from "./pipelining.ts";
import { endSlowReaders } from "./slow-readers.ts";
import { asksForWebSocket } from "./upgrades.ts";

type Bounds = GatewayConfig["http"];

/** Longest interval of Node's checks for slow requests, in milliseconds: a request may exceed its bound by this. */
const LOOK_MS_MAX = 5_000;

/** Returns Fastify's connection options: time limits of requests, and the response to malformed ones. */
export function toServerOptions({
  requestTimeoutMs,
  headersTimeoutMs,
  keepAliveTimeoutMs,
}: Bounds): Pick<FastifyHttpOptions<Server>, "requestTimeout" | "keepAliveTimeout" | "http" | "clientErrorHandler"> {
  return {
    // These bound the request, not the answer: a stream may last for hours.
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    http: {
      IncomingMessage: PacedRequest,
      shouldUpgradeCallback: asksForWebSocket,
      // A request without a host is answered in the shape of every other error.
      requireHostHeader: false,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(LOOK_MS_MAX, Math.ceil(headersTimeoutMs / 4)),
    },
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket),
  };
}

/** Bounds the number of connections, the requests in progress on one of them, and how slowly clients may read. */
export function boundConnections(app: FastifyInstance, { connectionsMax, stalledTimeoutMs }: Bounds): void {
  app.server.maxConnections = connectionsMax;
  paceRequests(app.server);
  const stop = endSlowReaders(app.server, stalledTimeoutMs);
  app.addHook("onClose", async () => stop());
}

/** Answers what Node's HTTP parser refused, in the shape of every other error. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  if (socket.writable) {
    const [status, text, words] = MALFORMED.get(error.code ?? "") ?? [400, "Bad Request", "the request is malformed"];
    const body = JSON.stringify(toErrorAnswer(new MarrowError("invalid_input", words)).body);
    socket.write(
      `HTTP/1.1 ${status} ${text}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}

const MALFORMED: ReadonlyMap<string, readonly [number, string, string]> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "Request Timeout", "the request took too long to arrive"]],
  ["HPE_HEADER_OVERFLOW", [431, "Request Header Fields Too Large", "the request's headers are too large"]],
]);
