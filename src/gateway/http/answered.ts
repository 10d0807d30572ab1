import type { FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";
import { traceIdOf } from "./trace-id.ts";

/** Counts every response of the routes registered afterwards, with its duration; its trace is an exemplar. */
export function countAnswers(app: FastifyInstance, metrics: Pick<Metrics, "answered">): void {
  app.addHook("onResponse", (request, reply, done) => {
    const traceId = traceIdOf(request.headers["traceparent"]);
    metrics.answered(request.routeOptions.url ?? "unknown", reply.statusCode, reply.elapsedTime / 1000, traceId);
    done();
  });
}
