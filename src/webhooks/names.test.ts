import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Resolver } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAddressGuard } from "./index.ts";
import { createHostsFile } from "./hosts-file.ts";
import { createNames } from "./names.ts";

/** A DNS server that is told its answers. */
let server: Socket;
let port = 0;
/** IPv4 addresses of names, one after another; `undefined`: no answer. IPv6 is asked in vain, and gets no answer for some. */
const answers = new Map<string, (string | undefined)[]>();
const asked: string[] = [];
const withoutSix = new Set<string>();

beforeAll(async () => {
  server = createSocket("udp4", (query, { port: from, address }) => {
    const labels: string[] = [];
    let at = 12;
    for (; query[at] !== 0; at += 1 + (query[at] ?? 0))
      labels.push(query.toString("latin1", at + 1, at + 1 + (query[at] ?? 0)));
    const name = labels.join(".");
    const isFour = query.readUInt16BE(at + 1) === 1;
    const known = answers.get(name);
    const told = known !== undefined && known.length > 1 && isFour ? known.shift() : known?.[0];
    if (isFour) asked.push(name);
    if (told === undefined || (!isFour && withoutSix.has(name))) return;
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    for (const [place, count] of [1, isFour ? 1 : 0, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * place);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...told.split(".").map(Number)]);
    server.send(Buffer.concat([head, query.subarray(12, at + 5), ...(isFour ? [record] : [])]), from, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address());
});
afterAll(() => server.close());

const openResolver = (timeout = 500) => {
  const resolver = new Resolver({ timeout, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
};
const names = createNames({ openResolver, hostsFile: async () => [] });
const guard = createAddressGuard({}, names);
const through = (host: string) =>
  new Promise<readonly LookupAddress[]>((resolve, reject) => {
    guard.lookup(host, { all: true }, (error, found) =>
      error === null ? resolve(found as LookupAddress[]) : reject(error),
    );
  });

describe("the lookup of a receiver's name", () => {
  it("holds up no other lookup of the process, however many DNS servers are silent", async () => {
    answers.set("good.example.com", ["93.184.216.34"]);
    const silent = Array.from({ length: 60 }, (_, nth) => names(`silent-${nth}.example.com`, 0));
    const all = Promise.allSettled(silent);
    const sinceMs = performance.now();
    expect(await names("good.example.com", 0)).toEqual([{ address: "93.184.216.34", family: 4 }]);
    await lookup("localhost");
    expect(performance.now() - sinceMs).toBeLessThan(400);
    expect((await all).every((one) => one.status === "rejected" && one.reason.code === "ETIMEOUT")).toBe(true);
  });

  it("gives addresses that may be called alone, and asks once for each connection: DNS may answer otherwise the next time", async () => {
    answers.set("changing.example.com", ["93.184.216.34", "127.0.0.1"]);
    expect(await through("changing.example.com")).toEqual([{ address: "93.184.216.34", family: 4 }]);
    await expect(through("changing.example.com")).rejects.toThrow(/may not be called/);
    expect(asked.filter((name) => name === "changing.example.com")).toHaveLength(2);
  });

  it("waits only for a moment for IPv6 once it has an IPv4 address", async () => {
    answers.set("half.example.com", ["93.184.216.34"]);
    withoutSix.add("half.example.com");
    const patient = createNames({ openResolver: () => openResolver(4_000), hostsFile: async () => [] });
    const sinceMs = performance.now();
    expect(await patient("half.example.com", 0)).toEqual([{ address: "93.184.216.34", family: 4 }]);
    expect(performance.now() - sinceMs).toBeLessThan(2_000);
  });

  it("takes the hosts file first, as the system does, and reads it again when it changed", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "hosts-")), "hosts");
    await writeFile(
      path,
      "# own\n10.1.2.3\thooks.corp.lan Hooks.Example.com # both\n::1 hooks.corp.lan\nnonsense hooks.b.c\n",
    );
    const own = createNames({ openResolver, hostsFile: createHostsFile(path) });
    expect(await own("hooks.corp.lan", 0)).toEqual([
      { address: "10.1.2.3", family: 4 },
      { address: "::1", family: 6 },
    ]);
    expect(await own("hooks.corp.lan", 6)).toEqual([{ address: "::1", family: 6 }]);
    expect(await own("hooks.example.com.", 4)).toEqual([{ address: "10.1.2.3", family: 4 }]);
    expect(asked.filter((name) => name.startsWith("hooks."))).toEqual([]);
    await writeFile(path, "10.9.9.99 hooks.corp.lan\n");
    await expect
      .poll(() => own("hooks.corp.lan", 0), { timeout: 4_000 })
      .toEqual([{ address: "10.9.9.99", family: 4 }]);
    const none = createHostsFile(`${path}-none`);
    expect(await none("hooks.corp.lan", 0)).toEqual([]);
  });

  it("asks the system in turns of tenants, and of the domains of each: names of one that hang delay those of others by one turn", async () => {
    const order: string[] = [];
    const askSystem = async (host: string) => {
      order.push(host);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return [{ address: "10.1.2.3", family: 4 }];
    };
    const own = createNames({ openResolver, hostsFile: async () => [], askSystem });
    const acme = ["slow-1", "slow-2", "slow-3", "slow-4"].map((host) => own(host, 0, "acme"));
    const others = [own("good", 0, "globex"), own("fine", 0, "initech")];
    expect(await Promise.all([...acme, ...others])).toHaveLength(6);
    expect(order.slice(0, 4).toSorted()).toEqual(["fine", "good", "slow-1", "slow-2"]);
    expect(order.slice(1, 3).toSorted()).toEqual(["fine", "good"]);
  });

  it("asks the system about a name without a dot", async () => {
    expect((await names("localhost", 4)).map(({ address }) => address)).toContain("127.0.0.1");
    expect(asked).not.toContain("localhost");
  });
});
