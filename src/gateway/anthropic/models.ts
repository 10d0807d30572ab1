import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { ModelInfo } from "../../models/index.ts";
import { isText, type Fields } from "../../internal/fields.ts";

/** Query of the models page in Anthropic's API. */
export const modelsQuery: z.ZodType<ModelsQuery> = z.looseObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(1_000)).optional(),
  after_id: z.string().max(256).optional(),
  before_id: z.string().max(256).optional(),
});

/** Options for listing models. */
export interface ModelsQuery {
  readonly limit?: number | undefined;
  readonly after_id?: string | undefined;
  readonly before_id?: string | undefined;
}

/** Models on a page that names no number, as in Anthropic's API. */
const LIMIT_DEFAULT = 20;

/** Converts a model to Anthropic's format. */
export function toAnthropicModel(info: ModelInfo): Fields {
  const { id, created, ...rest } = info as ModelInfo & Fields;
  return {
    type: "model",
    id,
    display_name: isText(rest["display_name"]) ? rest["display_name"] : id,
    created_at: isText(rest["created_at"]) ? rest["created_at"] : new Date(created * 1_000).toISOString(),
  };
}

/** Returns a page of models in Anthropic's format. Pure. @throws MarrowError `not_found` for an unknown cursor */
export function toAnthropicPage(models: readonly ModelInfo[], query: ModelsQuery): Fields {
  const { limit = LIMIT_DEFAULT, after_id: after, before_id: before } = query;
  const placeOf = (id: string, path: string) => {
    const at = models.findIndex((model) => model.id === id);
    if (at === -1) throw new MarrowError("not_found", "the cursor does not belong to this list", { details: { path } });
    return at;
  };
  const end = before === undefined ? models.length : placeOf(before, "before_id");
  const from =
    after === undefined ? (before === undefined ? 0 : Math.max(0, end - limit)) : placeOf(after, "after_id") + 1;
  const page = models.slice(from, Math.min(end, from + limit));
  return {
    data: page.map(toAnthropicModel),
    has_more: after === undefined && before !== undefined ? from > 0 : from + page.length < end,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}
