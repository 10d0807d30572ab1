import type { FastifyInstance, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { isRead } from "../dashboard/sign-ins.ts";
import { hookRoutes } from "../http/route-hooks.ts";
import type { Principal } from "../tenancy/api-keys.ts";
import { resourceOf } from "../routes.ts";

/** Admits admins, and viewers to routes that change nothing. @throws MarrowError `forbidden` */
export async function checkAdmin(request: FastifyRequest): Promise<void> {
  const { role } = request.principal;
  if (role === "viewer" && !isRead(request.method)) throw viewersLook();
  if (role === "admin" || role === "viewer") return;
  throw new MarrowError(
    "forbidden",
    "this needs an API key with the role admin: make one with marrow key create --role admin",
  );
}

/** Returns the scope of an admin's request: `scope` of the query, else the key's own. */
export function scopeOf(request: FastifyRequest): string {
  return (request.query as { readonly scope?: string | undefined }).scope ?? request.principal.scope;
}

/** Returns true if a request is one of `/v1/admin`, the only ones that a cookie signs. */
export function isAdministration({ url }: FastifyRequest): boolean {
  return url.startsWith("/v1/admin/");
}

/** Checks that a key may do more than read, where no route decides. @throws MarrowError `forbidden` */
export function checkUse(principal: Principal): Principal {
  if (principal.role === "viewer") throw viewersLook();
  return principal;
}

/** Restricts keys with the role viewer, on every route registered afterwards, to reading the administration and models. */
export function confineViewers(app: FastifyInstance): void {
  hookRoutes(app, (method, url) => {
    const resource = resourceOf(method, url);
    const isFor = resource === "administration" || resource === "model";
    if (isFor && (method === "GET" || url === SESSION)) return undefined;
    return {
      onRequest(request, _, done) {
        if (request.principal?.role !== "viewer") return done();
        done(viewersLook());
      },
    };
  });
}

/** Characters of a name in a path, as of one in a query or a body. */
const NAME_CHARS_MAX = 256;

/** Refuses names in paths that are longer than any name is, on every route that is registered from now on. */
export function boundNames(app: FastifyInstance): void {
  hookRoutes(app, (_, url) => {
    if (!url.startsWith("/v1/admin/") || !url.includes(":")) return undefined;
    return {
      onRequest(request, _reply, done) {
        const long = Object.entries(request.params as Record<string, string>).find(
          ([, name]) => name.length > NAME_CHARS_MAX,
        );
        if (long === undefined) return done();
        const [path, name] = long;
        const message = `${path} must have at most ${NAME_CHARS_MAX} characters, got ${name.length}`;
        done(new MarrowError("invalid_input", message, { details: { path } }));
      },
    };
  });
}

function viewersLook(): MarrowError {
  return new MarrowError("forbidden", "this API key has the role viewer, which may read but not change anything");
}

/** Everyone who is signed in may sign out. */
const SESSION = "/v1/admin/session";
