import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { encodeKeyPart } from "../../redis/index.ts";

const USER_CHARS_MAX = 256;

/**
 * Checks the name of a user, of a key or in any request.
 * @throws MarrowError `invalid_input`
 */
export function checkUserName(path: string, name: string): void {
  encodeKeyPart(path, name);
  // Clients take `.` and `..` out of an address, so that no admin could block or forget such a user.
  if (name.length > USER_CHARS_MAX || name.includes("\0") || name === "." || name === "..")
    throw new MarrowError(
      "invalid_input",
      `a user's name is a well-formed string of at most ${USER_CHARS_MAX} characters, without NUL, and not "." or ".."`,
      { details: { path } },
    );
}

/** Returns one header as text, or `undefined`. */
export function header(request: Pick<FastifyRequest, "headers">, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Returns a header with a name, such as a user: its bytes are UTF-8, or else Latin-1, so that a name is equal in a header, a body and a
 * path. Node returns each byte as a character.
 */
export function nameHeader(request: Pick<FastifyRequest, "headers">, name: string): string | undefined {
  const value = header(request, name);
  // Values with wider characters come from this process as text.
  if (value === undefined || !/[\u0080-\u00ff]/.test(value) || /[\u0100-\uffff]/.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}

/** Returns the session that a header names. @throws MarrowError `invalid_input` that names the header, for a name that no session can have */
export function sessionHeader(request: Pick<FastifyRequest, "headers">): string | undefined {
  const name = nameHeader(request, "x-marrow-session");
  if (name !== undefined) encodeKeyPart("x-marrow-session", name);
  return name;
}

/**
 * Returns the API key of a request: `authorization: Bearer …` (the scheme in any case, RFC 9110), else `x-api-key` of Anthropic's clients,
 * else `api-key` of Azure's.
 */
export function bearerOf(request: Pick<FastifyRequest, "headers">): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(header(request, "authorization") ?? "")?.[1];
  return bearer ?? header(request, "x-api-key")?.trim() ?? header(request, "api-key")?.trim();
}

/**
 * Returns the scope of a request, which is known before its body is read; the empty text on a route that is open to all. What many requests
 * share, such as threads, is shared by it.
 */
export function scopeOf(request: Partial<Pick<FastifyRequest, "principal">>): string {
  return request.principal?.scope ?? "";
}

/**
 * Returns the user of a request: named by `x-marrow-user` or the body, else the key's own. A key that acts for any user may name its users;
 * one that acts for its own may not name others.
 * @throws MarrowError `invalid_input` for a name that is too long or not well-formed, `forbidden` for another user's
 */
export function userOf(request: FastifyRequest, inBody: unknown): string {
  return namedUser(request, inBody) ?? request.principal.user;
}

/** Returns the user that a request names, or `undefined`. Throws like {@link userOf}. */
export function namedUser(request: FastifyRequest, inBody: unknown): string | undefined {
  const inHeader = nameHeader(request, "x-marrow-user");
  const given = typeof inBody === "string" && inBody !== "" ? inBody : undefined;
  const { actsFor, user } = request.principal;
  for (const [name, path] of [
    [inHeader, "x-marrow-user"],
    [given, "user"],
  ] as const) {
    if (name === undefined) continue;
    checkUserName(path, name);
    if (actsFor !== "any" && name !== user)
      throw new MarrowError(
        "forbidden",
        "this key acts for its own user only; an admin may let it act for any user of its scope (acts_for: any)",
        { details: { path } },
      );
  }
  // The body goes on to the model's endpoint, whose answer would be kept as another user's.
  if (inHeader !== undefined && given !== undefined && inHeader !== given)
    throw new MarrowError("invalid_input", "user: must be the user that x-marrow-user names", {
      details: { path: "user" },
    });
  return inHeader ?? given;
}
