import type { FastifyRequest } from "fastify";
import { namedUser } from "./identity.ts";
import type { Reach } from "./ownership.ts";

/** Who asks a model, and what limits them. */
export interface Asker extends Reach {
  readonly scope: string;
  readonly user: string;
  /** Id and plan of the key. */
  readonly key: string;
  readonly plan: string | undefined;
}

/** Who sends a request: the holder of a key, for a user of theirs. Throws as `userOf` does. */
export function askerOf(request: FastifyRequest, inBody: unknown): Asker {
  const { scope, id, plan, user } = request.principal;
  const only = onlyOf(request, inBody);
  return { scope, user: only ?? user, key: id, plan, ...(only !== undefined && { only }) };
}

/** Whose things a request may touch, and whose the things are that it makes. Throws as `userOf` does. */
export function reachOf(request: FastifyRequest): Reach {
  const only = onlyOf(request, undefined);
  return only === undefined ? {} : { only };
}

function onlyOf(request: FastifyRequest, inBody: unknown): string | undefined {
  const { actsFor, user } = request.principal;
  return namedUser(request, inBody) ?? (actsFor === "any" ? undefined : user);
}
