import { AsyncLocalStorage } from "node:async_hooks";
import { Agent, request } from "undici";
import { MarrowError } from "../errors.ts";
import { createConnector } from "../internal/connector.ts";
import { toRetryAfterMs } from "../internal/retry-after.ts";
import { createAddressGuard, type AddressGuard, type AddressOptions } from "./address.ts";
import { createNames, type ResolveName } from "./names.ts";

/** Options for sending webhooks. */
export interface PosterOptions extends AddressOptions {
  /** Longest wait for the receiver's complete response, in milliseconds, 1,000 to 30,000. @default 20_000 */
  readonly timeoutMs?: number | undefined;
}

/**
 * Result of one attempt. `status` 0: no response, with the reason in `error`: `timeout`, `dns_timeout` (the lookup of the name), `address_refused`,
 * `failed`, or the code of a network error such as `ECONNREFUSED`.
 */
export interface Posted {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly error: string | undefined;
  readonly tookMs: number;
}

/** Sends webhooks, within bounds on address, size and time. */
export interface Poster {
  readonly guard: AddressGuard;
  /** Posts JSON once. Never throws: the result contains the failure. `owner`: the tenant that named the URL; lookups of names take turns by it. */
  post(url: string, body: string, headers: Readonly<Record<string, string>>, owner?: string): Promise<Posted>;
  close(): Promise<void>;
}

/** Bytes of an answer that are read, and for how long in milliseconds; the rest is let go. */
const ANSWER_BYTES_MAX = 4_096;
const ANSWER_MS_MAX = 1_000;

/** The tenant of a post: connections are made, and names looked up, in its context. */
const owners = new AsyncLocalStorage<string>();

/** Makes a sender of webhooks. Redirects are never followed; connections go to the checked address. `resolve` looks names up. */
export function createPoster(
  { timeoutMs = 20_000, ...addresses }: PosterOptions = {},
  resolve: ResolveName = createNames(),
): Poster {
  const guard = createAddressGuard(addresses, (host, family) => resolve(host, family, owners.getStore()));
  const agent = new Agent({
    connect: createConnector({ lookup: guard.lookup, timeout: timeoutMs }),
    // As many connections as deliveries: receivers of one host, such as those of a service, do not wait for each other.
    connections: null,
    maxResponseSize: ANSWER_BYTES_MAX,
    bodyTimeout: timeoutMs,
    headersTimeout: timeoutMs,
  });
  return {
    guard,
    async post(url, body, headers, owner = "") {
      const startMs = performance.now();
      const done = (status: number, error?: string, retryAfterMs?: number): Posted => ({
        status,
        retryAfterMs,
        error,
        tookMs: Math.round(performance.now() - startMs),
      });
      try {
        const answer = await owners.run(owner, request, guard.check(url), {
          dispatcher: agent,
          method: "POST",
          body,
          headers: { "content-type": "application/json", "user-agent": "marrow-webhooks/1", ...headers },
          signal: AbortSignal.timeout(timeoutMs),
        });
        // Only the status counts; the body and its size are ignored.
        const signal = AbortSignal.timeout(ANSWER_MS_MAX);
        await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal }).catch(() => {});
        return done(answer.statusCode, undefined, toRetryAfterMs(answer.headers));
      } catch (error) {
        return done(0, reasonOf(error));
      }
    },
    close: () => agent.destroy(),
  };
}

function reasonOf(error: unknown): string {
  if (MarrowError.is(error)) return error.code === "timeout" ? "dns_timeout" : "address_refused";
  const { name, code } = (error ?? {}) as { name?: string; code?: string };
  if (code === "ETIMEOUT") return "dns_timeout";
  if (name === "TimeoutError" || code?.endsWith("_TIMEOUT") === true) return "timeout";
  return code ?? "failed";
}
