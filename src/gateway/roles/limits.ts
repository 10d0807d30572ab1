import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { COST_MAX, type Decision, type RuleState, type Standing } from "../../limiter/index.ts";
import { toLimitHeaders } from "../../limiter/http/index.ts";
import { toRefusal } from "../http/error-body.ts";
import { pairsOf } from "../http/pairs.ts";
import { limitSchema, type LimitDefinition } from "../limits/index.ts";
import type { GatewayApp } from "../parts.ts";

const units = z.number().min(0).max(COST_MAX).optional();
const costs = z.strictObject({ requests: units, tokens: units, cost: units, concurrency: units }).optional();
/** The same as the largest number of rules. */
const SUBJECTS_MAX = 16;
const subjects = pairsOf(z.string().min(1).max(128), z.string().min(1).max(512), {
  max: SUBJECTS_MAX,
  message: `must be at most ${SUBJECTS_MAX} subjects`,
}).optional();

const takeBody = z.strictObject({
  subjects,
  costs,
  reserve: z.boolean().optional(),
  wait_ms: z.int().min(0).max(30_000).optional(),
});
const peekBody = z.strictObject({ subjects, costs });
const settleBody = z.strictObject({ permit: z.string().min(1).max(16_384), costs });

interface Named {
  Params: { readonly limit: string };
}

/** Names of limits; those of the gateway's own are none of them. */
const NAME = /^[\w.:-]{1,100}$/;
const OWN: ReadonlySet<string> = new Set(["chat", "http-reads", "http-writes"]);

/** Registers `/v1/limits/{name}`: the library's limiter for programs in any language, for keys that act for any user. */
export function registerLimits({ app, limits, metrics }: GatewayApp): void {
  const of = ({ principal }: FastifyRequest) => limits(principal.scope);
  const nameOf = ({ params }: FastifyRequest<Named>) => {
    if (NAME.test(params.limit) && !OWN.has(params.limit)) return params.limit;
    throw new MarrowError(
      "invalid_input",
      `a limit's name has 1 to 100 letters, digits and ._:- and is none of ${[...OWN].join(", ")}, which are the gateway's own`,
      { details: { path: "name" } },
    );
  };

  app.put<Named>("/v1/limits/:limit", { schema: { body: limitSchema } }, async (request) => {
    const name = nameOf(request);
    const definition = request.body as LimitDefinition;
    await of(request).define(name, definition);
    return toLimit(name, definition);
  });

  app.get("/v1/limits", async (request) => {
    const data = [...(await of(request).all())].map(([name, definition]) => toLimit(name, definition));
    return { object: "list", data };
  });

  app.get<Named>("/v1/limits/:limit", async (request) => {
    const name = nameOf(request);
    const definition = (await of(request).all()).get(name);
    if (definition === undefined) throw notFound();
    return toLimit(name, definition);
  });

  app.delete<Named>("/v1/limits/:limit", async (request) => {
    const name = nameOf(request);
    if (!(await of(request).remove(name))) throw notFound();
    return { name, object: "limit.deleted", deleted: true };
  });

  app.post<Named>("/v1/limits/:limit/take", { schema: { body: takeBody } }, async (request, reply) => {
    const body = request.body as z.infer<typeof takeBody>;
    const name = nameOf(request);
    const gone = new AbortController();
    const leave = () => gone.abort();
    request.raw.socket.once("close", leave);
    try {
      const wait = body.wait_ms === undefined ? {} : { wait: { maxMs: body.wait_ms }, signal: gone.signal };
      const options = { reserve: body.reserve ?? false, renew: false, ...wait };
      const decision = await of(request).take(name, body.subjects ?? {}, body.costs ?? {}, options);
      if (!decision.allowed) metrics.refused("limits");
      return answer(reply, decision);
    } finally {
      request.raw.socket.off("close", leave);
    }
  });

  app.post<Named>("/v1/limits/:limit/peek", { schema: { body: peekBody } }, async (request, reply) => {
    const body = request.body as z.infer<typeof peekBody>;
    const limiter = await of(request).limiter(nameOf(request));
    const standing = await limiter.peek(body.subjects ?? {}, body.costs ?? {});
    return reply.headers(toLimitHeaders(standing)).send(toBody(standing));
  });

  app.post<Named>("/v1/limits/:limit/settle", { schema: { body: settleBody } }, async (request) => {
    const { permit, costs: spent = {} } = request.body as z.infer<typeof settleBody>;
    const counted = await of(request).settle(nameOf(request), permit, spent);
    return { object: "limit.settlement", counted };
  });
}

/** Sends a decision with the state of each rule; a refusal is a 429. */
function answer(reply: FastifyReply, decision: Decision): FastifyReply {
  const body = toBody(decision);
  if (decision.allowed) {
    const permit = decision.token === undefined ? {} : { permit: decision.token };
    return reply.headers(toLimitHeaders(decision)).send({ ...body, ...permit });
  }
  const { refusedBy, retryAfterMs } = decision;
  const { status, headers, body: told } = toRefusal(refusedBy, retryAfterMs, toLimitHeaders(decision));
  return reply
    .code(status)
    .headers(headers)
    .send({ ...body, ...told });
}

function toBody(decision: Decision | Standing) {
  const { allowed, degraded, rules } = decision;
  const refusal = allowed
    ? {}
    : {
        refused_by: decision.refusedBy,
        retry_after_ms: decision.retryAfterMs === undefined ? null : Math.ceil(decision.retryAfterMs),
      };
  return { object: "limit.decision", allowed, degraded, ...refusal, rules: rules.map(toRuleBody) };
}

function toRuleBody({ id, unit, limit, windowMs, used, remaining, resetMs }: RuleState) {
  return { id, unit, limit, window_ms: windowMs, used, remaining, reset_ms: resetMs };
}

function toLimit(name: string, definition: LimitDefinition) {
  return { name, object: "limit", ...definition };
}

function notFound(): MarrowError {
  return new MarrowError("not_found", "no limit of this name is declared", { details: { path: "name" } });
}
