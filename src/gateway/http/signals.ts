import { AsyncResource } from "node:async_hooks";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isHeard, signalsOf, type GatewayRequestSignal } from "../../internal/signals.ts";
import { noteArrival } from "./stream-signal.ts";
import { header } from "../tenancy/identity.ts";

/** A request that is told of. */
interface Told {
  readonly signal: GatewayRequestSignal & { error?: unknown };
  /** What subscribers made current for it: a body is read in between, which loses that. */
  readonly within: AsyncResource;
}

const requests = new WeakMap<FastifyRequest, Told>();

/** Tells of each request while somebody listens: `start` at its head, `asyncEnd` once its answer was written. */
export function signalRequests(app: FastifyInstance): void {
  const channel = signalsOf("gateway:request");
  app.addHook("onRequest", (request, reply, done) => {
    noteArrival(reply.raw);
    if (!isHeard("gateway:request")) return done();
    const signal: Told["signal"] = {
      method: request.method,
      route: request.routeOptions.url ?? "unknown",
      requestId: request.id,
      traceparent: header(request, "traceparent"),
    };
    channel.start.runStores(signal, () => {
      requests.set(request, { signal, within: new AsyncResource("marrow:gateway:request") });
      done();
    });
    channel.end.publish(signal);
  });
  app.addHook("preValidation", (request, _, done) => {
    const told = requests.get(request);
    if (told === undefined) return done();
    told.within.runInAsyncScope(done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const told = requests.get(request);
    if (told === undefined) return done();
    const { signal } = told;
    const { principal } = request as Partial<Pick<FastifyRequest, "principal">>;
    Object.assign(signal, { scope: principal?.scope, key: principal?.id, status: reply.raw.statusCode });
    channel.asyncStart.publish(signal);
    channel.asyncEnd.publish(signal);
    done();
  });
}
