import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { Resolver } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAddressGuard } from "./index.ts";
import { createNames } from "./names.ts";

/** A DNS server that is told its answers. */
let server: Socket;
let port = 0;
/** IPv4 addresses of names, one after another; `undefined`: no answer. IPv6 is asked in vain. */
const answers = new Map<string, (string | undefined)[]>();
const asked: string[] = [];

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
    if (told === undefined) return;
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

const names = createNames(() => {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver;
});
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

  it("asks the system about a name without a dot", async () => {
    expect((await names("localhost", 4)).map(({ address }) => address)).toContain("127.0.0.1");
    expect(asked).not.toContain("localhost");
  });
});
