import type { Limiter } from "../contract.ts";
import { ask, type HttpLimiterOptions } from "./asking.ts";

/** What the hook needs of Fastify's request. */
export type FastifyRequestLike = object;

/** What it needs of the reply. */
export interface FastifyReplyLike {
  readonly raw: { once(event: "close", listener: () => void): unknown };
  code(status: number): this;
  headers(values: Record<string, string>): this;
  send(body: string): this;
}

/**
 * Limits the requests of a Fastify application: `app.addHook("preHandler", fastifyLimiter(limiter, …))`, or of one route. Headers on
 * every answer, a 429 for what is refused. Slots are given back when the answer is over or the client is gone.
 */
export function fastifyLimiter<R extends FastifyRequestLike>(
  limiter: Limiter,
  options: HttpLimiterOptions<R>,
): (request: R, reply: FastifyReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    const asked = await ask(limiter, options, request);
    reply.headers({ ...asked.headers });
    if (!asked.passes) return reply.code(429).send(asked.body);
    reply.raw.once("close", asked.over);
    return undefined;
  };
}
