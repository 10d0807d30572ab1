import type { Limiter, Subjects, TakeOptions } from "../contract.ts";
import type { Costs, Permit, Refusal } from "../decision.ts";
import { toLimitHeaders, toRetryHeaders } from "./headers.ts";

/** Options of the HTTP limiters; `R` is the framework's request. */
export interface HttpLimiterOptions<R> {
  /** Returns the caller of a request: a value for every `by` of the rules. `undefined` lets the request pass unlimited. */
  readonly subjects: (request: R) => Subjects | undefined | Promise<Subjects | undefined>;
  /** Returns the costs of a request. @default one request */
  readonly costs?: ((request: R) => Costs | Promise<Costs>) | undefined;
  /** Options for `Limiter.take`. */
  readonly take?: Omit<TakeOptions, "signal"> | undefined;
}

/** Outcome for a request. For an allowed one it includes the function to call after the response has ended. */
export type Asked =
  | { readonly passes: true; readonly headers: Readonly<Record<string, string>>; readonly over: () => void }
  | { readonly passes: false; readonly headers: Readonly<Record<string, string>>; readonly body: string };

const permits = new WeakMap<object, Permit>();

/**
 * Returns the permit of an allowed request, to settle its real costs. The middleware releases slots itself after the response. `request` is
 * the framework's own object: Express's or Fastify's request, Hono's context.
 */
export function permitOf(request: object): Permit | undefined {
  return permits.get(request);
}

/** Takes from the limiter for a request. A refusal is an RFC 9457 problem that names the violated policies. */
export async function ask<R extends object>(
  limiter: Limiter,
  options: HttpLimiterOptions<R>,
  request: R,
): Promise<Asked> {
  const subjects = await options.subjects(request);
  if (subjects === undefined) return { passes: true, headers: {}, over() {} };
  const decision = await limiter.take(subjects, await options.costs?.(request), options.take);
  const headers = toLimitHeaders(decision);
  if (decision.allowed) {
    permits.set(request, decision);
    // A settlement that fails ends with its lease.
    return { passes: true, headers, over: () => void decision.settle().catch(() => {}) };
  }
  const retry = toRetryHeaders(decision.retryAfterMs);
  return {
    passes: false,
    headers: { ...headers, ...retry, "content-type": "application/problem+json" },
    body: JSON.stringify(toProblem(decision)),
  };
}

/** A refusal in the words of the IETF's draft on rate limit headers. */
function toProblem({ refusedBy, retryAfterMs, degraded }: Refusal) {
  return {
    type: `https://iana.org/assignments/http-problem-types#${degraded ? "temporary-reduced-capacity" : "quota-exceeded"}`,
    title: degraded ? "The limit cannot be decided now" : "A limit was reached",
    status: 429,
    "violated-policies": [refusedBy],
    ...(retryAfterMs !== undefined && { "retry-after-ms": Math.ceil(retryAfterMs) }),
  };
}
