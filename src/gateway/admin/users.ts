import { z } from "zod";
import type { Fact } from "../../memory/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import { forgetThings } from "../tenancy/forgetting.ts";
import { MarrowError } from "../../errors.ts";
import { cannotServe } from "../../redis/index.ts";
import type { ContextAnswer, FactAnswer } from "./answers-roles.ts";
import type { ListAnswer, SessionEntryAnswer, TurnsAnswer, UserAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { withUnreadable } from "./rows.ts";
import { toContext, toTurnsAnswer } from "./turns.ts";
import { name, nothing, pageLimit, scoped } from "./queries.ts";

const usersQuery = z.looseObject({
  scope: name.optional(),
  limit: z.coerce.number().int().min(1).max(50).optional(),
});
const sessionsQuery = z.looseObject({
  scope: name.optional(),
  after: z.string().min(1).max(1_024).optional(),
  limit: pageLimit,
});
const turnsQuery = z.looseObject({
  scope: name.optional(),
  before: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 40)
    .optional(),
  limit: pageLimit,
});
const factsQuery = z.looseObject({ scope: name.optional(), all: z.enum(["true", "false"]).optional() });
/** Most facts returned, newest first. */
const FACTS_MAX = 500;

interface OfUser {
  Params: { readonly id: string };
}
interface OfFact {
  Params: { readonly id: string; readonly fact: string };
}
interface OfSession {
  Params: { readonly id: string; readonly session: string };
}

/**
 * Registers `/v1/admin/users`: users that are busy today and near a limit, a user's sessions and turns, and deleting a user in all roles.
 */
export function registerUsers(
  parts: GatewayApp,
  { dashboard, sessions }: Pick<GatewayConfig, "dashboard" | "sessions">,
): void {
  const { app, tenants, spend, accounts } = parts;
  const shows = dashboard.content === "visible";

  /** The limit that a user is nearest to; none where the limiter does not answer in its time: the rest of the page does. */
  async function standingOf(scope: string, user: string): Promise<Pick<UserAnswer, "plan" | "nearest">> {
    const planned = await accounts.planOf(scope, user);
    const limiter = tenants(scope).limiter(await accounts.plan(planned), undefined);
    const standing = await limiter?.peek({ user }, { concurrency: 0 }).catch((error: unknown) => {
      if (cannotServe(error)) return undefined;
      throw error;
    });
    const near = (standing?.rules ?? [])
      .filter(({ id, limit }) => id.startsWith("user-") && limit > 0)
      .toSorted((one, other) => other.used / other.limit - one.used / one.limit)[0];
    const nearest = near && { rule: near.id, used: near.used, limit: near.limit, reset_ms: near.resetMs };
    return { plan: planned, nearest };
  }

  app.get(
    "/v1/admin/users",
    { onRequest: checkAdmin, schema: { querystring: usersQuery } },
    async (request): Promise<ListAnswer<UserAnswer>> => {
      const { limit = 20 } = usersQuery.parse(request.query);
      const scope = scopeOf(request);
      const today = new Date().toISOString().slice(0, 10);
      await spend.flush();
      const rows = (await spend.read(scope, "user", today, today, "requests")).slice(0, limit);
      const data = await Promise.all(
        rows.map(async ({ name: user, requests, promptTokens, completionTokens, micros }): Promise<UserAnswer> => {
          const spent = { requests, tokens: promptTokens + completionTokens, cost: micros / 1_000_000 };
          return { id: user, object: "user", ...spent, ...(await standingOf(scope, user)) };
        }),
      );
      return { object: "list", data };
    },
  );

  app.get<OfUser>(
    "/v1/admin/users/:id/sessions",
    { onRequest: checkAdmin, schema: { querystring: sessionsQuery } },
    async (request): Promise<ListAnswer<SessionEntryAnswer>> => {
      const { after, limit = 25 } = sessionsQuery.parse(request.query);
      const { memory } = tenants(scopeOf(request));
      const { data, cursor } = await memory.sessions({ user: request.params.id, after, limit });
      const entries = data.map(({ id, version, createdAtMs, changedAtMs, metadata }): SessionEntryAnswer => {
        const times = { created_at_ms: createdAtMs, changed_at_ms: changedAtMs };
        return { id, object: "session.entry", turns: version, ...times, ...(shows && { metadata }) };
      });
      const unreadable = data.filter((entry) => entry.unreadable !== undefined).length;
      const next = cursor !== undefined && { next: cursor };
      return { object: "list", data: entries, ...next, ...withUnreadable(unreadable) };
    },
  );

  app.get<OfSession>(
    "/v1/admin/users/:id/sessions/:session",
    { onRequest: checkAdmin, schema: { querystring: turnsQuery } },
    async (request): Promise<TurnsAnswer> => {
      const { before, limit = 25 } = turnsQuery.parse(request.query);
      const { id: user, session } = request.params;
      const { memory } = tenants(scopeOf(request));
      const read = await memory.session({ user, id: session }).read({ before, limit, from: "newest" });
      return toTurnsAnswer(read, shows);
    },
  );

  app.get<OfSession>(
    "/v1/admin/users/:id/sessions/:session/context",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<ContextAnswer> => {
      const { id: user, session } = request.params;
      const { memory } = tenants(scopeOf(request));
      const { turns } = await memory.session({ user, id: session }).window({ last: sessions.turns });
      return { object: "session.context", hidden: !shows, turns_max: sessions.turns, data: toContext(turns, shows) };
    },
  );

  app.get<OfUser>(
    "/v1/admin/users/:id/facts",
    { onRequest: checkAdmin, schema: { querystring: factsQuery } },
    async (request): Promise<ListAnswer<FactAnswer>> => {
      const { all } = factsQuery.parse(request.query);
      const facts = await tenants(scopeOf(request))
        .memory.facts(request.params.id)
        .list({ all: all === "true" });
      return { object: "list", data: facts.slice(0, FACTS_MAX).map((fact) => toFact(fact, shows)) };
    },
  );

  app.delete<OfFact>(
    "/v1/admin/users/:id/facts/:fact",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request) => {
      const { id: user, fact } = request.params;
      if ((await tenants(scopeOf(request)).memory.facts(user).forget([fact])) === 0)
        throw new MarrowError("not_found", "the user has no fact of this id", { details: { path: "fact" } });
      return { id: fact, object: "fact.deleted", deleted: true };
    },
  );

  app.post<OfUser>(
    "/v1/admin/users/:id/forget",
    { onRequest: checkAdmin, schema: { body: nothing, querystring: scoped } },
    async (request) => {
      const scope = scopeOf(request);
      const { id } = request.params;
      const things = await forgetThings(parts, scope, id);
      return { object: "memory.receipt", ...(await tenants(scope).forget(id)), ...things };
    },
  );
}

function toFact(fact: Fact, shows: boolean): FactAnswer {
  const { id, kind, trust, importance, pinned, seen, createdAtMs, seenAtMs, source, supersededBy, text, key } = fact;
  const { role, session, sequence } = source;
  return {
    id,
    object: "fact",
    kind,
    trust,
    importance,
    pinned,
    seen,
    created_at_ms: createdAtMs,
    seen_at_ms: seenAtMs,
    source: { role, session, sequence },
    superseded_by: supersededBy,
    hidden: !shows,
    ...(shows && { text, key }),
  };
}
