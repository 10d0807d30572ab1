import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";
import { refuseBehind } from "./answers-before.ts";
import { hostOf } from "./hosts.ts";

/** Hosts that were found well-formed: most requests name one of few. */
const known = new Set<string>();
const KNOWN_MAX = 256;

/**
 * Refuses a request that a proxy and the gateway might read differently. It must name exactly one well-formed host, also in its target,
 * have at most one key, name its user, session and idempotency key at most once, and use no transfer coding other than chunked. Without
 * authentication the allowed hosts decide about the host. Contradicting lengths and encodings are refused by Node's parser in the same way.
 * The connection ends.
 * @throws MarrowError `invalid_input` as the response
 */
export function refuseAmbiguous(app: FastifyInstance, { auth }: Pick<GatewayConfig, "auth">): void {
  app.addHook("onRequest", (request, reply, done) => {
    const refusal =
      ambiguityOf(request.raw, request.originalUrl) ??
      (auth === "keys" ? malformedHost(request.headers.host) : undefined);
    if (refusal !== undefined) refuseBehind(request.raw, reply.raw);
    done(refusal);
  });
}

/** Returns why a request is ambiguous; `undefined` if it names one host, a path on it, and at most one key. `target`: the original one. */
export function ambiguityOf(request: IncomingMessage, target: string): MarrowError | undefined {
  const { rawHeaders, httpVersion } = request;
  const { host, "transfer-encoding": coding } = request.headers;
  let hosts = 0;
  let bearer: string | undefined;
  let empty: string | undefined;
  const names: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (!LENGTHS.has(name.length)) continue;
    const lower = name.toLowerCase();
    if (lower === "host") hosts += 1;
    if (NAMES.has(lower)) {
      if (names.includes(lower)) return wrong(lower, `a request may have ${lower} once, and it came twice`);
      names.push(lower);
    }
    // An empty header beside another one names no key; the same name twice is doubtful whatever it holds.
    if (!CREDENTIALS.has(lower)) continue;
    const isEmpty = rawHeaders[at + 1] === "";
    if (lower === empty || lower === bearer) return twoKeys(lower, lower);
    if (isEmpty) empty = lower;
    else if (bearer === undefined) bearer = lower;
    else return twoKeys(bearer, lower);
  }
  if (hosts > 1) return wrong("host", "a request must have one Host header, got several");
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    return wrong("transfer-encoding", "the only transfer coding that is read is chunked, alone");
  if (host === undefined && httpVersion !== "1.0") return wrong("host", "a request must have a Host header");
  if (target.startsWith("/")) {
    if (!target.includes("#")) return undefined;
    return wrong("target", "the target of a request must have no fragment");
  }
  if (target === "*" && request.method === "OPTIONS") return undefined;
  if (pathOf(target, host) !== undefined) return undefined;
  return wrong("target", "the target of a request must be a path, or a URL of the host that the Host header names");
}

/** Headers that carry a key, and how long the names are that are looked at. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "x-api-key", "api-key"]);
/** Headers that name one thing: of two, which Node joins, a proxy may mean either. */
const NAMES: ReadonlySet<string> = new Set(["x-marrow-user", "x-marrow-session", "idempotency-key"]);
const LENGTHS: ReadonlySet<number> = new Set(["host", ...CREDENTIALS, ...NAMES].map(({ length }) => length));

function twoKeys(first: string, second: string): MarrowError {
  const where = first === second ? `${first} came twice` : `${first} and ${second} came both`;
  return wrong(second, `a request must carry its key in one header, once: ${where}`);
}

/** Returns path and query of a target that is a URL (RFC 9112, 3.2.2); `undefined` if it is not on this host. */
export function pathOf(target: string, host: string | undefined): string | undefined {
  const url = URL.parse(target);
  if (url === null || host === undefined || !/^https?:$/.test(url.protocol) || target.includes("#")) return undefined;
  if (url.username !== "" || url.password !== "" || url.host !== URL.parse(`${url.protocol}//${host}`)?.host)
    return undefined;
  return url.pathname + url.search;
}

function malformedHost(host: string | undefined): MarrowError | undefined {
  if (host === undefined || known.has(host)) return undefined;
  if (hostOf(host) === undefined) return wrong("host", "the Host header must be a host with or without a port");
  if (known.size < KNOWN_MAX) known.add(host);
  return undefined;
}

function wrong(path: string, message: string): MarrowError {
  return new MarrowError("invalid_input", message, { details: { path } });
}
