import type { FastifyHttpOptions, FastifyInstance } from "fastify";
import type { Server } from "node:http";
import type { GatewayConfig } from "../config/config.ts";
import type { Draining } from "./draining.ts";
import { boundCount } from "./full.ts";
import { refuseMalformed } from "./malformed.ts";
import { PacedRequest } from "./paced-body.ts";
import { paceRequests } from "./pipelining.ts";
import { endSlowReaders } from "./slow-readers.ts";
import { takesUpgrade } from "./upgrades.ts";

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
      shouldUpgradeCallback: takesUpgrade,
      // A request without a host is answered in the shape of every other error.
      requireHostHeader: false,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(LOOK_MS_MAX, Math.ceil(headersTimeoutMs / 4)),
    },
    clientErrorHandler: refuseMalformed,
  };
}

/** Bounds the number of connections, the requests in progress on one of them, and how slowly clients may read. */
export function boundConnections(
  app: FastifyInstance,
  { connectionsMax, stalledTimeoutMs }: Bounds,
  idle: Draining["idle"],
): void {
  boundCount(app.server, connectionsMax, idle);
  paceRequests(app.server);
  const stop = endSlowReaders(app.server, stalledTimeoutMs);
  app.addHook("onClose", async () => stop());
}
