import type { z } from "zod";
import { MarrowError } from "../errors.ts";

/** The first thing that is wrong with a value, with the field's path. Never holds the value itself. */
export function toInputError(error: z.ZodError): MarrowError {
  const issue = error.issues[0];
  const path = issue?.path.join(".") ?? "";
  const expected =
    issue?.code === "invalid_type" ? `must be ${issue.expected}` : (issue?.message ?? "is wrong").toLowerCase();
  return new MarrowError("invalid_input", `${path === "" ? "the body" : path}: ${expected}`, { details: { path } });
}
