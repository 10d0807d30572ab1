import { z } from "zod";

/** Schema of a name in a path, a query or a body. */
export const name: z.ZodString = z.string().min(1).max(256);
const scope: z.ZodOptional<z.ZodString> = name.optional();
/** Schema of the items per page; each route has its own default. */
export const pageLimit: z.ZodOptional<z.ZodCoercedNumber> = z.coerce.number().int().min(1).max(100).optional();

/** Query parameter `scope`. @default that of the key */
export const scoped: z.ZodObject<{ scope: typeof scope }, z.core.$loose> = z.looseObject({ scope });
/** Query of a page of items with an id. */
export const pageQuery: z.ZodObject<
  { scope: typeof scope; after: typeof scope; limit: typeof pageLimit },
  z.core.$loose
> = z.looseObject({ scope, after: scope, limit: pageLimit });

const cursor: z.ZodOptional<z.ZodString> = z.string().min(1).max(512).optional();
/** Query of a page of items with a name, which is longer once encoded. */
export const listedQuery: z.ZodObject<
  { scope: typeof scope; after: typeof cursor; limit: typeof pageLimit },
  z.core.$loose
> = z.looseObject({ scope, after: cursor, limit: pageLimit });

/** Rows on a page of a report. */
const REPORT_ROWS_MAX = 1_000;
const rowsAfter: z.ZodOptional<z.ZodCoercedNumber> = z.coerce.number().int().min(0).max(10_000_000).optional();
const rowsMost: z.ZodOptional<z.ZodCoercedNumber> = z.coerce.number().int().min(1).max(REPORT_ROWS_MAX).optional();
/** Query of a page of a report: rows to skip, and rows to return. */
export const reportPage: { after: typeof rowsAfter; limit: typeof rowsMost } = { after: rowsAfter, limit: rowsMost };

/** Returns a page of a report's rows, and the start of the next one. Pure. */
export function toReportPage<T>(
  rows: Pick<readonly T[], "length" | "slice">,
  { after = 0, limit = REPORT_ROWS_MAX }: { readonly after?: number | undefined; readonly limit?: number | undefined },
): { readonly data: readonly T[]; readonly next?: string } {
  const end = after + limit;
  return { data: rows.slice(after, end), ...(rows.length > end && { next: String(end) }) };
}

/** Schema of an empty body. */
export const nothing: z.ZodType = z.strictObject({}).nullish();
