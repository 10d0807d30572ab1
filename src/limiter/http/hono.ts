import type { Limiter } from "../contract.ts";
import { ask, type HttpLimiterOptions } from "./asking.ts";
import { watchBody } from "./watched-body.ts";

/** The part of Hono's context that the middleware uses. */
export interface HonoContext {
  res: Response;
  header(name: string, value: string): void;
}

/**
 * Limits the requests of a Hono application. Adds headers to every response and answers 429 for refused requests. Concurrency slots are
 * released when the response's body has ended or the client has disconnected.
 */
export function honoLimiter<C extends HonoContext>(
  limiter: Limiter,
  options: HttpLimiterOptions<C>,
): (context: C, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const asked = await ask(limiter, options, context);
    if (!asked.passes) return new Response(asked.body, { status: 429, headers: asked.headers });
    const { over } = asked;
    try {
      await next();
    } catch (error) {
      over();
      throw error;
    }
    for (const [name, value] of Object.entries(asked.headers)) context.header(name, value);
    const { body, status, headers } = context.res;
    if (body === null) over();
    else context.res = new Response(watchBody(body, over), { status, headers });
    return undefined;
  };
}
