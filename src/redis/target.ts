import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";

/** The servers, credentials and database that a connection URL names. Parsing opens no connection. */
export interface Target {
  readonly kind: "standalone" | "sentinel" | "cluster";
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly path?: string;
  readonly master?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls: boolean;
}

/** `redis` or `valkey`, an `s` for TLS, and the topology; or a unix socket. */
const SCHEME = /^(?:(?:redis|valkey)(s)?(?:\+(sentinel|cluster))?|unix):\/\//;
/** The rest of a URL without scheme and credentials: hosts, a path, a query. */
const PLACE = /^([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s;

/**
 * Parses a connection URL. Credentials end at the last `@` (in a unix socket's URL: at the first), so a password may contain any character.
 * `%XX` is decoded as a byte; a `%` without two hex digits stays.
 * @throws MarrowError `invalid_option`, without repeating the URL
 */
export function parseTarget(url: string): Target {
  const scheme = typeof url === "string" ? SCHEME.exec(url) : null;
  if (scheme === null) throw unknownForm(url);
  const unix = url.startsWith("unix:");
  const rest = url.slice(scheme[0].length);
  // A socket's path may hold an @ as well; a password before it may then not hold a slash.
  const at = unix ? /^[^/]*?@/.exec(rest)?.[0].length : rest.lastIndexOf("@") + 1;
  const credentials = at === undefined || at === 0 ? undefined : rest.slice(0, at - 1);
  const place = PLACE.exec(rest.slice(at ?? 0));
  if (place === null) throw unknownForm(url);
  const [, hostList = "", path = "", query = ""] = place;
  const kind = scheme[2] === "sentinel" ? "sentinel" : scheme[2] === "cluster" ? "cluster" : "standalone";
  const dbText = new URLSearchParams(query).get("db") ?? (kind === "standalone" && !unix ? path.slice(1) : "");
  const target = {
    db: dbText === "" ? 0 : toInteger("url's database", dbText, 0, 65_535),
    tls: scheme[1] !== undefined,
    ...toCredentials(credentials),
  };
  if (unix) {
    if (path === "" || hostList !== "") throw unknownForm(url);
    return { ...target, kind: "standalone", hosts: [], path: decodePercent(path) };
  }
  const defaultPort = kind === "sentinel" ? 26_379 : 6_379;
  const hosts = hostList.split(",").map((host) => toHost(host, defaultPort));
  if (kind === "standalone" && hosts.length > 1)
    throw new MarrowError(
      "invalid_option",
      "url must name one host; several need redis+cluster:// or redis+sentinel://",
      {
        details: { path: "url" },
      },
    );
  if (kind !== "sentinel") return { ...target, kind, hosts };
  if (path.length < 2) {
    throw new MarrowError("invalid_option", "a redis+sentinel url must name the master after its hosts: /name", {
      details: { path: "url" },
    });
  }
  return { ...target, kind, hosts, master: decodePercent(path.slice(1)) };
}

function unknownForm(url: unknown): MarrowError {
  return new MarrowError(
    "invalid_option",
    `url must start with redis://, rediss://, valkey://, valkeys:// (each also with +sentinel or +cluster) or unix:///, got ${describe(url)}`,
    { details: { path: "url" } },
  );
}

function toCredentials(text: string | undefined): { username?: string; password?: string } {
  if (text === undefined) return {};
  const colon = text.indexOf(":");
  const username = decodePercent(colon < 0 ? text : text.slice(0, colon));
  return {
    ...(username !== "" && { username }),
    ...(colon >= 0 && { password: decodePercent(text.slice(colon + 1)) }),
  };
}

/** Decodes runs of `%XX` codes as UTF-8. Text that is not a code, or not UTF-8, is unchanged. */
function decodePercent(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (codes) => {
    try {
      return decodeURIComponent(codes);
    } catch {
      return codes;
    }
  });
}

function toHost(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]*))(?::(\d+))?$/.exec(text);
  if (match === null)
    throw new MarrowError("invalid_option", "url's hosts must be host or host:port, separated by commas", {
      details: { path: "url" },
    });
  const [, bracketed, plain, port] = match;
  return {
    host: bracketed ?? (plain === undefined || plain === "" ? "localhost" : plain),
    port: port === undefined ? defaultPort : toInteger("url's port", port, 1, 65_535),
  };
}

function toInteger(what: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new MarrowError("invalid_option", `${what} must be an integer from ${min} to ${max}`, {
    details: { path: "url" },
  });
}
