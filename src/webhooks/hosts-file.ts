import type { LookupAddress } from "node:dns";
import { open, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { takeInSlices } from "../internal/time-slice.ts";

/** Returns the addresses that a hosts file gives a name, or none; `family` 4 or 6 asks for these alone. Never throws. */
export type HostsFile = (host: string, family: number) => Promise<readonly LookupAddress[]>;

/** Bytes of the file that are read, from its start. A line that goes on behind them is left out. */
const BYTES_MAX = 262_144;
/** Addresses of one name that are read, from the first. */
const ADDRESSES_MAX = 64;
/** Names of one line that are read in one go. */
const STEP_NAMES = 64;
/** Blanks as the system's resolver knows them: a byte of a name in UTF-8 may be U+00A0 in Latin-1. */
const WORD = /[^ \t\v\f\r]+/g;
/** Time for which the file is taken as unchanged, in milliseconds. */
const FRESH_MS = 1_000;

type Hosts = ReadonlyMap<string, readonly LookupAddress[]>;

/** Makes the lookup in a hosts file, which is read again when it changed. A file that cannot be read has no names. */
export function createHostsFile(path = "/etc/hosts"): HostsFile {
  let [version, untilMs] = ["", 0];
  let hosts: Promise<Hosts> = Promise.resolve(new Map());

  async function refresh(known: Promise<Hosts>): Promise<Hosts> {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const seen = `${mtimeMs} ${size} ${ino}`;
      if (seen === version) return await known;
      const read = await readHosts(await readStart(path));
      version = seen;
      return read;
    } catch {
      version = "";
      return new Map();
    }
  }

  return async (host, family) => {
    if (performance.now() >= untilMs) {
      untilMs = performance.now() + FRESH_MS;
      hosts = refresh(hosts);
    }
    const found = (await hosts).get(plainName(host)) ?? [];
    return family === 0 ? found : found.filter((one) => one.family === family);
  };
}

/**
 * Reads the text of a hosts file: lines of an address and its names, with comments after `#`. Other lines are ignored, and addresses of a
 * name beyond its first 64. Linear, in slices of the event loop.
 */
export function readHosts(text: string): Promise<Hosts> {
  return takeInSlices(readInSteps(text));
}

function* readInSteps(text: string): Generator<undefined, Hosts> {
  const hosts = new Map<string, LookupAddress[]>();
  for (let at = 0; at < text.length;) {
    yield;
    const feed = text.indexOf("\n", at);
    const line = text.slice(at, feed === -1 ? undefined : feed);
    at += line.length + 1;
    const comment = line.indexOf("#");
    const words = (comment === -1 ? line : line.slice(0, comment)).matchAll(WORD);
    const [address = ""] = words.next().value ?? [];
    const family = isIP(address);
    if (family === 0) continue;
    let count = 0;
    for (const [word] of words) {
      const name = plainName(word);
      const known = hosts.get(name);
      if (known === undefined) hosts.set(name, [{ address, family }]);
      else if (known.length < ADDRESSES_MAX && !known.some((one) => one.address === address))
        known.push({ address, family });
      count += 1;
      if (count % STEP_NAMES === 0) yield;
    }
  }
  return hosts;
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

async function readStart(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(BYTES_MAX + 1), 0, BYTES_MAX + 1, 0);
    // The byte behind the bound says whether a line ends there.
    if (bytesRead <= BYTES_MAX) return buffer.toString("latin1", 0, bytesRead);
    return buffer.toString("latin1", 0, buffer.lastIndexOf("\n", BYTES_MAX) + 1);
  } finally {
    await file.close();
  }
}
