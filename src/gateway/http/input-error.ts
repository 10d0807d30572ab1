import type { z } from "zod";
import { MarrowError } from "../../errors.ts";

/** A name that a caller made up is told no further than this. */
const PATH_CHARS_MAX = 256;

/** The first thing that is wrong with a value, with the field's path. Never holds the value itself. */
export function toInputError(error: z.ZodError): MarrowError {
  const issue = error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...(issue?.path ?? []), ...unknown].join(".").slice(0, PATH_CHARS_MAX);
  const expected =
    issue?.code === "invalid_type"
      ? `must be ${issue.expected}`
      : unknown.length > 0
        ? "there is no such field"
        : (issue?.message ?? "is wrong").toLowerCase();
  return new MarrowError("invalid_input", `${path === "" ? "the body" : path}: ${expected}`, { details: { path } });
}

/** Reads a value by a schema. Zod compares and prints what it is given, so an object with a `length` or `toString` of the caller's own makes it throw. */
export function parseBody(schema: z.ZodType, value: unknown): z.ZodSafeParseResult<unknown> {
  try {
    return schema.safeParse(value);
  } catch (cause) {
    throw new MarrowError("invalid_input", "the request contains a value of a type that no field accepts", { cause });
  }
}
