import type { FastifyRequest } from "fastify";
import type { ChatCall } from "../../flow/index.ts";
import { MarrowError } from "../../errors.ts";
import { header } from "../tenancy/identity.ts";

const DEADLINE_MS_MAX = 3_600_000;

/**
 * Returns a client's deadline. `x-marrow-timeout-ms` bounds the whole answer. Official clients send their timeout in `x-stainless-timeout`
 * (seconds): routes try other upstreams within it, and an answer that others need continues after the client left.
 * @throws MarrowError `invalid_input`
 */
export function deadlineOf(request: Pick<FastifyRequest, "headers">): ChatCall["deadline"] {
  const own = header(request, "x-marrow-timeout-ms");
  if (own !== undefined) {
    const ms = /^\d{1,9}$/.test(own) ? Number(own) : 0;
    if (ms < 1 || ms > DEADLINE_MS_MAX)
      throw new MarrowError("invalid_input", `x-marrow-timeout-ms must be from 1 to ${DEADLINE_MS_MAX} milliseconds`, {
        details: { path: "x-marrow-timeout-ms" },
      });
    return { atMs: performance.now() + ms, whole: true };
  }
  const seconds = Number(header(request, "x-stainless-timeout") ?? Number.NaN);
  // An invalid value in a client's informative header is ignored.
  if (!(seconds > 0 && seconds * 1_000 <= DEADLINE_MS_MAX)) return undefined;
  return { atMs: performance.now() + seconds * 1_000, whole: false };
}
