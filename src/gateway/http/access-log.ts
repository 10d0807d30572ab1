import type { FastifyInstance, FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";
import { toErrorAnswer } from "./error-body.ts";
import { toCauses } from "./logger.ts";
import { traceIdOf } from "./trace-id.ts";

/** Errors of failed requests, including those whose status was already sent. */
const failures = new WeakMap<FastifyRequest, unknown>();

/** Records the error of a failed request, for its log line. */
export function noteFailure(request: FastifyRequest, error: unknown): void {
  failures.set(request, error);
}

/** Returns the log fields of a request: its route and outcome, nothing of its content. */
export function describeRequest(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const { principal } = request as Partial<Pick<FastifyRequest, "principal">>;
  const error = failures.get(request);
  return {
    method: request.method,
    route: request.routeOptions.url ?? "unknown",
    scope: principal?.scope,
    key: principal?.id,
    requestId: request.id,
    traceId: traceIdOf(request.headers["traceparent"]),
    ...(error !== undefined && { code: codeOf(error), causes: toCauses(error) }),
  };
}

/** Part of the requests without a failure that get a line, by chance. */
type Sampling = Pick<GatewayConfig["accessLog"], "sample">;

/** Writes one line per completed request at `info`: all failed ones (a 5xx, or a broken stream), and a sample of the others. */
export function logRequests(app: FastifyInstance, level: GatewayConfig["logLevel"], { sample }: Sampling): void {
  if (level !== "info" && level !== "debug") return;
  app.addHook("onResponse", (request, reply, done) => {
    const status = reply.raw.statusCode;
    // With a good status and an error it was a stream that broke.
    const isFailed = status >= 500 || (status < 400 && failures.has(request));
    if (isFailed || sample >= 1 || Math.random() < sample) {
      const durationMs = Math.round(reply.elapsedTime * 10) / 10;
      request.log.info({ ...describeRequest(request), status, durationMs }, "request");
    }
    done();
  });
}

/** The code of an error: never an endpoint's own word, which may say anything. */
function codeOf(error: unknown): string {
  return MarrowError.is(error) ? error.code : toErrorAnswer(error).body.error.code;
}
