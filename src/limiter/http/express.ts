import type { Limiter } from "../contract.ts";
import { ask, type HttpLimiterOptions } from "./asking.ts";

/** What the middleware needs of Express's (and Connect's) request. */
export type ExpressRequest = object;

/** What it needs of the response: that of `node:http`. */
export interface ExpressResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
  once(event: "close", listener: () => void): unknown;
}

/**
 * Limits the requests of an Express (4 or 5) or Connect application: headers on every answer, a 429 for what is refused. Slots are given
 * back when the answer is over or the client is gone. Errors of the limiter go to `next`.
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
