import { AsyncResource } from "node:async_hooks";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { beginFollowed, isHeard, signalsOf, type Followed, type GatewayRequestSignal } from "../../internal/signals.ts";
import { noteArrival } from "./stream-signal.ts";
import { header } from "../tenancy/identity.ts";

/** A request with a published signal. */
interface Told {
  readonly signal: GatewayRequestSignal & { error?: unknown };
  readonly followed: Followed | undefined;
  /** Async context set by subscribers; reading the body would lose it. */
  readonly within: AsyncResource | undefined;
}

/** A property, because a WeakMap of such short-lived objects would burden the garbage collector more than the spans. */
const TOLD = Symbol("told");
type Telling = FastifyRequest & { [TOLD]?: Told };

/** Publishes each request while there are subscribers: `start` at its headers, `asyncEnd` once its response was written. */
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
    const followed = beginFollowed("gateway:request", signal);
    const begin = followed === undefined ? done : () => followed.within(done);
    // An AsyncResource costs a request more than its span.
    if (!channel.hasSubscribers) {
      (request as Telling)[TOLD] = { signal, followed, within: undefined };
      return begin();
    }
    channel.start.runStores(signal, () => {
      (request as Telling)[TOLD] = { signal, followed, within: new AsyncResource("marrow:gateway:request") };
      begin();
    });
    channel.end.publish(signal);
  });
  app.addHook("preValidation", (request, _, done) => {
    const told = (request as Telling)[TOLD];
    if (told === undefined) return done();
    const { followed, within } = told;
    const goOn = followed === undefined ? done : () => followed.within(done);
    if (within === undefined) goOn();
    else within.runInAsyncScope(goOn);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const told = (request as Telling)[TOLD];
    if (told === undefined) return done();
    const { signal, followed, within } = told;
    const { principal } = request as Partial<Pick<FastifyRequest, "principal">>;
    Object.assign(signal, { scope: principal?.scope, key: principal?.id, status: reply.raw.statusCode });
    followed?.end(undefined, undefined);
    if (within !== undefined) {
      channel.asyncStart.publish(signal);
      channel.asyncEnd.publish(signal);
    }
    done();
  });
}
