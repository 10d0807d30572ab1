import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { encodeKeyPart, type Redis } from "../../redis/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import type { TraceAnswer, TracesAnswer } from "./answers-roles.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { recordRequests, type Trace } from "./recording.ts";
import { name, pageLimit } from "./queries.ts";
import { readRows, type Rows, withUnreadable } from "./rows.ts";

/** Traces that are kept, and for how long after the last one. */
const TRACES_MAX = 500;
const KEPT_MS = 86_400_000;
/** The reason of misses that were not near to anything. */
const FAR = "below_threshold";
const ID = /^\d{1,16}-\d{1,16}$/;
const tracesQuery = z.looseObject({
  scope: name.optional(),
  after: z.string().regex(ID).optional(),
  limit: pageLimit,
  failed: z.enum(["true", "false"]).optional(),
  /** Near misses alone: a stored question was near, and not served. */
  near: z.enum(["true", "false"]).optional(),
  min_ms: z.coerce.number().min(0).max(3_600_000).optional(),
  route: name.optional(),
});

interface Named {
  Params: { readonly id: string };
}

/** Traces of all gateways of a Redis, in a stream. */
function createTraces(redis: Redis) {
  const stream = `{${encodeKeyPart("app", redis.app)}}:gateway:traces`;
  async function read(from: string, to: string): Promise<Rows<TraceAnswer>> {
    const reply = await redis.send(["XREVRANGE", stream, from, to, "COUNT", String(TRACES_MAX)]);
    const { rows, unreadable } = readRows<Trace>(reply, ["scope", "route"]);
    return { rows: rows.map((row) => ({ ...row, object: "trace" })), unreadable };
  }
  return {
    async keep(traces: readonly Trace[]): Promise<void> {
      const rows = traces.map((trace) => {
        return ["XADD", stream, "MAXLEN", "~", String(TRACES_MAX), "*", "trace", JSON.stringify(trace)];
      });
      await redis.pipeline([...rows, ["PEXPIRE", stream, String(KEPT_MS)]], { timeoutMs: 1_000 });
    },
    /** All of them, the newest first. */
    list: (after: string | undefined) => read(after === undefined ? "+" : `(${after}`, "-"),
    get: async (id: string): Promise<TraceAnswer | undefined> => (await read(id, id)).rows[0],
  };
}

/** Registers `/v1/admin/traces`: a sample of a scope's latest requests with their stages, without content. */
export function registerTraces(
  { app, redis, metrics }: GatewayApp,
  { dashboard }: Pick<GatewayConfig, "dashboard">,
): void {
  const { traces: when, tracesPerSecond: perSecond } = dashboard;
  const traces = createTraces(redis);
  const recording =
    when === "off"
      ? undefined
      : recordRequests(app, {
          when,
          perSecond,
          keep: (recorded) =>
            traces.keep(recorded).catch((error: unknown) => {
              metrics.degraded("traces", MarrowError.is(error) ? error.code : "internal");
            }),
        });

  app.get(
    "/v1/admin/traces",
    { onRequest: checkAdmin, schema: { querystring: tracesQuery } },
    async (request): Promise<TracesAnswer> => {
      recording?.wake();
      const { after, limit = 25, failed, near, min_ms: minMs = 0, route } = tracesQuery.parse(request.query);
      const scope = scopeOf(request);
      const { rows, unreadable } = await traces.list(after);
      const found = rows.filter(
        (trace) =>
          trace.scope === scope &&
          trace.took_ms >= minMs &&
          (route === undefined || trace.route === route) &&
          (near !== "true" || (trace.veto !== undefined && trace.veto !== FAR)) &&
          (failed !== "true" || trace.status >= 400),
      );
      const data = found.slice(0, limit);
      const next = found.length > limit ? { next: data.at(-1)?.id } : {};
      const beside = { ...next, ...withUnreadable(unreadable) };
      return { object: "list", recording: when, per_second: perSecond, data, ...beside };
    },
  );

  app.get<Named>(
    "/v1/admin/traces/:id",
    { onRequest: checkAdmin, schema: { querystring: z.looseObject({ scope: name.optional() }) } },
    async (request): Promise<TraceAnswer> => {
      const { id } = request.params;
      const found = ID.test(id) ? await traces.get(id) : undefined;
      if (found === undefined || found.scope !== scopeOf(request))
        throw new MarrowError("not_found", "the scope has no trace of this id", { details: { path: "id" } });
      return found;
    },
  );
}
