import { z } from "zod";
import type { EntryAbout } from "../../cache/index.ts";
import { MarrowError } from "../../errors.ts";
import type { StoredAnswer } from "../../flow/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import type { CacheEntryAnswer, CacheEntryDetailAnswer } from "./answers-roles.ts";
import type { ListAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { name, pageLimit, scoped } from "./queries.ts";

const entriesQuery = z.looseObject({
  scope: name.optional(),
  user: name,
  words: z.string().min(1).max(256).optional(),
  after: z.string().min(1).max(96).optional(),
  limit: pageLimit,
});
const auditBody = z.strictObject({ same: z.boolean(), score: z.number().min(0).max(1) });

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/admin/cache/entries`: stored answers of a scope by user and words, and a person's verdicts on near ones. */
export function registerCacheEntries(
  { app, tenants }: GatewayApp,
  { dashboard }: Pick<GatewayConfig, "dashboard">,
): void {
  const shows = dashboard.content === "visible";

  function answersOf(scope: string) {
    const { answers } = tenants(scope);
    if (answers === undefined) throw new MarrowError("unsupported", "the cache is off in the configuration");
    return answers;
  }

  app.get(
    "/v1/admin/cache/entries",
    { onRequest: checkAdmin, schema: { querystring: entriesQuery } },
    async (request): Promise<ListAnswer<CacheEntryAnswer>> => {
      const { user: subject, words, after, limit } = entriesQuery.parse(request.query);
      // Whether a word matches reveals content.
      if (words !== undefined && !shows)
        throw new MarrowError(
          "forbidden",
          'questions are hidden: set dashboard.content to "visible" in the configuration to search them',
          {
            details: { path: "words" },
          },
        );
      const { data, cursor } = await answersOf(scopeOf(request)).entries({ subject, words, after, limit });
      return {
        object: "list",
        data: data.map((one) => toEntry(one, shows)),
        ...(cursor !== undefined && { next: cursor }),
      };
    },
  );

  app.get<Named>(
    "/v1/admin/cache/entries/:id",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<CacheEntryDetailAnswer> => {
      const found = await answersOf(scopeOf(request)).entry(request.params.id);
      if (found === undefined)
        throw new MarrowError("not_found", "the cache has no answer of this id", { details: { path: "id" } });
      const { aliases, hits } = found;
      return {
        ...toEntry(found, shows),
        aliases_count: aliases.length,
        ...(shows && { aliases }),
        hits: hits ?? null,
      };
    },
  );

  app.post<Named>(
    "/v1/admin/cache/entries/:id/audit",
    { onRequest: checkAdmin, schema: { body: auditBody, querystring: scoped } },
    async (request) => {
      const { same, score } = request.body as z.infer<typeof auditBody>;
      await answersOf(scopeOf(request)).audit({ score }, same);
      return { id: request.params.id, object: "cache.audit", same };
    },
  );
}

function toEntry(entry: EntryAbout<StoredAnswer>, shows: boolean): CacheEntryAnswer {
  const { id, storedAtMs, endsAtMs, tags, prompt, value } = entry;
  return {
    id,
    object: "cache.entry",
    stored_at_ms: storedAtMs,
    ends_at_ms: endsAtMs,
    tags,
    hidden: !shows,
    ...(shows && { prompt, answer: value.message.content }),
  };
}
