import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { Fact, Facts, NewFact, Recalled } from "../../memory/index.ts";
import { forgetThings } from "../tenancy/forgetting.ts";
import { userOf } from "../tenancy/identity.ts";
import type { GatewayApp } from "../parts.ts";

const kind = z.enum(["semantic", "episodic", "preference", "procedure"]);
const rememberBody = z.strictObject({
  text: z.string().min(1).max(4_000),
  kind: kind.optional(),
  key: z.string().min(1).max(256).optional(),
  importance: z.number().min(0).max(1).optional(),
  pinned: z.boolean().optional(),
  trust: z.enum(["trusted", "derived", "untrusted"]).optional(),
  source: z
    .strictObject({
      role: z.string().min(1).max(64),
      session: z.string().max(512).optional(),
      sequence: z.int().min(1).optional(),
    })
    .optional(),
});
const recallBody = z.strictObject({
  about: z.string().min(1).max(100_000),
  limit: z.int().min(1).max(100).optional(),
  kinds: z.array(kind).min(1).max(4).optional(),
  at_least: z.enum(["trusted", "derived", "untrusted"]).optional(),
  min_similarity: z.number().min(0).max(1).optional(),
});
const updateBody = z.strictObject({ pinned: z.boolean().optional(), importance: z.number().min(0).max(1).optional() });
const listQuery = z.looseObject({ all: z.enum(["true", "false"]).optional() });

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/memories`: facts about the user named by `x-marrow-user`, or the key's own, with the library's operations. */
export function registerMemories(parts: GatewayApp): void {
  const { app, tenants } = parts;
  const factsOf = (request: FastifyRequest): Facts =>
    tenants(request.principal.scope).memory.facts(userOf(request, undefined));

  async function find(request: FastifyRequest<Named>): Promise<Fact> {
    const fact = await factsOf(request).get(request.params.id);
    if (fact === undefined) throw notFound();
    return fact;
  }

  app.post("/v1/memories", { schema: { body: rememberBody } }, async (request) => {
    const { status, fact } = await factsOf(request).remember(request.body as NewFact);
    return { ...toBody(fact), status };
  });

  app.get("/v1/memories", { schema: { querystring: listQuery } }, async (request) => {
    const { all } = request.query as z.infer<typeof listQuery>;
    const data = await factsOf(request).list({ all: all === "true" });
    return { object: "list", data: data.map(toBody) };
  });

  app.post("/v1/memories/recall", { schema: { body: recallBody } }, async (request) => {
    const {
      about,
      limit,
      kinds,
      at_least: atLeast,
      min_similarity: minSimilarity,
    } = request.body as z.infer<typeof recallBody>;
    const recalled = await factsOf(request).recall(about, { limit, kinds, atLeast, minSimilarity });
    return { object: "list", data: recalled.map(toRecalled) };
  });

  /** Deletes the user's data in all roles, and the user's items. */
  app.post("/v1/memories/forget", async (request) => {
    const { scope } = request.principal;
    const user = userOf(request, undefined);
    const things = await forgetThings(parts, scope, user);
    return { object: "memory.receipt", ...(await tenants(scope).forget(user)), ...things };
  });

  app.get<Named>("/v1/memories/:id", async (request) => toBody(await find(request)));

  app.get<Named>("/v1/memories/:id/history", async (request) => {
    const chain = await factsOf(request).history(request.params.id);
    if (chain.length === 0) throw notFound();
    return { object: "list", data: chain.map(toBody) };
  });

  app.post<Named>("/v1/memories/:id", { schema: { body: updateBody } }, async (request) => {
    if (!(await factsOf(request).update(request.params.id, request.body as z.infer<typeof updateBody>)))
      throw notFound();
    return toBody(await find(request));
  });

  app.delete<Named>("/v1/memories/:id", async (request) => {
    const { id } = request.params;
    if ((await factsOf(request).forget([id])) === 0) throw notFound();
    return { id, object: "memory.deleted", deleted: true };
  });
}

function toBody({ createdAtMs, seenAtMs, supersededBy, ...fact }: Fact) {
  return {
    object: "memory",
    ...fact,
    created_at: Math.floor(createdAtMs / 1000),
    seen_at: Math.floor(seenAtMs / 1000),
    ...(supersededBy !== undefined && { superseded_by: supersededBy }),
  };
}

function toRecalled({ relevance, ...fact }: Recalled) {
  return { ...toBody(fact), relevance };
}

function notFound(): MarrowError {
  return new MarrowError("not_found", "there is no memory with this id");
}
