import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";
import { admit } from "../models/asking.ts";
import type { GatewayApp } from "../parts.ts";
import type { CacheAnswer, ExplainAnswer } from "./answers.ts";
import { toExplainAnswer, toRequest } from "./explaining.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { name, scoped } from "./queries.ts";

const text = z.string().min(1).max(100_000);
const feedbackBody = z.strictObject({
  right: z.boolean(),
  match: z.enum(["exact", "alias", "similar", "judged"]),
  score: z.number().min(0).max(1),
  wording: z.string().min(1).max(64).optional(),
});
const explainBody = z.strictObject({ model: name, prompt: text, system: text.optional(), user: name.optional() });

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/admin/cache`: audit results of a scope's cache, its decision about a prompt with reasons, and deleting one answer. */
export function registerCacheAdmin(
  parts: GatewayApp,
  { cache, dashboard }: Pick<GatewayConfig, "cache" | "dashboard">,
): void {
  const { app, tenants } = parts;
  const shows = dashboard.content === "visible";

  app.get(
    "/v1/admin/cache",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<CacheAnswer> => {
      const report = await tenants(scopeOf(request)).cacheReport();
      const { enabled, semantic, preset, ttlMs, per, personal } = cache;
      return {
        object: "cache",
        enabled,
        semantic,
        preset,
        ttl_ms: ttlMs,
        per,
        personal,
        ...(report !== undefined && { report }),
      };
    },
  );

  app.post(
    "/v1/admin/cache/explain",
    { onRequest: checkAdmin, schema: { body: explainBody, querystring: scoped } },
    async (request): Promise<ExplainAnswer> => {
      const { model, prompt, system, user = request.principal.user } = request.body as z.infer<typeof explainBody>;
      const { id: key, plan } = request.principal;
      const { tenant, per } = await admit(parts, { scope: scopeOf(request), user, key, plan });
      const explained = await tenant.flow.explain({ request: toRequest({ model, prompt, system }), user, key, per });
      return toExplainAnswer(prompt, explained, shows);
    },
  );

  app.post<Named>(
    "/v1/admin/cache/entries/:id/feedback",
    { onRequest: checkAdmin, schema: { body: feedbackBody, querystring: scoped } },
    async (request) => {
      const { id } = request.params;
      const { right, ...found } = request.body as z.infer<typeof feedbackBody>;
      if (!(await tenants(scopeOf(request)).auditAnswer({ id, ...found }, right)))
        throw new MarrowError("unsupported", "the cache is off in the configuration");
      return { id, object: "cache.feedback", right };
    },
  );

  app.delete<Named>(
    "/v1/admin/cache/entries/:id",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request) => {
      const { id } = request.params;
      if (!(await tenants(scopeOf(request)).forgetAnswer(id)))
        throw new MarrowError("not_found", "the cache has no answer of this id", { details: { path: "id" } });
      return { id, object: "cache.entry.deleted", deleted: true };
    },
  );
}
