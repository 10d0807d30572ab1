import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import { isLoopbackHost, originHost } from "./hosts.ts";

/** Browser pages that may read responses. */
export interface CorsConfig {
  /** Origins such as `https://app.example.com`; `*` allows every origin. Pages of loopback are always allowed. Empty: no other page. */
  readonly origins: readonly string[];
  /** Time that a browser caches a preflight, in seconds. */
  readonly maxAgeSeconds: number;
}

/** Response headers that a page may read: limits, cache and retries. */
const EXPOSED =
  "x-request-id, x-marrow-cache, x-marrow-cache-similarity, x-marrow-cache-veto, age, x-marrow-upstream, x-marrow-attempts, x-marrow-saved, x-marrow-session-state, retry-after, retry-after-ms, x-should-retry, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, x-ratelimit-degraded, ratelimit, ratelimit-policy, idempotent-replayed";
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";

/**
 * Answers preflights without a key (browsers send none), and adds the allowed origin to every response. Origins of loopback are allowed,
 * because pages in development use them. A preflight from an origin that is not configured gets 403; its other requests get no CORS
 * headers. Keys are sent in headers, never in cookies, so `access-control-allow-credentials` is never sent.
 */
export function allowOrigins(app: FastifyInstance, { origins, maxAgeSeconds }: CorsConfig): void {
  const known = new Set(origins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined) return done();
    const from = originHost(origin);
    const isLocal = from !== undefined && isLoopbackHost(from);
    const allowed = known.has("*") || isLocal || known.has(origin.toLowerCase());
    if (allowed) {
      // Set on the socket's own answer, so that streams that Fastify does not write carry them too.
      reply.raw.setHeader("access-control-allow-origin", known.has("*") ? "*" : origin);
      reply.raw.setHeader("access-control-expose-headers", EXPOSED);
      reply.raw.setHeader("vary", "origin");
    }
    const asked = request.headers["access-control-request-method"];
    if (request.method !== "OPTIONS" || asked === undefined) return done();
    if (!allowed)
      return done(
        new MarrowError("forbidden", "this origin is not allowed: name it in the configuration's cors.origins", {
          details: { path: "origin" },
        }),
      );
    return void reply
      .code(204)
      .headers({
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
        "access-control-max-age": String(maxAgeSeconds),
      })
      .send();
  });
}
