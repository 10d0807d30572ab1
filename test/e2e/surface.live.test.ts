import { randomUUID } from "node:crypto";
import { connect as connectSocket, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, inject, it } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import type { GatewayConfigInput } from "../../src/gateway/index.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";
import { send } from "../raw-http.ts";

const started: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of started.splice(0).toReversed()) await one.close();
});

async function start(config: GatewayConfigInput, more: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config, ...more });
  started.push(gateway);
  return gateway;
}

/** Registers an agent that greets, for A2A. */
async function startAgent(gateway: TestGateway): Promise<void> {
  const bus = createBus(gateway.redis.scope("acme"));
  started.push(bus);
  started.push(await bus.register({ name: "teller" }, async () => "hello"));
}

const JSON_TYPE = { "content-type": "application/json" };
const REMEMBER = JSON.stringify({ text: "Ann lives in Paris." });
const KEY_BODY = JSON.stringify({ scope: "acme", user: "mallory", role: "admin" });

describe("a gateway without authentication", () => {
  it("answers only where its Host is loopback or allowed, however the name is written", async () => {
    const gateway = await start({ auth: "off", allowedHosts: ["gateway.internal"] });
    for (const host of [
      "localhost",
      "LOCALHOST:1",
      "localhost.",
      "127.0.0.1:8080",
      "[::1]:9",
      "2130706433",
      "gateway.internal:80",
    ])
      expect([host, (await send(gateway, "GET", "/v1/models", { host })).status]).toEqual([host, 200]);
    for (const host of [
      "127.0.0.1.evil.example",
      "evil.example",
      "localhost.evil.example:80",
      "localhost@evil.example",
      "10.0.0.1",
      "x",
    ]) {
      const answer = await send(gateway, "GET", "/v1/models", { host });
      expect([host, answer.status]).toEqual([host, 403]);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: "forbidden", param: "host" } });
    }
  });

  it("takes nothing from a page of another site, not even what needs no preflight", async () => {
    const gateway = await start({ auth: "off", cors: { origins: ["https://app.example.com", "*"] } });
    const from = async (origin: string | undefined, type: string, more: Record<string, string> = {}) =>
      (
        await send(
          gateway,
          "POST",
          "/v1/memories",
          { "content-type": type, ...(origin !== undefined && { origin }), ...more },
          REMEMBER,
        )
      ).status;
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
      for (const origin of [
        "",
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "https://app.example.com.evil.example",
      ])
        expect([origin, type, await from(origin, type)]).toEqual([origin, type, 403]);
    expect(await from(undefined, "application/json", { "sec-fetch-site": "cross-site" })).toBe(403);
    for (const origin of [undefined, "https://app.example.com", "http://localhost:3000"])
      expect([origin, await from(origin, "application/json")]).toEqual([origin, 200]);
    expect(await from(undefined, "text/plain")).toBe(415);
  });

  it("has nobody for an admin; an admin's key is one all the same", async () => {
    const gateway = await start({ auth: "off" });
    const make = (headers: Record<string, string>) =>
      send(gateway, "POST", "/v1/admin/keys", { ...JSON_TYPE, ...headers }, KEY_BODY);
    expect((await make({})).status).toBe(403);
    expect((await make({ authorization: "Bearer anything" })).status).toBe(403);
    expect((await make({ authorization: `Bearer ${gateway.key}` })).status).toBe(403);
    const admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
    expect((await make({ authorization: `Bearer ${admin}` })).status).toBe(201);
    expect((await send(gateway, "DELETE", "/v1/admin/plans/x", {})).status).toBe(403);
  });
});

describe("/mcp", () => {
  it("holds Host and Origin to the lists, with keys as well", async () => {
    const gateway = await start({});
    const call = (headers: Record<string, string>) =>
      send(
        gateway,
        "POST",
        "/mcp",
        {
          ...JSON_TYPE,
          accept: "application/json, text/event-stream",
          authorization: `Bearer ${gateway.key}`,
          ...headers,
        },
        JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
      );
    expect((await call({})).status).toBe(200);
    expect((await call({ host: "rebound.example" })).status).toBe(403);
    expect((await call({ origin: "https://evil.example" })).status).toBe(403);
    const models = { host: "gateway.example.com", authorization: `Bearer ${gateway.key}` };
    expect((await send(gateway, "GET", "/v1/models", models)).status).toBe(200);
  });
});

describe("the card of an agent", () => {
  async function cardOf(config: GatewayConfigInput, host: string): Promise<string> {
    const gateway = await start(config);
    await startAgent(gateway);
    const headers = { host, authorization: `Bearer ${gateway.key}` };
    const { body } = await send(gateway, "GET", "/a2a/teller/.well-known/agent-card.json", headers);
    return (JSON.parse(body) as { supportedInterfaces: { url: string }[] }).supportedInterfaces[0]?.url ?? body;
  }

  it("names the configured URL, or a host that the gateway knows, never what a caller made up", async () => {
    expect(await cardOf({ publicUrl: "https://marrow.example.com/" }, "evil.example")).toBe(
      "https://marrow.example.com/a2a/teller",
    );
    expect(await cardOf({ port: 8080 }, "evil.example")).toBe("http://127.0.0.1:8080/a2a/teller");
    expect(await cardOf({ allowedHosts: ["gw.internal"] }, "gw.internal:81")).toBe("http://gw.internal:81/a2a/teller");
  });

  it("is given no push address, nor header, that must not be called: invalid params, with the reason", async () => {
    const gateway = await start({});
    await startAgent(gateway);
    const rpc = async (method: string, params: object) => {
      const headers = { ...JSON_TYPE, "a2a-version": "1.0", authorization: `Bearer ${gateway.key}` };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const answer = await send(gateway, "POST", "/a2a/teller", headers, body);
      return JSON.parse(answer.body) as {
        result?: { task?: { id: string } };
        error?: { code: number; message: string };
      };
    };
    const message = { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "hi" }] };
    const sent = await rpc("SendMessage", { message });
    const taskId = sent.result?.task?.id ?? "";
    expect(taskId).not.toBe("");
    const set = (config: object) => rpc("CreateTaskPushNotificationConfig", { taskId, ...config });
    expect((await set({ url: "https://10.0.0.1/" })).error).toMatchObject({ code: -32_602, message: /address/ });
    expect((await set({ url: "http://example.com/" })).error).toMatchObject({ code: -32_602, message: /https/ });
    const url = "https://example.com/push";
    expect((await set({ url, token: "a\r\nx-evil: 1" })).error).toMatchObject({ code: -32_602, message: /token/ });
    const authentication = { scheme: "Bearer", credentials: "a\nb" };
    expect((await set({ url, authentication })).error).toMatchObject({ code: -32_602, message: /credentials/ });
    const broken = await set({ url: "https://example.com/pu\r\nsh", token: "fine" });
    expect(broken.error).toMatchObject({ code: -32_602, message: /url/ });
    expect((await set({ url, token: "fine" })).error).toBeUndefined();
    const kept = JSON.stringify(await rpc("ListTaskPushNotificationConfigs", { taskId }));
    expect(kept).toContain('"https://example.com/push"');
    expect(kept).not.toMatch(/\\r|\\n/);
  });
});

describe("connections", () => {
  it("that send one byte at a time are gone within the bound, 500 of them", async () => {
    const gateway = await start({ http: { requestTimeoutMs: 3_000, headersTimeoutMs: 1_500 } });
    const port = Number(new URL(gateway.baseURL).port);
    let open = 0;
    const sockets = Array.from({ length: 500 }, (_, nth) => drip(port, nth % 2 === 0, () => (open -= 1)));
    open = sockets.length;
    const timer = setInterval(() => sockets.forEach((socket) => socket.writable && socket.write("a")), 500);
    const endMs = performance.now() + 20_000;
    while (open > 0 && performance.now() < endMs) await sleep(100);
    clearInterval(timer);
    sockets.forEach((socket) => socket.destroy());
    expect(open).toBe(0);
    expect((await send(gateway, "GET", "/healthz")).status).toBe(200);
  });

  it("end with an answer of 401 and 413", async () => {
    const gateway = await start({ bodyBytesMax: 1_024 });
    const authorization = `Bearer ${gateway.key}`;
    const keepAlive = { connection: "keep-alive" };
    const without = await send(gateway, "GET", "/v1/models", keepAlive);
    expect([without.status, without.headers.connection]).toEqual([401, "close"]);
    const headers = { ...JSON_TYPE, ...keepAlive, authorization };
    const large = await send(
      gateway,
      "POST",
      "/v1/chat/completions",
      headers,
      JSON.stringify({ a: "x".repeat(2_000) }),
    );
    expect([large.status, large.headers.connection]).toEqual([413, "close"]);
    const fine = await send(gateway, "GET", "/v1/models", { ...keepAlive, authorization });
    expect([fine.status, fine.headers.connection]).toEqual([200, "keep-alive"]);
  });

  it("beyond the bound are closed at once, and those that are open are served", async () => {
    const gateway = await start({ http: { connectionsMax: 2 } });
    const port = Number(new URL(gateway.baseURL).port);
    const held = [drip(port, true, () => {}), drip(port, true, () => {})];
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await expect(send(gateway, "GET", "/healthz")).rejects.toThrow(/socket|ECONNRESET/);
    held[0]?.destroy();
    await expect
      .poll(() =>
        send(gateway, "GET", "/healthz").then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    held[1]?.destroy();
  });

  it("beyond the bound take the place of those that have been idle for longest, and of none with a request", async () => {
    const gateway = await start(
      { http: { connectionsMax: 3 } },
      { script: () => ({ content: "late", delayMs: 1_900 }) },
    );
    const port = Number(new URL(gateway.baseURL).port);
    const closed: string[] = [];
    const open = (name: string, bytes: string) => {
      const socket = connectSocket({ port, host: "127.0.0.1" });
      socket.on("error", () => {}).on("close", () => closed.push(name));
      socket.write(bytes);
      return new Promise<void>((resolve) => socket.once("data", () => resolve()));
    };
    const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "hello" }] });
    const late = open(
      "busy",
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    for (const name of ["first", "second"]) await open(name, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await sleep(800);
    expect((await send(gateway, "GET", "/healthz")).status).toBe(200);
    expect(closed).toEqual(["first"]);
    await late;
  });

  it.each([
    ["nothing", ""],
    ["nothing, and send a byte of a next request now and then,", " "],
  ])("of clients that read %s of a long answer are closed, and the model is not read on for them", async (__, sent) => {
    const chunk = { choices: [{ index: 0, delta: { content: "x".repeat(65_536) }, finish_reason: null }] };
    const raw = `${`data: ${JSON.stringify(chunk)}\n\n`.repeat(500)}data: [DONE]\n\n`;
    const gateway = await start(
      { http: { stalledTimeoutMs: 1_000 } },
      { script: () => ({ raw, contentType: "text/event-stream" }) },
    );
    const port = Number(new URL(gateway.baseURL).port);
    const body = JSON.stringify({ model: "scripted", stream: true, messages: [{ role: "user", content: "long" }] });
    const socket = connectSocket({ port, host: "127.0.0.1" });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.pause();
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    const connections = () =>
      new Promise<number>((resolve) => gateway.app.server.getConnections((_, count) => resolve(count)));
    await expect.poll(connections).toBe(1);
    const dripping = setInterval(() => socket.write(sent), 300);
    await expect.poll(connections, { timeout: 15_000 }).toBe(0);
    clearInterval(dripping);
    socket.destroy();
    await closed;
  });
});

/** A client that sends the beginning of a request, its head or its body, and never its end. */
function drip(port: number, inHead: boolean, onClose: () => void): Socket {
  const socket = connectSocket({ port, host: "127.0.0.1" });
  socket.on("error", () => {}).on("close", onClose);
  socket.on("data", () => {});
  const head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n";
  socket.write(inHead ? `${head}x-slow: ` : `${head}content-type: application/json\r\ncontent-length: 100000\r\n\r\n{`);
  return socket;
}
