import type { FastifyReply } from "fastify";
import type { Provenance, SharedPer } from "../../flow/index.ts";
import type { Decision, Limiter } from "../../limiter/index.ts";
import { toLimitHeaders } from "../../limiter/http/index.ts";
import type { Served } from "../../models/index.ts";
import type { KnownPlans } from "../tenancy/accounts.ts";
import type { Asker } from "../tenancy/asker.ts";
import { toRefusal } from "../http/error-body.ts";
import type { GatewayApp } from "../parts.ts";
import type { Tenant } from "../tenancy/tenants.ts";

/** Roles and limits of a caller. */
export interface Admitted {
  readonly tenant: Tenant;
  readonly limiter: Limiter | undefined;
  /** Groups within which answers may be shared. */
  readonly per: readonly SharedPer[];
}

/** Returns the current roles and limits of a caller; synchronously if the plans are cached. */
export function admit(
  { tenants, accounts }: Pick<GatewayApp, "tenants" | "accounts">,
  { scope, user, plan }: Asker,
): Admitted | Promise<Admitted> {
  const tenant = tenants(scope);
  const known = accounts.known(scope, user, plan);
  if (known !== undefined) return toAdmitted(tenant, known);
  return (async () => {
    const userPlan = await accounts.plan(await accounts.planOf(scope, user));
    return toAdmitted(tenant, { userPlan, keyPlan: await accounts.plan(plan) });
  })();
}

function toAdmitted(tenant: Tenant, { userPlan, keyPlan }: KnownPlans): Admitted {
  const limiter = tenant.limiter(userPlan, keyPlan);
  if (userPlan?.cachePer === undefined && keyPlan?.cachePer === undefined) return { tenant, limiter, per: ANYBODY };
  return { tenant, limiter, per: [userPlan?.cachePer, keyPlan?.cachePer].filter((one) => one !== undefined) };
}

const ANYBODY: readonly SharedPer[] = [];

/** Sends the response to a limit's refusal. */
export function refuseCall(
  reply: FastifyReply,
  { metrics }: Pick<GatewayApp, "metrics">,
  decision: Extract<Decision, { allowed: false }>,
): FastifyReply {
  const { refusedBy, retryAfterMs } = decision;
  metrics.refused(refusedBy);
  const refusal = toRefusal(refusedBy, retryAfterMs, toLimitHeaders(decision));
  return reply.code(refusal.status).headers(refusal.headers).send(refusal.body);
}

/** Sends the response to a request with `only-if-cached` that has no stored answer. */
export function tellAbsent(reply: FastifyReply, headers: Readonly<Record<string, string>>): FastifyReply {
  const message = "no stored answer serves this request";
  const error = { message, type: "invalid_request_error", param: null, code: "not_cached" };
  return reply
    .code(504)
    .headers({ ...headers, "x-marrow-attempts": "0" })
    .send({ error });
}

/** Returns the headers that name the upstream that answered, and the number of calls. */
export function toServedHeaders({ upstream, attempts }: Served): Readonly<Record<string, string>> {
  return { "x-marrow-upstream": upstream, "x-marrow-attempts": String(attempts) };
}

/** Answers for which a model was asked, by this request or by another one that wanted the same. */
const ASKED: ReadonlySet<string> = new Set(["miss", "bypass", "shared"]);

/** Returns the headers that describe an answer's origin. */
export function toHeaders(
  { cache, similarity, veto, ageMs, saved, session, served, decision }: Provenance,
  traceId: string,
): Record<string, string> {
  const headers = toLimitHeaders(decision);
  headers["x-marrow-cache"] = cache;
  headers["x-request-id"] = traceId;
  if (served !== undefined) Object.assign(headers, toServedHeaders(served));
  else if (!ASKED.has(cache)) headers["x-marrow-attempts"] = "0";
  if (similarity !== undefined) headers["x-marrow-cache-similarity"] = similarity.toFixed(4);
  if (veto !== undefined) headers["x-marrow-cache-veto"] = veto;
  if (saved !== undefined) headers["x-marrow-saved"] = toSavedHeader(saved);
  if (ageMs !== undefined) headers["age"] = String(Math.floor(ageMs / 1000));
  if (session !== undefined) headers["x-marrow-session-state"] = session;
  return headers;
}

/** Formats the savings of a stored answer, such as `cost=0.000123, tokens=46, seconds=0.83`; without a cost if no price was known. */
function toSavedHeader({ micros, promptTokens, completionTokens, tookMs }: NonNullable<Provenance["saved"]>): string {
  const cost = micros === undefined ? "" : `cost=${(micros / 1_000_000).toFixed(6)}, `;
  return `${cost}tokens=${promptTokens + completionTokens}, seconds=${(tookMs / 1_000).toFixed(3)}`;
}
