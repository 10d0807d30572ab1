import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { encodeKeyPart, type Redis } from "../../redis/index.ts";
import { isRead, type SignIns } from "../dashboard/sign-ins.ts";
import type { GatewayApp } from "../parts.ts";
import type { AuditAnswer, ListAnswer } from "./answers.ts";
import { checkAdmin } from "./guard.ts";
import { pageLimit } from "./queries.ts";
import { readRows, withUnreadable } from "./rows.ts";

/** Acts that are kept. */
const ACTS_MAX = 10_000;
const NAME_CHARS_MAX = 256;
const ID = /^\d{1,16}-\d{1,16}$/;
const auditQuery = z.looseObject({
  after: z.string().regex(ID).optional(),
  limit: pageLimit,
});

type Act = Omit<AuditAnswer, "id" | "at_ms">;
type Line = readonly [id: string, fields: readonly string[]];

/** Acts of administrators, in a stream of Redis that keeps the last {@link ACTS_MAX}. */
interface Audit {
  note(act: Act): Promise<void>;
  list(options: { readonly after?: string | undefined; readonly limit: number }): Promise<ListAnswer<AuditAnswer>>;
}

function createAudit(redis: Redis): Audit {
  const stream = `{${encodeKeyPart("app", redis.app)}}:gateway:audit`;
  return {
    async note(act) {
      const text = JSON.stringify(act);
      await redis.send(["XADD", stream, "MAXLEN", "~", String(ACTS_MAX), "*", "act", text], { timeoutMs: 1_000 });
    },
    async list({ after, limit }) {
      const from = after === undefined ? "+" : `(${after}`;
      const reply = (await redis.send(["XREVRANGE", stream, from, "-", "COUNT", String(limit + 1)])) as readonly Line[];
      const page = reply.slice(0, limit);
      const { rows, unreadable } = readRows<Act>(page, ["act"]);
      const data = rows.map((row): AuditAnswer => ({ ...row, at_ms: Number(row.id.split("-")[0]) }));
      const next = reply.length > limit ? { next: page.at(-1)?.[0] } : {};
      return { object: "list", data, ...next, ...withUnreadable(unreadable) };
    },
  };
}

/**
 * Records every act of the administration routes registered afterwards, before its response is sent, and registers `GET /v1/admin/audit`,
 * latest first. An entry has the actor, the route, its path and query parameters, and the status; no body, so no secret and no prompt.
 */
export function registerAudit({ app, redis, metrics }: GatewayApp, signIns: SignIns | undefined): void {
  const audit = createAudit(redis);
  noteActs(app, signIns, async (act) => {
    try {
      await audit.note(act);
    } catch (error) {
      metrics.degraded("audit", MarrowError.is(error) ? error.code : "internal");
    }
  });
  app.get("/v1/admin/audit", { onRequest: checkAdmin, schema: { querystring: auditQuery } }, async (request) => {
    const { after, limit = 50 } = auditQuery.parse(request.query);
    return audit.list({ after, limit });
  });
}

function noteActs(app: FastifyInstance, signIns: SignIns | undefined, note: (act: Act) => Promise<void>): void {
  app.addHook("onRoute", (route) => {
    const methods = [route.method].flat();
    if (!route.url.startsWith("/v1/admin/") || methods.every(isRead)) return;
    const before = [route.onSend ?? []].flat();
    route.onSend = [
      ...before,
      async (request, reply, payload) => {
        // Requests without a valid key could otherwise fill the log with refusals and push out real acts.
        const { role } = request.principal ?? {};
        if (role !== undefined && !isRead(request.method))
          await note(toAct(request, reply.statusCode, signIns?.of(request) !== undefined));
        return payload;
      },
    ];
  });
}

function toAct(request: FastifyRequest, status: number, isDashboard: boolean): Act {
  const { principal } = request;
  const named = { ...(request.params as object), ...(request.query as object) };
  return {
    by: principal.id,
    by_name: principal.name.slice(0, NAME_CHARS_MAX),
    role: principal.role ?? "none",
    via: isDashboard ? "dashboard" : "key",
    act: `${request.method} ${request.routeOptions.url ?? ""}`,
    target: Object.fromEntries(
      Object.entries(named)
        .flatMap(([name, value]) =>
          typeof value === "string" ? [[name.slice(0, NAME_CHARS_MAX), value.slice(0, NAME_CHARS_MAX)]] : [],
        )
        .slice(0, 8),
    ),
    status,
    request_id: request.id,
  };
}
