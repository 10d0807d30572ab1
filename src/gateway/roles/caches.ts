import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { PROMPT_CHARS_MAX, TTL_MS_MAX } from "../../cache/index.ts";
import { MarrowError } from "../../errors.ts";
import { reachOf } from "../tenancy/asker.ts";
import { toCacheProblem } from "../caches/index.ts";
import type { ErrorAnswer } from "../http/error-body.ts";
import { pairsOf } from "../http/pairs.ts";
import type { GatewayApp } from "../parts.ts";

const ATTRIBUTES_MAX = 16;
const attributes = pairsOf(z.string().min(1).max(128), z.string().max(1_024), {
  max: ATTRIBUTES_MAX,
  message: `must be at most ${ATTRIBUTES_MAX} attributes`,
});
const prompt = z.string().min(1).max(PROMPT_CHARS_MAX);

const entryBody = z.strictObject({
  prompt,
  response: z.string(),
  attributes: attributes.optional(),
  ttlMillis: z.int().min(1).max(TTL_MS_MAX).optional(),
});
const searchBody = z.strictObject({
  prompt,
  similarityThreshold: z.number().min(0).max(1).optional(),
  searchStrategies: z
    .array(z.enum(["exact", "semantic"]))
    .min(1)
    .max(2)
    .optional(),
  attributes: attributes.optional(),
});
const deleteBody = z.strictObject({
  attributes: attributes.refine(
    (given) => Object.keys(given).length > 0,
    "must name an attribute; flush takes all entries away",
  ),
});

interface Named {
  Params: { readonly cache: string; readonly id: string };
}

/** Names of caches. The gateway's own is none of them, and `~` parts users' from the scope's. */
const NAME = /^[\w.:-]{1,100}$/;
const OWN = "chat";
/** Ids of entries. */
const ID = /^[\w-]{1,64}$/;

/**
 * Registers `/v1/caches/{name}/…`: the semantic cache for programs in any language, in the format of LangCache's API, so that its clients
 * only need another server URL.
 */
export function registerCaches({ app, caches }: GatewayApp): void {
  const options = {
    /** Errors of these routes have the format of that API, whatever their origin. */
    preSerialization: async (_: FastifyRequest, reply: FastifyReply, payload: unknown) =>
      reply.statusCode < 400 ? payload : toCacheProblem(reply.statusCode, payload as ErrorAnswer["body"]),
  };
  const open = ({ principal, params }: FastifyRequest<Named>) => {
    if (!NAME.test(params.cache) || params.cache === OWN)
      throw new MarrowError(
        "invalid_input",
        `a cache's name has 1 to 100 letters, digits and ._:- and is not "${OWN}", which is the gateway's own`,
        { details: { path: "cache" } },
      );
    return caches(principal.scope);
  };

  app.post<Named>("/v1/caches/:cache/entries", { ...options, schema: { body: entryBody } }, async (request, reply) => {
    const { ttlMillis: ttlMs, attributes: given = {}, ...entry } = request.body as z.infer<typeof entryBody>;
    const named = { ...entry, attributes: given, ttlMs };
    const entryId = await open(request).store(request.params.cache, reachOf(request), named);
    return reply.code(201).send({ entryId });
  });

  app.post<Named>("/v1/caches/:cache/entries/search", { ...options, schema: { body: searchBody } }, async (request) => {
    const body = request.body as z.infer<typeof searchBody>;
    const { searchStrategies: strategies = ["semantic"], similarityThreshold: threshold = 0 } = body;
    const similar = strategies.includes("semantic");
    const search = { prompt: body.prompt, attributes: body.attributes ?? {}, similar };
    const found = await open(request).search(request.params.cache, reachOf(request), search);
    if (found === undefined) return { data: [] };
    const { match, similarity: cosine, ...entry } = found;
    const similarity = toNormalized(cosine);
    if (similarity < threshold) return { data: [] };
    const searchStrategy = match === "exact" && strategies.includes("exact") ? "exact" : "semantic";
    return { data: [{ ...entry, similarity, searchStrategy }] };
  });

  app.delete<Named>("/v1/caches/:cache/entries/:id", options, async (request, reply) => {
    const { cache, id } = request.params;
    const there = ID.test(id) && (await open(request).remove(cache, reachOf(request), id));
    if (!there) throw new MarrowError("not_found", "this cache has no entry of this id");
    return reply.code(204).send();
  });

  app.delete<Named>("/v1/caches/:cache/entries", { ...options, schema: { body: deleteBody } }, async (request) => {
    const { attributes: given } = request.body as z.infer<typeof deleteBody>;
    return { deletedEntriesCount: await open(request).removeWhere(request.params.cache, reachOf(request), given) };
  });

  app.post<Named>("/v1/caches/:cache/flush", options, async (request, reply) => {
    await open(request).flush(request.params.cache, reachOf(request));
    return reply.code(204).send();
  });
}

/** Converts a cosine to LangCache's similarity scale: 0 for opposite, 1 for equal. */
function toNormalized(cosine: number): number {
  return (1 + cosine) / 2;
}
