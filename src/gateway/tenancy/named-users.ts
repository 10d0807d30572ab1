import type { FastifyInstance } from "fastify";
import type { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";
import { namedUser } from "./identity.ts";
import type { KeyUsers } from "./key-users.ts";

/** Paths of the administration, whose bodies also name users without acting for them. */
const ADMINISTRATION = "/v1/admin/";

/** Bounds the users that keys name in requests. Routes of the admin API are exempt: they name users without acting for them. */
export function admitNamedUsers(app: FastifyInstance, keyUsers: KeyUsers, { auth }: Pick<GatewayConfig, "auth">): void {
  app.addHook("preHandler", (request, _, done) => {
    const { principal, url } = request;
    if (principal?.actsFor !== "any" || auth === "off" || url.startsWith(ADMINISTRATION)) return done();
    try {
      const named = namedUser(request, (request.body as { readonly user?: unknown } | null | undefined)?.user);
      const noted = named === undefined ? undefined : keyUsers.admit(principal, named);
      if (noted === undefined) return done();
      noted.then(() => done(), done);
    } catch (error) {
      done(error as MarrowError);
    }
  });
}
