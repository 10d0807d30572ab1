import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createMemory } from "../../src/memory/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

async function overHttp(user: string, key = gateway.key): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  const headers = { authorization: `Bearer ${key}`, "x-marrow-user": user };
  const url = new URL(gateway.baseURL.replace("/v1", "/mcp"));
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  return client;
}

async function overStdio(user: string): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ["--conditions=@marrow/source", "src/cli/main.ts", "mcp", "--scope", "acme", "--user", user],
    env: { PATH: process.env["PATH"] ?? "", MARROW_REDIS_URL: inject("redisUrl"), MARROW_APP: gateway.redis.app },
    stderr: "pipe",
  });
  await client.connect(transport);
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args });
  return (result.isError === true ? { error: result.content } : result.structuredContent) as Record<string, unknown>;
}
const textsOf = ({ memories }: Record<string, unknown>) => (memories as { text: string }[]).map(({ text }) => text);

describe.each([
  ["streamable HTTP", overHttp],
  ["standard input and output", overStdio],
] as const)("memory as an MCP server over %s, by the official client", (how, open) => {
  it("remembers, recalls and forgets, and reads sessions, of its own user alone", async () => {
    const user = `ada ${how}`;
    const client = await open(user);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["remember", "recall", "forget", "list_sessions", "read_session"]);
    expect(tools.find(({ name }) => name === "forget")?.annotations).toMatchObject({ destructiveHint: true });
    const kept = await call(client, "remember", { text: "Ada lives in Oslo", key: "home", said_by: "user" });
    expect(kept).toMatchObject({ status: "new", trust: "trusted" });
    await call(client, "remember", { text: "Ada owns the bank", said_by: "tool" });
    expect(textsOf(await call(client, "recall", { about: "where does Ada live?" }))).toEqual(["Ada lives in Oslo"]);
    const session = createMemory(gateway.redis.scope("acme"), { name: "chat" }).session({ user, id: "talk" });
    await session.append([
      { role: "user", content: "Hello there" },
      { role: "assistant", content: "Hi" },
    ]);
    expect(await call(client, "list_sessions", { words: "hello" })).toMatchObject({
      sessions: [{ id: "talk", version: 2 }],
    });
    expect(await call(client, "read_session", { id: "talk", limit: 1 })).toMatchObject({
      version: 2,
      turns: [{ sequence: 2, turn: { content: "Hi" } }],
    });
    const other = await open("somebody else");
    expect(textsOf(await call(other, "recall", { about: "where does Ada live?" }))).toEqual([]);
    expect(await call(other, "forget", { ids: [kept["id"]] })).toEqual({ forgotten: 0 });
    expect(await call(client, "forget", { ids: [kept["id"]] })).toEqual({ forgotten: 1 });
    for (const [name, args] of [
      ["remember", { text: "" }],
      ["recall", {}],
      ["list_sessions", { after: "nonsense" }],
    ] as const)
      expect(await call(client, name, args)).toHaveProperty("error");
    await Promise.all([client.close(), other.close()]);
  }, 30_000);
});

describe("the MCP endpoint", () => {
  it("refuses a call that is longer than that of any tool", async () => {
    const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "x".repeat(300_000), arguments: {} } };
    const answer = await fetch(gateway.baseURL.replace("/v1", "/mcp"), {
      method: "POST",
      headers: {
        authorization: `Bearer ${gateway.key}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(413);
    expect((await answer.text()).length).toBeLessThan(1_000);
  });

  it("wants a key, and has no stream to listen to", async () => {
    await expect(overHttp("ada", "mrw_wrong")).rejects.toThrow(/401|API key/);
    const response = await fetch(gateway.baseURL.replace("/v1", "/mcp"), {
      headers: { authorization: `Bearer ${gateway.key}` },
    });
    expect(response.status).toBe(405);
  });

  // Those of the suite's scenarios that ask for no tools, prompts or resources of its own.
  it.each(["server-initialize", "ping", "tools-list"])(
    "conforms: %s",
    async (scenario) => {
      // The suite knows no keys: it is given one on the way.
      const target = new URL(gateway.baseURL.replace("/v1", "/mcp"));
      const proxy = createServer((request, response) => {
        const pieces: Buffer[] = [];
        request.on("data", (piece: Buffer) => pieces.push(piece));
        request.on("end", () => {
          void (async () => {
            const { host: _, connection: __, ...headers } = request.headers as Record<string, string>;
            const answer = await fetch(target, {
              method: request.method ?? "POST",
              headers: { ...headers, authorization: `Bearer ${gateway.key}` },
              ...(request.method === "POST" && { body: Buffer.concat(pieces) }),
            });
            response.writeHead(answer.status, {
              "content-type": answer.headers.get("content-type") ?? "application/json",
            });
            response.end(Buffer.from(await answer.arrayBuffer()));
          })();
        });
      });
      proxy.listen(0, "127.0.0.1");
      await once(proxy, "listening");
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/mcp`;
      const child = spawn(process.execPath, [SUITE, "server", "--url", url, "--scenario", scenario]);
      let output = "";
      child.stdout.on("data", (piece: Buffer) => (output += String(piece)));
      child.stderr.on("data", (piece: Buffer) => (output += String(piece)));
      const [code] = (await once(child, "close")) as [number];
      proxy.close();
      expect([code, /FAILURE/.test(output)]).toEqual([0, false]);
    },
    60_000,
  );
});
