import type { FastifyReply, FastifyRequest } from "fastify";
import { describeRequest, noteFailure } from "./access-log.ts";
import { toErrorAnswer } from "./error-body.ts";
import { LINGER, LINGER_UNKNOWN, lingerToEnd } from "./lingering.ts";

/** Answers after which a connection ends: a client without a key, or with a body too large, keeps no place. */
const CLOSING: ReadonlySet<number> = new Set([401, 408, 413]);

/** Sends the response for an error in OpenAI's format, and logs errors that are not the client's fault. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = toErrorAnswer(error);
  if (CLOSING.has(status)) {
    reply.header("connection", "close");
    lingerToEnd(request.raw, reply.raw, status === 401 ? LINGER_UNKNOWN : LINGER);
  } else if (request.raw.complete) {
    // Fastify ends the connection after every refused body, because more of it may come. This one has come whole.
    reply.removeHeader("connection");
  }
  noteFailure(request, error);
  if (status >= 500) request.log.error({ err: error, ...describeRequest(request), status }, "a request failed");
  return reply
    .code(status)
    .headers({ "x-request-id": request.id, ...headers })
    .send(body);
}
