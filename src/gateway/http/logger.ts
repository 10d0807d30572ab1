import type { FastifyServerOptions } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";

/** Log fields of an error: no message and no stack, because they may contain a caller's or upstream's text. */
export interface LoggedError {
  readonly type: string;
  readonly code: string;
  /** Innermost code position, such as `routes/files.ts:23`, for unexpected errors. */
  readonly at?: string | undefined;
}

/** Makes Fastify's logger for a level and a destination. */
export function toLogger(
  level: GatewayConfig["logLevel"],
  stream: { write(line: string): void } | undefined,
): NonNullable<FastifyServerOptions["logger"]> {
  if (level === "silent") return false;
  // Libraries log whole errors, whose messages and stacks may contain a caller's text.
  const serializers = { err: toLoggedError, error: toLoggedError, req: nothing, res: nothing };
  return {
    level,
    serializers: serializers as object as Record<string, never>,
    ...(stream !== undefined && { stream }),
  };
}

/** Reduces an error to the fields that are safe to log. */
export function toLoggedError(error: unknown): LoggedError {
  const { name, code, stack, cause } = (error ?? {}) as Partial<Error> & { readonly code?: unknown };
  const type = typeof name === "string" && /^\w{1,64}$/.test(name) ? name : typeof error;
  const known = typeof code === "string" && /^\w{1,64}$/.test(code) ? code : "internal";
  if (MarrowError.is(error) && known !== "internal") return { type, code: known };
  return { type, code: known, at: placeOf((cause as Partial<Error> | undefined)?.stack) ?? placeOf(stack) };
}

/** Most causes per log line. */
const CAUSES_MAX = 5;

/** Formats an error and its causes by kind and code: `MarrowError unavailable`, `Error ECONNREFUSED`. */
export function toCauses(error: unknown): readonly string[] {
  const causes: string[] = [];
  let one = error;
  while (one !== undefined && one !== null && causes.length < CAUSES_MAX) {
    const { type, code } = toLoggedError(one);
    causes.push(`${type} ${code}`);
    one = (one as Partial<Error>).cause;
  }
  return causes;
}

function nothing(): undefined {
  return undefined;
}

function placeOf(stack: string | undefined): string | undefined {
  const frame = /^ {4}at .*?((?:[\w.-]+\/)?[\w.-]+\.[jt]s:\d+):\d+\)?$/m.exec(stack ?? "");
  return frame?.[1];
}
