import type { FastifyRequest } from "fastify";
import { userOf } from "./identity.ts";

/** Who asks a model, and what limits them. */
export interface Asker {
  readonly scope: string;
  readonly user: string;
  /** Id and plan of the key. */
  readonly key: string;
  readonly plan: string | undefined;
}

/** Who sends a request: the holder of a key, for a user of theirs. */
export function askerOf(request: FastifyRequest, inBody: unknown): Asker {
  const { scope, id, plan } = request.principal;
  return { scope, user: userOf(request, inBody), key: id, plan };
}
