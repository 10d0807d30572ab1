import type { LookupAddress } from "node:dns";
import { open, stat } from "node:fs/promises";
import { isIP } from "node:net";

/** Returns the addresses that a hosts file gives a name, or none; `family` 4 or 6 asks for these alone. Never throws. */
export type HostsFile = (host: string, family: number) => Promise<readonly LookupAddress[]>;

/** Bytes of the file that are read, from its start. */
const BYTES_MAX = 262_144;
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
      const read = readHosts(await readStart(path));
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

/** Reads the text of a hosts file: lines of an address and its names, with comments after `#`. Other lines are ignored. Pure. */
export function readHosts(text: string): Hosts {
  const hosts = new Map<string, LookupAddress[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of new Set(names.map(plainName))) {
      const known = hosts.get(name) ?? [];
      if (!known.some((one) => one.address === address)) hosts.set(name, [...known, { address, family }]);
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
    const { bytesRead, buffer } = await file.read(Buffer.alloc(BYTES_MAX), 0, BYTES_MAX, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}
