import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { Page, PageOptions } from "../../stores/index.ts";

/** The query of a list in OpenAI's words. */
export const pageQuery: z.ZodObject = z.looseObject({
  after: z.string().min(1).optional(),
  before: z.string().min(1).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "must be a whole number")
    .optional(),
  order: z.enum(["asc", "desc"]).optional(),
});

/** Such a query as the library takes it. */
export function toPageOptions(query: unknown): PageOptions {
  const { after, before, limit, order } = query as Readonly<Record<string, string | undefined>>;
  return {
    after,
    before,
    limit: limit === undefined ? undefined : Number(limit),
    order: order as "asc" | "desc" | undefined,
  };
}

/** Such a query of a list of items, of which 20 are shown and 100 at most, the last first. @throws MarrowError `invalid_input` */
export function toItemPage(query: unknown): { after: string | undefined; limit: number; newestFirst: boolean } {
  const { after, limit = 20, order = "desc" } = toPageOptions(query);
  if (limit < 1 || limit > 100)
    throw new MarrowError("invalid_input", "limit must be from 1 to 100", { details: { path: "limit" } });
  return { after, limit, newestFirst: order === "desc" };
}

/** A page in OpenAI's words. */
export function toListBody<T>(
  { data, hasMore, unreadable }: Page<T>,
  toBody: (item: T) => { readonly id: string },
): object {
  const bodies = data.map(toBody);
  return {
    object: "list",
    data: bodies,
    first_id: bodies[0]?.id ?? null,
    last_id: bodies.at(-1)?.id ?? null,
    has_more: hasMore,
    ...(unreadable !== undefined && { unreadable }),
  };
}
