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
    // An AsyncResource costs a request more than its span.
    if (!channel.hasSubscribers) {
      if (followed !== undefined) (request as Telling)[TOLD] = { signal, followed, within: undefined };
      return goOn({ followed }, done);
    }
    channel.start.runStores(signal, () => {
      (request as Telling)[TOLD] = { signal, followed, within: new AsyncResource("marrow:gateway:request") };
      goOn({ followed }, done);
    });
    channel.end.publish(signal);
  });
  app.addHook("preValidation", (request, _, done) => {
    const told = (request as Telling)[TOLD];
    if (told === undefined) return done();
    if (told.within === undefined) goOn(told, done);
    else told.within.runInAsyncScope(goOn, undefined, told, done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const told = (request as Telling)[TOLD];
    if (told === undefined) return done();
    const { signal, followed, within } = told;
    const { principal } = request as Partial<Pick<FastifyRequest, "principal">>;
    signal.scope = principal?.scope;
    signal.key = principal?.id;
    signal.status = reply.raw.statusCode;
    followed?.end(undefined, undefined);
    if (within !== undefined) {
      channel.asyncStart.publish(signal);
      channel.asyncEnd.publish(signal);
    }
    done();
  });
}

function goOn({ followed }: Pick<Told, "followed">, done: () => void): void {
  if (followed === undefined) done();
  else followed.within(done, undefined);
}
