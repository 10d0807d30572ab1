import type { FastifyRequest } from "fastify";
import { namedUser } from "./identity.ts";
import type { Reach } from "./ownership.ts";

/** Caller of a model, with the limits that apply. */
export interface Asker extends Reach {
  readonly scope: string;
  readonly user: string;
  /** Id and plan of the key. */
  readonly key: string;
  readonly plan: string | undefined;
}

/** Returns the caller of a request: the key's holder, or a user they act for. Throws like `userOf`. */
export function askerOf(request: FastifyRequest, inBody: unknown): Asker {
  const { scope, id, plan, user } = request.principal;
  const only = onlyOf(request, inBody);
  return { scope, user: only ?? user, key: id, plan, ...(only !== undefined && { only }) };
}

/** Returns the users whose resources a request may access, and the owner of those it creates. Throws like `userOf`. */
export function reachOf(request: FastifyRequest): Reach {
  const only = onlyOf(request, undefined);
  return only === undefined ? {} : { only };
}

function onlyOf(request: FastifyRequest, inBody: unknown): string | undefined {
  const { actsFor, user } = request.principal;
  return namedUser(request, inBody) ?? (actsFor === "any" ? undefined : user);
}
