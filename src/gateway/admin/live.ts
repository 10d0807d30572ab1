import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { sendEvents } from "../http/event-stream.ts";
import type { GatewayApp } from "../parts.ts";
import { checkAdmin, scopeOf } from "./guard.ts";

/** Data that can be streamed, each in the form of its route's response. */
export type Sources = Readonly<Record<"overview" | "queues", (scope: string) => Promise<unknown>>>;

/** Between two events of a stream. */
const EVERY_MS = 2_000;
/** Lifetime of a stream; then the page reconnects, and its rights are checked again. */
const LIFE_MS = 60_000;
const RETRY_MS = 500;
/** Most streams of one process; further pages poll instead. */
const STREAMS_MAX = 100;
const liveQuery = z.looseObject({
  scope: z.string().min(1).max(256).optional(),
  of: z.enum(["overview", "queues"]),
});

/**
 * Registers `GET /v1/admin/live`: the data of a page as server-sent events, until a minute has passed, the page leaves, or the gateway
 * stops.
 */
export function registerLive({ app, draining }: GatewayApp, sources: Sources): void {
  let open = 0;

  async function* follow(read: () => Promise<unknown>, signal: AbortSignal): AsyncGenerator<string> {
    open += 1;
    try {
      yield `retry: ${RETRY_MS}\n\n`;
      const untilMs = performance.now() + LIFE_MS;
      while (!signal.aborted && performance.now() < untilMs) {
        // The page's own request reports an unavailable Redis: the stream ends, and returns with Redis.
        yield `data: ${JSON.stringify(await read())}\n\n`;
        await pause(EVERY_MS, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted && !MarrowError.is(error)) throw error;
    } finally {
      open -= 1;
    }
  }

  app.get("/v1/admin/live", { onRequest: checkAdmin, schema: { querystring: liveQuery } }, async (request, reply) => {
    const { of } = liveQuery.parse(request.query);
    if (open >= STREAMS_MAX)
      throw new MarrowError(
        "rate_limited",
        `this gateway has ${STREAMS_MAX} live streams open, the most that it allows: poll the route instead`,
      );
    const scope = scopeOf(request);
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, draining.signal]);
    await sendEvents(
      reply,
      { "x-request-id": request.id },
      follow(() => sources[of](scope), signal),
      () => gone.abort(),
    );
  });
}
