import { lookup as resolve, type LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";

/** Which addresses may be called beside public ones over https. */
export interface AddressOptions {
  /** Private networks that may be called all the same: `10.0.0.0/8`, `fd00::/8`, `127.0.0.1/32`. @default none */
  readonly allowNetworks?: readonly string[] | undefined;
  /** Whether `http:` may be used. @default false */
  readonly allowHttp?: boolean | undefined;
}

/** Decides which addresses a server may be made to call. */
export interface AddressGuard {
  /** Reads a URL. @throws MarrowError `invalid_input` for one that may not be called, as far as its text tells */
  check(url: string): URL;
  /** Resolves a name once and answers only addresses that may be called: the one that is checked is the one that is called. */
  readonly lookup: LookupFunction;
}

/** What belongs to nobody in particular: RFC 6890 and its successors. Mapped and translated IPv4 is looked at as IPv4. */
const NOT_PUBLIC =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 " +
  "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ::/128 " +
  "::1/128 100::/64 2001::/23 2001:db8::/32 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8 " +
  "2002::/16 64:ff9b:1::/48";
const URL_CHARS_MAX = 2_048;

/**
 * Makes a guard against calls into one's own network (SSRF). Names are resolved once, at the connection, so what is checked cannot change
 * before it is called.
 * @throws MarrowError `invalid_option` for a network that is none
 */
export function createAddressGuard({ allowNetworks = [], allowHttp = false }: AddressOptions = {}): AddressGuard {
  const blocked = toList(NOT_PUBLIC.split(" "));
  const allowed = toList(allowNetworks);

  function mayCall(address: string): boolean {
    const plain = embedded(address) ?? address;
    const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
    return allowed.check(plain, family) || !blocked.check(plain, family);
  }

  return {
    check(text) {
      const url = typeof text === "string" && text.length <= URL_CHARS_MAX ? URL.parse(text) : null;
      if (url === null) return refuse("url", `a URL of at most ${URL_CHARS_MAX} characters`, text, "invalid_input");
      if (url.protocol !== "https:" && !(allowHttp && url.protocol === "http:"))
        throw denied(allowHttp ? "url must begin with https: or http:" : "url must begin with https:");
      if (url.username !== "" || url.password !== "") throw denied("url must hold no credentials");
      const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
      if (isIP(host) !== 0 && !mayCall(host)) throw denied("url names an address that may not be called");
      return url;
    },

    lookup(host, options, done) {
      resolve(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
        const open = error === null ? addresses.filter(({ address }) => mayCall(address)) : [];
        const [first] = open;
        if (error !== null || first === undefined)
          return done(error ?? denied("the name leads to an address that may not be called"), "", 0);
        if (options.all === true) return done(null, open);
        done(null, first.address, first.family);
      });
    },
  };
}

function denied(message: string): MarrowError {
  return new MarrowError("invalid_input", message, { details: { path: "url" } });
}

/** The IPv4 address in a mapped (`::ffff:…`) or translated (`64:ff9b::…`) one: it is what is reached in the end. */
function embedded(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const parts = expand(address);
  const [head, low, high] = [parts.slice(0, 6).join(":"), parts[6] ?? 0, parts[7] ?? 0];
  if (!["0:0:0:0:0:65535", "0:0:0:0:0:0", "100:65435:0:0:0:0"].includes(head)) return undefined;
  if (head === "0:0:0:0:0:0" && low === 0) return undefined;
  return [low >> 8, low & 255, high >> 8, high & 255].join(".");
}

/** The eight numbers of an IPv6 address. */
function expand(address: string): readonly number[] {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high = "0", low = "0") => (Number(high) * 256 + Number(low)).toString(16);
  const plain = address.split("%")[0] as string;
  const text =
    dotted === null
      ? plain
      : `${plain.slice(0, dotted.index)}${hex(dotted[1], dotted[2])}:${hex(dotted[3], dotted[4])}`;
  const [left = "", right] = text.split("::");
  const numbers = (half: string) => (half === "" ? [] : half.split(":").map((part) => Number.parseInt(part, 16)));
  const [before, after] = [numbers(left), numbers(right ?? "")];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function toList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = ""] = network.split("/");
    const family = isIP(address);
    if (family === 0 || !/^\d+$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32))
      refuse("allowNetworks", "a list of networks such as 10.0.0.0/8", network);
    list.addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
