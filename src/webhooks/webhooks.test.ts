import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { MarrowError } from "../errors.ts";
import { ATTEMPTS_MAX, createAddressGuard, createPoster, judgeDelivery, newSecret, signWebhook } from "./index.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function receiver(answer: (path: string) => readonly [number, Record<string, string>?, string?]) {
  const seen: { path: string; headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      const path = request.url ?? "";
      seen.push({ path, headers: request.headers, body });
      const [status, headers = {}, text = ""] = answer(path);
      if (status === 0) return;
      response.writeHead(status, headers).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, port: (server.address() as AddressInfo).port };
}

describe("a webhook's signature", () => {
  it("is verified by the official client with the old and with the new secret", async () => {
    const [old, fresh] = [newSecret(), newSecret()];
    const body = JSON.stringify({ id: "evt_1", type: "response.completed", data: { id: "resp_1" } });
    const headers = signWebhook([fresh, old], { id: "evt_1", atMs: Date.now(), body });
    const client = new OpenAI({ apiKey: "none" });
    for (const secret of [old, fresh])
      expect(await client.webhooks.unwrap(body, headers, secret)).toMatchObject({ data: { id: "resp_1" } });
    await expect(client.webhooks.unwrap(`${body} `, headers, old)).rejects.toThrow(/signature/);
    await expect(client.webhooks.unwrap(body, headers, newSecret())).rejects.toThrow(/signature/);
  });

  it("refuses what is no secret", () => {
    for (const secret of ["", "secret", "whsec_c2hvcnQ="])
      expect(() => signWebhook([secret], { id: "a", atMs: 0, body: "" })).toThrow(/whsec_/);
  });
});

describe("the schedule of deliveries", () => {
  it("follows the specification, a little later by chance and never before Retry-After", () => {
    expect(judgeDelivery({ status: 204 }, 1, 0)).toEqual({ outcome: "delivered" });
    expect(judgeDelivery({ status: 410 }, 1, 0)).toEqual({ outcome: "gone" });
    expect(judgeDelivery({ status: 500 }, 1, 0)).toEqual({ outcome: "retry", delayMs: 5_000 });
    expect(judgeDelivery({ status: 302 }, 2, 1)).toEqual({ outcome: "retry", delayMs: 330_000 });
    expect(judgeDelivery({ status: 429, retryAfterMs: 60_000 }, 1, 1)).toEqual({ outcome: "retry", delayMs: 60_000 });
    expect(judgeDelivery({ status: 0 }, ATTEMPTS_MAX, 0)).toEqual({ outcome: "failed" });
    let days = 0;
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt += 1)
      days += (judgeDelivery({ status: 503 }, attempt, 0) as { delayMs: number }).delayMs / 86_400_000;
    expect(days).toBeGreaterThan(3);
  });
});

/** Returns the last address of a network. */
function lastOf(first: string, bits: number): string {
  if (!first.includes(":")) {
    const number = first.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) + 2 ** (32 - bits) - 1;
    return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
  }
  const [head = "", tail = ""] = first.split("::");
  const [before, after] = [head, tail].map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array.from({ length: 8 - (before?.length ?? 0) - (after?.length ?? 0) }, () => "0");
  const number = [...(before ?? []), ...zeros, ...(after ?? [])].reduce(
    (sum, part) => sum * 65_536n + BigInt(`0x${part}`),
    0n,
  );
  const last = (number + 2n ** BigInt(128 - bits) - 1n).toString(16).padStart(32, "0");
  return (last.match(/.{4}/g) ?? []).join(":");
}

describe("the guard of addresses", () => {
  it.each([
    ["https://127.0.0.1/", "loopback"],
    ["https://2130706433/", "loopback as one number"],
    ["https://0x7f.1/", "loopback in hexadecimal"],
    ["https://10.1.2.3/", "a private network"],
    ["https://169.254.169.254/latest", "the cloud's metadata"],
    ["https://[::1]/", "loopback of IPv6"],
    ["https://[::ffff:10.0.0.1]/", "a mapped address"],
    ["https://[64:ff9b::7f00:1]/", "a translated address"],
    ["https://[fd00::1]/", "a unique local address"],
    ["http://example.com/", "plain http"],
    ["https://user:pass@example.com/", "credentials"],
    ["ftp://example.com/", "another protocol"],
    ["nonsense", "no URL"],
    ["https://exa\tmple.com/", "a blank that readers drop"],
    ["https://example.com/\r\nX: y", "a line break"],
    ["https://[::ffff:0:10.0.0.1]/", "an IPv4-translated address (RFC 2765)"],
    ["https://[::10.0.0.1]/", "an IPv4-compatible address"],
    ["https://[::ffff:0:808:808]/", "a translated address, even of a public one"],
    ["https://[64:ff9b:1::1]/", "NAT64 of a local network"],
    ["https://[2002:7f00:1::]/", "6to4"],
    ["https://[2001:0:7f00:1::1]/", "Teredo"],
    ["https://[2606:4700::5efe:10.0.0.1]/", "ISATAP around a private address"],
    ["https://[100::1]/", "the discard prefix"],
    ["https://[100:0:0:1::1]/", "the dummy prefix"],
    ["https://[3fff::1]/", "documentation"],
    ["https://[2001:db8::1]/", "documentation"],
    ["https://[5f00::1]/", "segment routing"],
    ["https://[fec0::1]/", "site-local"],
    ["https://[fe80::1]/", "link-local"],
    ["https://[ff02::1]/", "multicast"],
    ["https://[4000::1]/", "IPv6 that nobody was given"],
    ["https://[fd00:ec2::254]/latest", "AWS's metadata over IPv6"],
    ["https://168.63.129.16/", "Azure's platform services"],
    ["https://100.100.100.200/latest", "Alibaba Cloud's metadata"],
    ["https://192.0.0.192/", "Oracle Cloud's metadata"],
    ["https://198.19.0.1/", "benchmarks"],
    ["https://240.0.0.1/", "reserved addresses"],
    ["https://255.255.255.255/", "broadcast"],
    ["https://224.0.0.1/", "multicast"],
    ["https://0.0.0.0/", "this network"],
    ["https://127.1/", "loopback cut short"],
    ["https://017700000001/", "loopback in octal"],
    ["https://localhost./", "a name of this machine"],
    ["https://metadata.google.internal/", "a name of a private network"],
    ["https://printer.local/", "a name of the local network"],
    ["https://example.com:22/", "a system's port"],
    ["https://example.com:25/", "mail"],
  ])("refuses %s: %s", (url) => {
    expect(() => createAddressGuard().check(url)).toThrow(/url/);
  });

  /** The addresses of IANA's special-purpose registries, of both families. */
  it.each(
    `0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 192.0.0.8/32 192.0.0.9/32
     192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16
     192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32
     ::1/128 ::/128 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32
     2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10`
      .trim()
      .split(/\s+/),
  )("refuses the special-purpose addresses %s, to the last one", (network) => {
    const [first = "", bits = ""] = network.split("/");
    const guard = createAddressGuard();
    for (const address of [first, lastOf(first, Number(bits))])
      expect(() => guard.check(`https://${address.includes(":") ? `[${address}]` : address}/`)).toThrow(/address/);
  });

  it("lets public addresses through, and networks that were allowed", () => {
    const guard = createAddressGuard({ allowNetworks: ["10.0.0.0/8", "::1/128"], allowHttp: true });
    for (const url of ["https://example.com/a", "https://93.184.216.34/", "http://10.1.2.3/", "https://[::1]/"])
      expect(guard.check(url).href).toBe(url);
    expect(() => guard.check("https://192.168.0.1/")).toThrow(/address/);
    for (const url of ["https://[2606:4700:4700::1111]/", "https://[64:ff9b::808:808]/", "https://example.com:8443/"])
      expect(createAddressGuard().check(url).href).toBe(url);
    for (const network of ["10.0.0.0/40", "10.0.0.0", "10.0.0.0/8/8", "10.0.0.0/-1", "x/8", "::/129"])
      expect(() => createAddressGuard({ allowNetworks: [network] })).toThrow(/allowNetworks/);
  });
});

describe("the sending of a webhook", () => {
  it("does not reach a private address behind a name", async () => {
    const { seen, port } = await receiver(() => [200]);
    const poster = createPoster({ allowHttp: true });
    closers.push(() => poster.close());
    expect(await poster.post(`http://localhost:${port}/`, "{}", {})).toMatchObject({
      status: 0,
      error: "address_refused",
    });
    expect(seen).toEqual([]);
  });

  it("tells a name that took too long from one that may not be called", async () => {
    const poster = createPoster({}, () => Promise.reject(new MarrowError("timeout", "too many names")));
    closers.push(() => poster.close());
    expect(await poster.post("https://hooks.example.com/", "{}", {})).toMatchObject({
      status: 0,
      error: "dns_timeout",
    });
    const silent = Object.assign(new Error("no answer"), { code: "ETIMEOUT" });
    const other = createPoster({}, () => Promise.reject(silent));
    closers.push(() => other.close());
    expect(await other.post("https://hooks.example.com/", "{}", {})).toMatchObject({ status: 0, error: "dns_timeout" });
  });

  it("looks a name up for the tenant that named it, also while others do", async () => {
    const asked: string[] = [];
    const poster = createPoster({}, async (host, _, owner) => {
      asked.push(`${owner} ${host}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return [{ address: "127.0.0.1", family: 4 }];
    });
    closers.push(() => poster.close());
    const post = (owner: string, host: string) => poster.post(`https://${host}/`, "{}", {}, owner);
    await Promise.all([post("acme", "a.example"), post("globex", "b.example"), post("globex", "a.example")]);
    await post("acme", "c.example");
    expect(asked.toSorted()).toEqual(["acme a.example", "acme c.example", "globex a.example", "globex b.example"]);
  });

  it("tells the status, follows no redirect, and gives up in time and size", async () => {
    const { seen, port } = await receiver((path) => {
      if (path === "/moved") return [302, { location: "/elsewhere" }];
      if (path === "/busy") return [429, { "retry-after": "7" }];
      if (path === "/silent") return [0];
      if (path === "/long") return [200, {}, "x".repeat(100_000)];
      return [204];
    });
    const poster = createPoster({ allowHttp: true, allowNetworks: ["127.0.0.0/8"], timeoutMs: 1_000 });
    closers.push(() => poster.close());
    const post = (path: string) => poster.post(`http://localhost:${port}${path}`, "{}", { "webhook-id": "1" });
    expect(await post("/ok")).toMatchObject({ status: 204, error: undefined });
    expect(await post("/moved")).toMatchObject({ status: 302 });
    expect(await post("/busy")).toMatchObject({ status: 429, retryAfterMs: 7_000 });
    expect(await post("/silent")).toMatchObject({ status: 0, error: "timeout" });
    expect(await post("/long")).toMatchObject({ status: 200 });
    expect(seen.map(({ path }) => path)).toEqual(["/ok", "/moved", "/busy", "/silent", "/long"]);
    expect(seen[0]).toMatchObject({ body: "{}", headers: { "content-type": "application/json", "webhook-id": "1" } });
    expect(await poster.post("http://127.0.0.1:1/", "{}", {})).toMatchObject({ status: 0, error: "ECONNREFUSED" });
  });
});
