import type { FastifyRequest } from "fastify";
import { MarrowError } from "../errors.ts";

/** One header as text, or `undefined`. */
export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * The API key of a request: `authorization: Bearer …` (the scheme in any case, RFC 9110), else `x-api-key` as Anthropic's clients send it,
 * else `api-key` as Azure's do.
 */
export function bearerOf(request: FastifyRequest): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(header(request, "authorization") ?? "")?.[1];
  return bearer ?? header(request, "x-api-key")?.trim() ?? header(request, "api-key")?.trim();
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
