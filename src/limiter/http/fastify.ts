import type { Limiter } from "../contract.ts";
import { ask, type HttpLimiterOptions } from "./asking.ts";

/** The part of Fastify's request that the hook uses. */
export type FastifyRequestLike = object;

/** The part of Fastify's reply that the hook uses. */
export interface FastifyReplyLike {
  readonly raw: { once(event: "close", listener: () => void): unknown };
  code(status: number): this;
  headers(values: Record<string, string>): this;
  send(body: string): this;
}

/**
 * Limits the requests of a Fastify application: `app.addHook("preHandler", fastifyLimiter(limiter, …))`, or of one route. Adds headers to
 * every response and answers 429 for refused requests. Concurrency slots are released when the response has ended or the client has
 * disconnected.
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
