import { isIP, type LookupFunction } from "node:net";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { isPublicAddress, plainAddress, readNetworks } from "../internal/addresses.ts";
import { createNames, type ResolveName } from "./names.ts";

/** Addresses that may be called in addition to public ones over https. */
export interface AddressOptions {
  /** Private networks that may be called: `10.0.0.0/8`, `fd00::/8`, `127.0.0.1/32`. @default none */
  readonly allowNetworks?: readonly string[] | undefined;
  /** Whether `http:` is allowed. @default false */
  readonly allowHttp?: boolean | undefined;
}

/** Decides which addresses may be called. */
export interface AddressGuard {
  /** Parses a URL. @throws MarrowError `invalid_input` for a URL that must not be called, as far as its text shows */
  check(url: string): URL;
  /** Resolves a name once and returns only allowed addresses, so the checked address is the one that is called. */
  readonly lookup: LookupFunction;
}

const URL_CHARS_MAX = 2_048;
/** Characters that URL parsers silently drop or trim, so that another address is called than the one shown. */
const UNSEEN = /[\s\p{Cc}]/u;
/** Ports below this belong to services of the system (mail, SSH, DNS): none but those of the web may be called at public addresses. */
const SYSTEM_PORTS_END = 1_024;
/** Names that lead nowhere public (RFC 6761, RFC 8375, and `internal`, which ICANN keeps for private networks). Whatever they resolve to is checked too. */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|home\.arpa|onion|test|invalid)\.?$/i;
const WEB_PORTS: ReadonlySet<string> = new Set(["", "80", "443"]);

/**
 * Makes a guard against calls into the own network (SSRF). Names are resolved once, at the connection, so that the checked address is the
 * one that is called. `resolve` looks names up.
 * @throws MarrowError `invalid_option` for an invalid network
 */
export function createAddressGuard(
  { allowNetworks = [], allowHttp = false }: AddressOptions = {},
  resolve: ResolveName = createNames(),
): AddressGuard {
  const allowed = readNetworks(allowNetworks);
  if (allowed === undefined) return refuse("allowNetworks", "a list of networks such as 10.0.0.0/8", allowNetworks);

  const isAllowed = (address: string) => {
    const plain = plainAddress(address);
    return allowed.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  };
  const mayCall = (address: string) => isAllowed(address) || isPublicAddress(address);

  return {
    check(text) {
      const isRead = typeof text === "string" && text.length <= URL_CHARS_MAX && !UNSEEN.test(text);
      const url = isRead ? URL.parse(text) : null;
      if (url === null)
        return refuse("url", `a URL of at most ${URL_CHARS_MAX} characters without blanks`, text, "invalid_input");
      if (url.protocol !== "https:" && !(allowHttp && url.protocol === "http:"))
        throw denied(allowHttp ? "url must begin with https: or http:" : "url must begin with https:");
      if (url.username !== "" || url.password !== "") throw denied("url must hold no credentials");
      const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
      const isAddress = isIP(host) !== 0;
      if (isAddress && !mayCall(host)) throw denied("url names an address that may not be called");
      // The name may resolve to an allowed network, where a service may use any port.
      const trusted = isAddress ? isAllowed(host) : allowNetworks.length > 0;
      if (!trusted && !WEB_PORTS.has(url.port) && Number(url.port) < SYSTEM_PORTS_END)
        throw denied(`url must have port 80, 443 or one of at least ${SYSTEM_PORTS_END}`);
      if (!trusted && !isAddress && PRIVATE_NAME.test(host)) throw denied("url names a host that is not public");
      return url;
    },

    lookup(host, options, done) {
      resolve(host, options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : (options.family ?? 0)).then(
        (addresses) => {
          const open = addresses.filter(({ address }) => mayCall(address));
          const [first] = open;
          if (first === undefined) done(denied("the name leads to an address that may not be called"), "", 0);
          else if (options.all === true) done(null, open);
          else done(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => done(error, "", 0),
      );
    },
  };
}

function denied(message: string): MarrowError {
  return new MarrowError("invalid_input", message, { details: { path: "url" } });
}
