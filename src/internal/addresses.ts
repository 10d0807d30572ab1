import { BlockList, isIP } from "node:net";

/**
 * IPv4 networks that no caller may name. Source: every entry of the IANA IPv4 Special-Purpose Address Registry (RFC 6890), also those that
 * are globally reachable, multicast (RFC 5771), and addresses that clouds give to services of a machine's own network.
 */
const IPV4_NOT_PUBLIC: readonly string[] = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private use
  "100.64.0.0/10", // shared address space; Alibaba Cloud's metadata is 100.100.100.200
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's platform services, reachable from every virtual machine
  "169.254.0.0/16", // link-local; most clouds' metadata is 169.254.169.254
  "172.16.0.0/12", // private use
  "192.0.0.0/24", // IETF protocol assignments; Oracle Cloud's metadata is 192.0.0.192
  "192.0.2.0/24", // documentation
  "192.31.196.0/24", // AS112: answers for names of private networks
  "192.52.193.0/24", // relays of multicast (AMT)
  "192.88.99.0/24", // 6to4 relays, deprecated
  "192.168.0.0/16", // private use
  "192.175.48.0/24", // AS112, direct delegation
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and limited broadcast
];

/** The only part of IPv6 that IANA has given out as global unicast (RFC 4291); what lies outside belongs to no public host. */
const IPV6_GLOBAL_UNICAST = "2000::/3";

/** Parts of global unicast that are not public all the same. Source: IANA IPv6 Special-Purpose Address Registry. */
const IPV6_NOT_PUBLIC: readonly string[] = [
  "2001::/23", // IETF protocol assignments: Teredo, benchmarks, ORCHID, AMT, AS112
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4: leads to the IPv4 address inside
  "2620:4f:8000::/48", // AS112, direct delegation
  "3fff::/20", // documentation
];

const notPublic = toBlockList([...IPV4_NOT_PUBLIC, ...IPV6_NOT_PUBLIC]);
const globalUnicast = toBlockList([IPV6_GLOBAL_UNICAST]);

/**
 * Returns true if an IP address belongs to the public internet. An IPv6 address that embeds an IPv4 address (mapped `::ffff:a.b.c.d`, NAT64
 * `64:ff9b::a.b.c.d`) is judged as that IPv4 address; an ISATAP address is public only if the embedded IPv4 address is public too.
 */
export function isPublicAddress(address: string): boolean {
  const plain = plainAddress(address);
  if (isIP(plain) === 4) return !notPublic.check(plain, "ipv4");
  if (isIP(plain) === 0) return false;
  const inside = isatapIPv4(plain);
  if (inside !== undefined && notPublic.check(inside, "ipv4")) return false;
  return globalUnicast.check(plain, "ipv6") && !notPublic.check(plain, "ipv6");
}

/** Normalises an address to the one that is reached: without its zone, and IPv4 if an IPv6 address is mapped or translated by NAT64. */
export function plainAddress(address: string): string {
  const withoutZone = address.split("%")[0] as string;
  if (isIP(withoutZone) !== 6) return withoutZone;
  const parts = toParts(withoutZone);
  const head = parts.slice(0, 6).join(":");
  return head === MAPPED || head === NAT64 ? toIPv4(parts) : withoutZone;
}

/** Returns true if an address is a loopback address, in either family or mapped. */
export function isLoopbackAddress(address: string): boolean {
  const plain = plainAddress(address);
  const family = isIP(plain);
  return family !== 0 && loopback.check(plain, family === 6 ? "ipv6" : "ipv4");
}

/** Parses networks such as `10.0.0.0/8` and `fd00::/8`; `undefined` if one is invalid. */
export function readNetworks(networks: readonly string[]): BlockList | undefined {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = "", ...rest] = network.split("/");
    const family = isIP(address);
    if (rest.length > 0 || family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32))
      return undefined;
    list.addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

/** `::ffff:0:0/96` (RFC 4291) and `64:ff9b::/96` (RFC 6052), as their first six numbers. */
const MAPPED = "0:0:0:0:0:65535";
const NAT64 = "100:65435:0:0:0:0";
const ISATAP = 0x5efe;

const loopback = toBlockList(["127.0.0.0/8", "::1/128"]);

/** The IPv4 address in an ISATAP interface identifier (`…:0:5efe:a.b.c.d`, RFC 5214). */
function isatapIPv4(address: string): string | undefined {
  const parts = toParts(address);
  return parts[5] === ISATAP && ((parts[4] as number) & 0xfdff) === 0 ? toIPv4(parts) : undefined;
}

function toIPv4(parts: readonly number[]): string {
  const [low, high] = [parts[6] ?? 0, parts[7] ?? 0];
  return [low >> 8, low & 255, high >> 8, high & 255].join(".");
}

/** The eight numbers of an IPv6 address. */
function toParts(address: string): readonly number[] {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high = "0", low = "0") => (Number(high) * 256 + Number(low)).toString(16);
  const text =
    dotted === null
      ? address
      : `${address.slice(0, dotted.index)}${hex(dotted[1], dotted[2])}:${hex(dotted[3], dotted[4])}`;
  const [left = "", right] = text.split("::");
  const numbers = (half: string) => (half === "" ? [] : half.split(":").map((part) => Number.parseInt(part, 16)));
  const [before, after] = [numbers(left), numbers(right ?? "")];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function toBlockList(networks: readonly string[]): BlockList {
  return readNetworks(networks) as BlockList;
}
