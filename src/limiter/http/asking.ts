import type { Limiter, Subjects, TakeOptions } from "../contract.ts";
import type { Costs, Permit, Refusal } from "../decision.ts";
import { toLimitHeaders, toRetryHeaders } from "./headers.ts";

/** How requests of a framework are limited; `R` is its request. */
export interface HttpLimiterOptions<R> {
  /** Who asks: a value for every `by` of the rules. `undefined` lets the request pass unlimited. */
  readonly subjects: (request: R) => Subjects | undefined | Promise<Subjects | undefined>;
  /** What a request costs. @default one request */
  readonly costs?: ((request: R) => Costs | Promise<Costs>) | undefined;
  /** As in `Limiter.take`. */
  readonly take?: Omit<TakeOptions, "signal"> | undefined;
}

/** What comes of a request; of one that passes, what to call once its answer is over. */
export type Asked =
  | { readonly passes: true; readonly headers: Readonly<Record<string, string>>; readonly over: () => void }
  | { readonly passes: false; readonly headers: Readonly<Record<string, string>>; readonly body: string };

const permits = new WeakMap<object, Permit>();

/**
 * The permit of a request that was let through, to settle what it really cost; the middleware gives slots back by itself once the answer
 * is over. The object is the framework's own: Express's or Fastify's request, Hono's context.
 */
export function permitOf(request: object): Permit | undefined {
  return permits.get(request);
}

/** Asks the limiter for a request. A refusal is a problem of RFC 9457 that names the policies it violates. */
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
