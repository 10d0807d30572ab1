import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { Limiter } from "../../limiter/index.ts";
import { KEY_LIFE_MS_MAX } from "../tenancy/api-keys.ts";
import type { KeyAnswer, ListAnswer } from "./answers.ts";
import { planSchema, type Plan } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import { pairsOf } from "../http/pairs.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { toKey } from "./key-answer.ts";
import { checkDays } from "./savings.ts";
import { name, reportPage, scoped, toReportPage } from "./queries.ts";

const planName = z.string().min(1).max(128);
const forMs = z
  .int()
  .min(1)
  .max(366 * 86_400_000);
const actsFor = z.enum(["own", "any"]);
/** When a key ends, in milliseconds since 1970: ten years from now at most. */
const endsAt = z
  .int()
  .min(0)
  .refine((atMs) => atMs <= Date.now() + KEY_LIFE_MS_MAX, "must be at most ten years from now");
const keyBody = z.strictObject({
  scope: name,
  user: name,
  name: name.default("made by the admin API"),
  plan: planName.optional(),
  role: z.enum(["admin", "viewer"]).optional(),
  acts_for: actsFor.optional(),
  ends_at_ms: endsAt.optional(),
});
const keyChanges = z.strictObject({
  name: name.optional(),
  plan: planName.nullable().optional(),
  acts_for: actsFor.optional(),
  ends_at_ms: endsAt.nullable().optional(),
});
const rotation = z.strictObject({ overlap_ms: z.int().min(0).max(KEY_LIFE_MS_MAX).optional() }).nullish();
const keysQuery = z.looseObject({
  scope: name.optional(),
  after: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
});
/** Default overlap of a rotated key with the new one. */
const OVERLAP_MS = 86_400_000;
const userBody = z.strictObject({ plan: planName.nullable() });
const blockBody = z.strictObject({ for_ms: forMs.optional() });
/** Limits that one body may name: several times as many as a limiter has. */
const LIMITS_MAX = 64;
const someLimits = pairsOf(name, z.number().min(0), {
  max: LIMITS_MAX,
  message: `must be at most ${LIMITS_MAX} limits`,
});
const limitsBody = z.strictObject({ limits: someLimits, for_ms: forMs.optional() });
const boostBody = z.strictObject({ more: someLimits, for_ms: forMs });
const laneBody = z.strictObject({ model: name, provider: name.optional() });
const day = z.iso.date();
const spendQuery = z.looseObject({
  scope: name.optional(),
  by: z.enum(["key", "user", "model"]).optional(),
  from: day.optional(),
  to: day.optional(),
  ...reportPage,
});

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/admin/…`: keys, users, plans and spending of every scope, for keys with the role `admin`. */
export function registerAdmin({ app, keys, accounts, tenants, spend, lanes, standings, reload }: GatewayApp): void {
  const onRequest = checkAdmin;

  async function known(plan: string | null | undefined): Promise<void> {
    if (typeof plan === "string" && (await accounts.plan(plan)) === undefined)
      throw new MarrowError("not_found", "there is no plan of this name", { details: { path: "plan" } });
  }

  /** The limits of a user as they hold for a call with this admin's scope. */
  async function limitsOf(request: FastifyRequest<Named>): Promise<Limiter> {
    const scope = scopeOf(request);
    const plan = await accounts.plan(await accounts.planOf(scope, request.params.id));
    const limiter = tenants(scope).limiter(plan, undefined);
    if (limiter === undefined) throw new MarrowError("unsupported", "limits are off in the configuration");
    return limiter;
  }

  app.post("/v1/admin/keys", { onRequest, schema: { body: keyBody } }, async (request, reply: FastifyReply) => {
    const { acts_for: acts, ends_at_ms: endsAtMs, ...asked } = keyBody.parse(request.body);
    await known(asked.plan);
    if (endsAtMs !== undefined && endsAtMs <= Date.now())
      throw new MarrowError("invalid_input", "ends_at_ms must be in the future", { details: { path: "ends_at_ms" } });
    const key = await keys.create({ ...asked, actsFor: acts, ...(endsAtMs !== undefined && { endsAtMs }) });
    const principal = await keys.identify(key);
    // The only time that it is seen.
    return reply.code(201).send({ ...toKey(principal), key });
  });

  app.get(
    "/v1/admin/keys",
    { onRequest, schema: { querystring: keysQuery } },
    async (request): Promise<ListAnswer<KeyAnswer>> => {
      const { data, cursor } = await keys.list(keysQuery.parse(request.query));
      return { object: "list", data: data.map(toKey), ...(cursor !== undefined && { next: cursor }) };
    },
  );

  app.post<Named>(
    "/v1/admin/keys/:id/rotate",
    { onRequest, schema: { body: rotation } },
    async (request, reply: FastifyReply) => {
      const { overlap_ms: overlapMs = OVERLAP_MS } = (request.body as z.infer<typeof rotation>) ?? {};
      const rotated = await keys.rotate(request.params.id, { overlapMs });
      if (rotated === undefined) throw notFound("key");
      return reply.code(201).send({ ...toKey(rotated.made), key: rotated.key, before: toKey(rotated.before) });
    },
  );

  app.post<Named>("/v1/admin/keys/:id", { onRequest, schema: { body: keyChanges } }, async (request) => {
    const {
      name: called,
      plan: planned,
      acts_for: acts,
      ends_at_ms: ends,
    } = request.body as z.infer<typeof keyChanges>;
    await known(planned);
    const changed = await keys.update(request.params.id, {
      ...(called !== undefined && { name: called }),
      ...(planned !== undefined && { plan: planned ?? undefined }),
      ...(acts !== undefined && { actsFor: acts }),
      ...(ends !== undefined && { endsAtMs: ends ?? undefined }),
    });
    if (changed === undefined) throw notFound("key");
    return toKey(changed);
  });

  app.delete<Named>("/v1/admin/keys/:id", { onRequest }, async (request) => {
    if (!(await keys.remove(request.params.id))) throw notFound("key");
    return { id: request.params.id, object: "key.deleted", deleted: true };
  });

  app.get("/v1/admin/plans", { onRequest }, async () => ({
    object: "list",
    data: Object.fromEntries(await accounts.plans()),
  }));

  app.put<Named>("/v1/admin/plans/:id", { onRequest, schema: { body: planSchema } }, async (request) => {
    checkPlanName(request.params.id);
    await accounts.setPlan(request.params.id, request.body as Plan);
    return { id: request.params.id, object: "plan", ...(request.body as Plan) };
  });

  app.delete<Named>("/v1/admin/plans/:id", { onRequest }, async (request) => {
    await accounts.setPlan(request.params.id, undefined);
    return { id: request.params.id, object: "plan.deleted", deleted: true };
  });

  app.get<Named>("/v1/admin/users/:id", { onRequest, schema: { querystring: scoped } }, async (request) => {
    const limiter = await limitsOf(request);
    const { id } = request.params;
    // Keys' plans count beside it: this is how the user stands.
    const standing = await limiter.peek({ user: id }, { concurrency: 0 });
    const exceptions = await limiter.exceptionOf({ user: id });
    return {
      id,
      object: "user",
      plan: (await accounts.planOf(scopeOf(request), id)) ?? null,
      blocked: exceptions?.blocked !== undefined,
      exceptions: exceptions?.rules ?? {},
      limits: standing.rules.filter((rule) => rule.id.startsWith("user-")),
    };
  });

  app.put<Named>(
    "/v1/admin/users/:id",
    { onRequest, schema: { body: userBody, querystring: scoped } },
    async (request) => {
      const { plan: planned } = request.body as z.infer<typeof userBody>;
      await known(planned);
      await accounts.setPlanOf(scopeOf(request), request.params.id, planned ?? undefined);
      return { id: request.params.id, object: "user", plan: planned };
    },
  );

  const acts: Readonly<
    Record<
      string,
      { readonly body: z.ZodType; readonly act: (limiter: Limiter, user: string, body: never) => Promise<void> }
    >
  > = {
    block: {
      body: blockBody,
      act: (limiter, user, { for_ms: ms }: z.infer<typeof blockBody>) => limiter.block({ user }, { forMs: ms }),
    },
    unblock: { body: z.strictObject({}), act: (limiter, user) => limiter.unblock({ user }) },
    override: {
      body: limitsBody,
      act: (limiter, user, { limits, for_ms: ms }: z.infer<typeof limitsBody>) =>
        limiter.override({ user }, limits, { forMs: ms }),
    },
    boost: {
      body: boostBody,
      act: (limiter, user, { more, for_ms: ms }: z.infer<typeof boostBody>) =>
        limiter.boost({ user }, more, { forMs: ms }),
    },
    restore: { body: z.strictObject({}), act: (limiter, user) => limiter.restore({ user }) },
  };
  for (const [verb, { body, act }] of Object.entries(acts)) {
    app.post<Named>(
      `/v1/admin/users/:id/${verb}`,
      { onRequest, schema: { body, querystring: scoped } },
      async (request) => {
        await act(await limitsOf(request), request.params.id, request.body as never);
        return { id: request.params.id, object: "user", done: verb };
      },
    );
  }

  /** Opens the lanes of a model that its provider closed, on every gateway of this Redis within a quarter of a second. */
  app.post("/v1/admin/lanes/open", { onRequest, schema: { body: laneBody } }, async (request) => {
    const { model, provider } = request.body as z.infer<typeof laneBody>;
    if (lanes === undefined)
      throw new MarrowError("unsupported", "this gateway does not follow the limits of providers");
    return { object: "lanes", model, opened: await lanes.open(model, provider) };
  });

  /** Health of upstreams that replace one another, as seen by this gateway. */
  app.get("/v1/admin/upstreams", { onRequest }, async () => ({
    object: "list",
    data: (standings?.() ?? []).map(({ remainingMs, inFlight, ...standing }) => ({
      ...standing,
      remaining_ms: remainingMs,
      in_flight: inFlight,
    })),
  }));

  /** All gateways of this Redis read their configuration again. */
  app.post("/v1/admin/reload", { onRequest, schema: { body: z.strictObject({}).nullish() } }, async () => {
    if (reload === undefined)
      throw new MarrowError(
        "unsupported",
        "this gateway was not started from a configuration file, so it cannot reload one",
      );
    return { object: "reload", gateways: await reload() };
  });

  app.get("/v1/admin/spend", { onRequest, schema: { querystring: spendQuery } }, async (request) => {
    const today = new Date().toISOString().slice(0, 10);
    const { by = "model", to = today, from = to, ...page } = spendQuery.parse(request.query);
    checkDays(from, to);
    await spend.flush();
    const { data, next } = toReportPage(await spend.read(scopeOf(request), by, from, to), page);
    return {
      object: "list",
      by,
      from,
      to,
      data: data.map(({ promptTokens, completionTokens, micros, ...row }) => ({
        ...row,
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        cost: micros / 1_000_000,
      })),
      ...(next !== undefined && { next }),
    };
  });
}

/** A plan's name in a path. @throws MarrowError `invalid_input` */
function checkPlanName(plan: string): void {
  // This name would change an object's prototype in JSON; most readers lose it.
  if (!planName.safeParse(plan).success || plan === "__proto__")
    throw new MarrowError("invalid_input", "a plan's name has 1 to 128 characters, and is not __proto__", {
      details: { path: "id" },
    });
}

function notFound(what: string): MarrowError {
  return new MarrowError("not_found", `there is no ${what} of this id`, { details: { path: "id" } });
}
