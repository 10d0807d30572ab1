import type { FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";
import { traceIdOf } from "./trace-id.ts";

/** Counts every answer of the routes that are registered from now on, with its time; the trace that it belongs to is an example of that. */
export function countAnswers(app: FastifyInstance, metrics: Pick<Metrics, "answered">): void {
  app.addHook("onResponse", (request, reply, done) => {
    const traceId = traceIdOf(request.headers["traceparent"]);
    metrics.answered(request.routeOptions.url ?? "unknown", reply.statusCode, reply.elapsedTime / 1000, traceId);
    done();
  });
}
