import type { z } from "zod";
import { MarrowError } from "../../errors.ts";

/** Longest quoted part of a name that a caller chose. */
const PATH_CHARS_MAX = 256;
/** Most choices that are listed. */
const CHOICES_MAX = 32;

/**
 * Builds the error for the first problem of a value: the field's path, what was expected and the type received. `within` is the path of the
 * value. Never contains the value itself.
 */
export function toInputError(error: z.ZodError, within?: string): MarrowError {
  const [issue] = error.issues;
  const fault = issue === undefined ? { path: [], expected: "is wrong" } : toFault(issue);
  const path = [...(within === undefined ? [] : [within]), ...fault.path].join(".").slice(0, PATH_CHARS_MAX);
  return new MarrowError("invalid_input", `${path === "" ? "the body" : path}: ${fault.expected}`, {
    details: { path },
  });
}

/** A request without a body at a route that wants one, or with the body `null`. */
export function noBody(): MarrowError {
  return new MarrowError("invalid_input", "the body: must be a JSON object, and there is none");
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly expected: string;
}

function toFault(issue: z.core.$ZodIssue): Fault {
  const { path, message } = issue;
  switch (issue.code) {
    case "invalid_type":
      return { path, expected: toTyped([issue.expected], message) };
    case "unrecognized_keys":
      return { path: [...path, ...issue.keys.slice(0, 1)], expected: "there is no such field" };
    case "invalid_value":
      return { path, expected: toChoice(issue.values) };
    case "invalid_union":
      // Types that none of the forms has: list the forms' types instead of zod's.
      return issue.errors.length > 0
        ? toUnionFault(issue)
        : { path, expected: toChoice((issue as { readonly options?: readonly unknown[] }).options ?? []) };
    default:
      return { path, expected: message.toLowerCase() };
  }
}

/**
 * Returns the problem of a value that may have several forms: that of the form with the deepest problem, which is probably the intended
 * one, or that it has no form.
 */
function toUnionFault({ path, errors }: z.core.$ZodIssueInvalidUnion): Fault {
  // All is of the types of one form, and only too much or too little: that form was meant.
  const sized = errors.find((issues) => issues.length > 0 && issues.every(({ code }) => SIZES.has(code)))?.[0];
  if (sized !== undefined) {
    const fault = toFault(sized);
    return { path: [...path, ...fault.path], expected: fault.expected };
  }
  const firsts = errors.flatMap(([first]) => (first === undefined ? [] : [first]));
  const deepest = firsts.toSorted((one, other) => other.path.length - one.path.length)[0];
  if (deepest === undefined) return { path, expected: "is wrong" };
  const typed = firsts.filter((one) => one.code === "invalid_type");
  if (deepest.path.length === 0 && typed.length === firsts.length)
    return {
      path,
      expected: toTyped(
        typed.map(({ expected }) => expected),
        deepest.message,
      ),
    };
  // A value of the right type that is wrong otherwise is of the form that was meant.
  const meant = deepest.path.length > 0 ? deepest : (firsts.find(({ code }) => code !== "invalid_type") ?? deepest);
  const fault = toFault(meant);
  return { path: [...path, ...fault.path], expected: fault.expected };
}

const SIZES: ReadonlySet<string> = new Set(["too_big", "too_small"]);

/** The types that are expected, and the one that came, which the message names. */
function toTyped(expected: readonly string[], message: string): string {
  const received = /received (\w+)$/.exec(message)?.[1];
  const isMissing = received === undefined || received === "undefined" || received === "null";
  return `must be ${orOf(expected)}${isMissing ? "" : `, not ${received}`}`;
}

function toChoice(values: readonly unknown[]): string {
  const told = values.slice(0, CHOICES_MAX).map(String);
  return told.length === 0 ? "is of no known type" : `must be ${orOf(told)}`;
}

function orOf(words: readonly string[]): string {
  const distinct = [...new Set(words)];
  return distinct.length < 2 ? distinct.join("") : `${distinct.slice(0, -1).join(", ")} or ${distinct.at(-1)}`;
}

/** One problem is told, so lists end at their first wrong item: thousands of problems would hold the event loop while zod describes them. */
const FIRST_ONLY: z.core.ParseContextInternal<z.core.$ZodIssue> = { abortEarly: true };

/** Parses a value by a schema, up to its first problem. Zod may throw if a caller's object has its own `length` or `toString`. */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  try {
    return schema.safeParse(value, FIRST_ONLY);
  } catch (cause) {
    throw new MarrowError("invalid_input", "the request contains a value of a type that no field accepts", { cause });
  }
}

/** A body with the fields of the most frequent requests. */
const SAMPLE = {
  model: "m",
  messages: [{ role: "user", content: [{ type: "text", text: "a" }] }],
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "a" }] }],
  max_tokens: 1,
};

/** Makes a schema ready before a server listens: it compiles itself at its first value, which would hold the event loop for a request. */
export function prepareBody(schema: z.ZodType): void {
  schema.safeParse(SAMPLE);
}
