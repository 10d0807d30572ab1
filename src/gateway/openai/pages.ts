import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { Fields } from "../../internal/fields.ts";
import { toWordsOf } from "../responses/texts.ts";
import { toShownContent } from "../models/carried-thoughts.ts";
import type { Page, PageOptions } from "../../stores/index.ts";

/** Schema of a list's query in OpenAI's API. */
export const pageQuery: z.ZodObject = z.looseObject({
  after: z.string().min(1).optional(),
  before: z.string().min(1).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "must be a whole number")
    .optional(),
  order: z.enum(["asc", "desc"]).optional(),
});

/** Values of `include` for items, as in OpenAI's API. */
const INCLUDES = [
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "message.input_image.image_url",
  "computer_call_output.output.image_url",
  "code_interpreter_call.outputs",
  "reasoning.encrypted_content",
  "message.output_text.logprobs",
] as const;
const included = z.union([z.enum(INCLUDES), z.array(z.enum(INCLUDES)).max(32)]).optional();
/** Schema of `include` in a query, by either name that clients use for a list. */
export const including: Readonly<Record<"include" | "include[]", z.ZodType>> = {
  include: included,
  "include[]": included,
};

/** Returns true if a query requests the bytes of images. */
export function wantsPictures(query: unknown): boolean {
  return includes(query, "message.input_image.image_url");
}

/** Returns true if a query requests encrypted reasoning. */
export function wantsSealed(query: unknown): boolean {
  return includes(query, "reasoning.encrypted_content");
}

/** Removes encrypted reasoning from items, unless the query requests it. */
export function unsealed<I extends Fields>(items: readonly I[], query: unknown): readonly I[] {
  const isShown = wantsSealed(query);
  return items.map((item) => {
    if (item["type"] !== "reasoning") return item;
    if (item["encrypted_content"] === undefined) {
      const words = isShown ? toWordsOf(item) : undefined;
      return words === undefined ? item : { ...item, encrypted_content: words };
    }
    const { encrypted_content: content, ...rest } = item;
    if (!isShown) return rest as unknown as I;
    return typeof content === "string" ? { ...item, encrypted_content: toShownContent(content) } : item;
  });
}

function includes(query: unknown, what: (typeof INCLUDES)[number]): boolean {
  const { include, "include[]": list } = query as Readonly<Record<string, string | readonly string[] | undefined>>;
  return [include, list].flat().includes(what);
}

/** Converts such a query to the library's options. */
export function toPageOptions(query: unknown): PageOptions {
  const { after, before, limit, order } = query as Readonly<Record<string, string | undefined>>;
  return {
    after,
    before,
    limit: limit === undefined ? undefined : Number(limit),
    order: order as "asc" | "desc" | undefined,
  };
}

/** Converts the query of a list of items: 20 by default, 100 at most, last first. @throws MarrowError `invalid_input` */
export function toItemPage(query: unknown): { after: string | undefined; limit: number; newestFirst: boolean } {
  const { after, limit = 20, order = "desc" } = toPageOptions(query);
  if (limit < 1 || limit > 100)
    throw new MarrowError("invalid_input", "limit must be from 1 to 100", { details: { path: "limit" } });
  return { after, limit, newestFirst: order === "desc" };
}

/** Converts a page to OpenAI's format. */
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
