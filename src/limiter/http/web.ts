import type { Limiter } from "../contract.ts";
import { ask, type HttpLimiterOptions } from "./asking.ts";
import { watchBody } from "./watched-body.ts";

/** A handler of web requests: a route handler of Next.js, or a server of Bun or Deno. Arguments after the request are passed through. */
export type WebHandler<R extends Request, A extends readonly unknown[]> = (
  request: R,
  ...more: A
) => Response | Promise<Response>;

/**
 * Limits a handler of web requests, such as a route handler of Next.js: `export const POST = webLimiter(limiter, options)(handler)`.
 * Adds headers to every response, and answers 429 for refused requests. Concurrency slots are released when the response's body has ended,
 * or the client has disconnected.
 */
export function webLimiter<R extends Request>(
  limiter: Limiter,
  options: HttpLimiterOptions<R>,
): <A extends readonly unknown[]>(handler: WebHandler<R, A>) => (request: R, ...more: A) => Promise<Response> {
  return (handler) =>
    async (request, ...more) => {
      const asked = await ask(limiter, options, request);
      if (!asked.passes) return new Response(asked.body, { status: 429, headers: asked.headers });
      const { over } = asked;
      let response: Response;
      try {
        response = await handler(request, ...more);
      } catch (error) {
        over();
        throw error;
      }
      const { body, status, statusText } = response;
      const headers = new Headers(response.headers);
      for (const [name, value] of Object.entries(asked.headers)) headers.set(name, value);
      if (body === null) over();
      return new Response(body === null ? null : watchBody(body, over), { status, statusText, headers });
    };
}
