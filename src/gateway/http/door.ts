import type { FastifyInstance, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";
import { hostOf, isLoopbackHost, originHost } from "./hosts.ts";
import { header } from "../tenancy/identity.ts";
import { hookRoutes } from "./route-hooks.ts";

/** Configuration that a request's `Host` and `Origin` are checked against. */
export type DoorConfig = Pick<GatewayConfig, "auth" | "host" | "publicUrl" | "allowedHosts" | "cors">;

/** Decides whether a request's `Host` and `Origin` are allowed, against foreign web pages and DNS rebinding. */
export interface Door {
  /** Returns true if the gateway may be reached by this `Host` header. */
  knowsHost(host: string | undefined): boolean;
  /** Returns true if pages of this `Origin` may call: those of the gateway itself (`host`: the `Host` header), of loopback and of the lists. */
  knowsOrigin(origin: string, host: string | undefined): boolean;
}

/** Makes the lists: loopback, the configured `host` and `publicUrl`, `allowedHosts` and `cors.origins`, whose `*` has no effect here. */
export function createDoor({ host: own, publicUrl, allowedHosts, cors }: Omit<DoorConfig, "auth">): Door {
  const listed = [own.includes(":") ? `[${own}]` : own, ...allowedHosts].map((name) => hostOf(name));
  const publicOrigin = publicUrl === undefined ? undefined : new URL(publicUrl);
  const hosts = new Set([...listed, hostOf(publicOrigin?.host)]);
  // An address of all interfaces is not a name that clients use.
  for (const any of ["0.0.0.0", "::", undefined]) hosts.delete(any);
  const origins = new Set([
    ...cors.origins.map((origin) => (origin === "*" ? undefined : new URL(origin).origin)),
    publicOrigin?.origin,
  ]);
  return {
    knowsHost(given) {
      const plain = hostOf(given);
      return plain !== undefined && (isLoopbackHost(plain) || hosts.has(plain));
    },
    knowsOrigin(given, host) {
      const from = originHost(given);
      if (from === undefined) return false;
      const { origin, host: named } = new URL(given);
      return isLoopbackHost(from) || origins.has(origin) || named === host?.toLowerCase();
    },
  };
}

/**
 * Checks `Host` and `Origin` of every request if authentication is off, and of `/mcp` always: without a key, the origin of a call is the
 * only protection.
 */
export function guardDoor(app: FastifyInstance, config: DoorConfig): Door {
  const door = createDoor(config);
  const check = (request: FastifyRequest, _: unknown, done: (error?: Error) => void) => done(refusalOf(request, door));
  if (config.auth === "off") app.addHook("onRequest", check);
  else hookRoutes(app, (_, url) => (url === "/mcp" ? { onRequest: check } : undefined));
  return door;
}

function refusalOf(request: FastifyRequest, door: Door): MarrowError | undefined {
  if (!door.knowsHost(request.headers.host))
    return forbidden("host", "the Host header names a host that is not in allowedHosts of the configuration");
  // An empty Origin is none that a browser sends.
  const { origin } = request.headers;
  if (origin !== undefined) {
    if (door.knowsOrigin(origin, request.headers.host)) return undefined;
    return forbidden("origin", "the Origin header names an origin that is not in cors.origins of the configuration");
  }
  // Browsers name no origin for some requests, but say that they are another site's. Following a link is none of these.
  const isLink = request.method === "GET" && header(request, "sec-fetch-mode") === "navigate";
  if (header(request, "sec-fetch-site") === "cross-site" && !isLink)
    return forbidden("sec-fetch-site", "a page of another site may not call this gateway");
  return undefined;
}

function forbidden(path: string, message: string): MarrowError {
  return new MarrowError("forbidden", message, { details: { path } });
}
