import { MarrowError } from "../errors.ts";
import type { ScopedRedis } from "./connection.ts";
import { encodeKeyPart } from "./keys.ts";

/**
 * Checks that a role's connection has a scope. TypeScript checks this already; this covers plain JavaScript.
 * @throws MarrowError `invalid_option` if the connection has no scope
 */
export function checkScope(redis: ScopedRedis): ScopedRedis {
  if (typeof redis?.send !== "function" || typeof redis.scope !== "string") {
    throw new MarrowError("invalid_option", 'a role needs a scoped connection: redis.scope("tenant")', {
      details: { path: "redis" },
    });
  }
  encodeKeyPart("scope", redis.scope);
  return redis;
}
