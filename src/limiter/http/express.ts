import type { Limiter } from "../contract.ts";
import { ask, type HttpLimiterOptions } from "./asking.ts";

/** The part of Express's (and Connect's) request that the middleware uses. */
export type ExpressRequest = object;

/** The part of the `node:http` response that the middleware uses. */
export interface ExpressResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
  once(event: "close", listener: () => void): unknown;
}

/**
 * Limits the requests of an Express (4 or 5) or Connect application. Adds headers to every response and answers 429 for refused requests.
 * Concurrency slots are released when the response has ended or the client has disconnected. Errors of the limiter go to `next`.
 */
export function expressLimiter<R extends ExpressRequest>(
  limiter: Limiter,
  options: HttpLimiterOptions<R>,
): (request: R, response: ExpressResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    ask(limiter, options, request).then((asked) => {
      for (const [name, value] of Object.entries(asked.headers)) response.setHeader(name, value);
      if (!asked.passes) {
        response.statusCode = 429;
        response.end(asked.body);
        return;
      }
      response.once("close", asked.over);
      next();
    }, next);
  };
}
