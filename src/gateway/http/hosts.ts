import { isIP } from "node:net";
import { isLoopbackAddress } from "../../internal/addresses.ts";

/** Longest `Host` or `Origin` header that is parsed: a name of 253 characters with port and protocol fits. */
const CHARS_MAX = 300;

/**
 * Normalises the host of a `Host` header: lower case, without port and trailing dot, numbers as addresses, IPv6 without brackets.
 * `undefined` for an invalid header.
 */
export function hostOf(header: string | undefined): string | undefined {
  if (header === undefined || header === "" || header.length > CHARS_MAX || /[^\w.:[\]-]/.test(header))
    return undefined;
  return normalHost(URL.parse(`http://${header}/`));
}

/** Returns the host of an `Origin` header; `undefined` for `null`, another protocol than http(s), or an invalid header. */
export function originHost(origin: string): string | undefined {
  if (origin.length > CHARS_MAX) return undefined;
  const url = URL.parse(origin);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.origin !== origin.toLowerCase())
    return undefined;
  return normalHost(url);
}

/** Returns true if a host, from a configuration or {@link hostOf}, is this machine. */
export function isLoopbackHost(host: string): boolean {
  const plain = isIP(host) === 6 ? host : hostOf(host);
  if (plain === undefined) return false;
  return plain === "localhost" || plain.endsWith(".localhost") || isLoopbackAddress(plain);
}

function normalHost(url: URL | null): string | undefined {
  if (url === null || url.username !== "" || url.password !== "" || url.pathname !== "/") return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  return host === "" ? undefined : host;
}
