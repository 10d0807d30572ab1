import type { FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";

/** Lets keys pass whose role is admin. @throws MarrowError `forbidden` */
export async function onlyAdmins(request: FastifyRequest): Promise<void> {
  if (request.principal.role !== "admin")
    throw new MarrowError(
      "forbidden",
      "this needs an API key whose role is admin: make one with marrow key create --role admin",
    );
}
