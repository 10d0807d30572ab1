import type { FastifyRequest } from "fastify";
import { MarrowError } from "../errors.ts";

/** One header as text, or `undefined`. */
export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The key in `authorization: Bearer …`. */
export function bearerOf(request: FastifyRequest): string | undefined {
  const value = header(request, "authorization");
  return value?.startsWith("Bearer ") === true ? value.slice(7).trim() : undefined;
}

/**
 * Who asks: the user that `x-marrow-user` or the body names, else the key's own. The holder of a key speaks for its users.
 * @throws MarrowError `invalid_input` for a name that is too long
 */
export function userOf(request: FastifyRequest, inBody: unknown): string {
  const named = header(request, "x-marrow-user") ?? (typeof inBody === "string" && inBody !== "" ? inBody : undefined);
  if (named === undefined) return request.principal.user;
  if (named.length > 256)
    throw new MarrowError("invalid_input", "a user's name has at most 256 characters", { details: { path: "user" } });
  return named;
}
