import type { FastifyReply, FastifyRequest } from "fastify";
import type { ErrorAnswer } from "../http/error-body.ts";
import type { Fields } from "../../internal/fields.ts";

/** Types of errors by status, as this API names them. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);

/** Builds an error in this API's format. The gateway adds `param` and `code`, which its clients ignore. */
export function toAnthropicError({ error }: ErrorAnswer["body"], status: number, requestId: string): Fields {
  const type = TYPES.get(status) ?? (status >= 500 ? "api_error" : "invalid_request_error");
  const { message, param, code } = error;
  return { type: "error", error: { type, message, ...(param !== null && { param }), code }, request_id: requestId };
}

/** Returns true for a client of this API, which sends its version, and for a path of its own. */
export function speaksAnthropic({ headers, url }: Pick<FastifyRequest, "headers" | "url">): boolean {
  return headers["anthropic-version"] !== undefined || /^\/v1\/messages(?:[/?]|$)/.test(url);
}

/** Converts a status for this API, which has its own for an overloaded provider. */
export function toAnthropicStatus(status: number): number {
  return status === 503 ? 529 : status;
}

/** Converts the errors of a route that both APIs have, for clients of this one. A `preSerialization` hook. */
export function reshapeErrorsFor(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload: unknown) => void,
): void {
  if (speaksAnthropic(request)) reshapeErrors(request, reply, payload, done);
  else done(null, payload);
}

/**
 * Converts every error of a route to this API's format, whatever its origin. A `preSerialization` hook, which gets the body as an object.
 */
export function reshapeErrors(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload: unknown) => void,
): void {
  reply.header("request-id", request.id);
  if (reply.statusCode < 400) return done(null, payload);
  const status = toAnthropicStatus(reply.statusCode);
  reply.code(status);
  done(null, toAnthropicError(payload as ErrorAnswer["body"], status, request.id));
}
