import { z } from "zod";

/** A name in a path, a query or a body. */
export const name: z.ZodString = z.string().min(1).max(256);
const scope: z.ZodOptional<z.ZodString> = name.optional();
/** Things on a page, of which a route has its own default. */
export const pageLimit: z.ZodOptional<z.ZodCoercedNumber> = z.coerce.number().int().min(1).max(100).optional();

/** Which scope is meant. @default that of the key */
export const scoped: z.ZodObject<{ scope: typeof scope }, z.core.$loose> = z.looseObject({ scope });
/** A page of things that are known by an id. */
export const pageQuery: z.ZodObject<
  { scope: typeof scope; after: typeof scope; limit: typeof pageLimit },
  z.core.$loose
> = z.looseObject({ scope, after: scope, limit: pageLimit });

const cursor: z.ZodOptional<z.ZodString> = z.string().min(1).max(512).optional();
/** A page of things that are known by a name, which takes more characters when it is encoded. */
export const listedQuery: z.ZodObject<
  { scope: typeof scope; after: typeof cursor; limit: typeof pageLimit },
  z.core.$loose
> = z.looseObject({ scope, after: cursor, limit: pageLimit });

/** A body of nothing. */
export const nothing: z.ZodType = z.strictObject({}).nullish();
