/** What a scope's bytes count: what keeps something, and nothing of what fails. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ROUTES } from "../../src/gateway/routes.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  const open = { limit: 1_000_000, windowMs: 60_000 };
  const limits = { userWrites: open, appWrites: open, scopeBytes: 50_000 };
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config: { limits } });
});
afterAll(() => gateway.close());

const WORDS = "x".repeat(3_000);

async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string; id: string }> {
  const response = await fetch(gateway.baseURL.replace(/\/v1$/, path), {
    method,
    headers: {
      authorization: `Bearer ${gateway.key}`,
      accept: "application/json, text/event-stream",
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { id = "" } = (text.startsWith("{") ? JSON.parse(text) : {}) as { readonly id?: string };
  return { status: response.status, text, id };
}

/** Things that are booked, and their bytes. */
async function booked(): Promise<Readonly<Record<string, string>>> {
  const keys = (await gateway.redis.send(["KEYS", `{${gateway.redis.app}:*}:gateway:bytes:sizes`])) as string[];
  if (keys[0] === undefined) return {};
  const flat = (await gateway.redis.send(["HGETALL", keys[0]])) as unknown;
  const entries: [string, string][] = Array.isArray(flat)
    ? flat.flatMap((word: string, at) => (at % 2 === 0 ? [[word, String(flat[at + 1])] as [string, string]] : []))
    : Object.entries(flat as Record<string, string>);
  return Object.fromEntries(entries.filter(([, bytes]) => bytes !== "0"));
}

interface Known {
  readonly id: string;
}

const rpc = (method: string, params: unknown = {}) => ({ jsonrpc: "2.0", id: "1", method, params });
const tool = (name: string, args: unknown) => rpc("tools/call", { name, arguments: args });

/** Bodies that their routes understand, about things that are not there. */
const ABSENT: readonly (readonly [string, unknown])[] = [
  ["/v1/tasks/none/signal", { name: "a", value: WORDS }],
  ["/v1/tasks/none/promote", {}],
  ["/v1/tasks/none/cancel", {}],
  ["/v1/conversations/none", { metadata: { a: "b".repeat(400) } }],
  ["/v1/conversations/none/items", { items: [{ type: "message", role: "user", content: WORDS }] }],
  ["/v1/vector_stores/none", { name: "x".repeat(200) }],
  ["/v1/vector_stores/none/files", { file_id: "x".repeat(200) }],
  ["/v1/vector_stores/none/files/none", { attributes: { a: "b" } }],
  ["/v1/vector_stores/none/file_batches", { file_ids: ["x".repeat(200)] }],
  ["/v1/vector_stores", { name: "s", file_ids: ["none"] }],
  ["/v1/memories/none", { importance: 0.5 }],
  ["/v1/webhooks/none", { url: "https://example.com/hook" }],
  ["/v1/responses", { model: "nobody", input: WORDS }],
  ["/v1/responses", { model: "scripted", input: WORDS, previous_response_id: "none" }],
  ["/v1/responses", { model: "nobody", input: WORDS, stream: true }],
  ["/v1/embeddings", { model: "nobody", input: WORDS }],
  ["/a2a/nobody", rpc("SendMessage", { message: { text: WORDS } })],
];

/** Requests that succeed, or fail within JSON-RPC, and keep nothing. */
const KEEPING_NOTHING: readonly (readonly [string, string, unknown])[] = [
  ["tokens of an input", "/v1/responses/input_tokens", { model: "scripted", input: WORDS }],
  ["a compacted history", "/v1/responses/compact", { model: "scripted", input: WORDS }],
  ["a response that is not stored", "/v1/responses", { model: "scripted", input: WORDS, store: false }],
  ["the same as a stream", "/v1/responses", { model: "scripted", input: WORDS, store: false, stream: true }],
  ["a search in memories", "/v1/memories/recall", { about: "x".repeat(300) }],
  ["MCP's ping", "/mcp", rpc("ping", { _meta: { words: WORDS } })],
  ["MCP's list of tools", "/mcp", rpc("tools/list", { _meta: { words: WORDS } })],
  ["MCP's recall", "/mcp", tool("recall", { query: "x".repeat(300) })],
  ["an MCP tool that nobody has", "/mcp", tool("nothing", { text: WORDS })],
];

describe("a scope's bytes", () => {
  it("are as before after a request that fails, on every route", async () => {
    const succeeded: string[] = [];
    for (const [route, resource] of ROUTES) {
      const [method = "", path = ""] = route.split(" ");
      if (!["POST", "PUT"].includes(method)) continue;
      const before = await booked();
      const { status } = await call(method, path.replaceAll(/:\w+/g, "none"), { nonsense: WORDS });
      if (status < 400) succeeded.push(resource);
      else await expect.poll(booked, { interval: 5 }).toEqual(before);
    }
    // These have posts that any body is good for.
    const known = new Set(["conversation", "vector store", "memory", "cache entry"]);
    expect(succeeded.filter((resource) => !known.has(resource))).toEqual([]);
  });

  it.each(ABSENT)("are as before after a request about what is absent: %s %#", async (path, body) => {
    const before = await booked();
    const { status } = await call("POST", path, body);
    // Refused for what it names, and for no want of room.
    expect([400, 404, 409]).toContain(status);
    await expect.poll(booked).toEqual(before);
  });

  it("of a thing that was there are its former ones after a change that failed", async () => {
    const { id } = await call("POST", "/v1/vector_stores", { name: "s" });
    await expect.poll(async () => Object.keys(await booked())).toContain(`vector store:${id}`);
    const before = await booked();
    expect((await call("POST", `/v1/vector_stores/${id}/files`, { file_id: "x".repeat(40) })).status).toBe(404);
    await expect.poll(booked).toEqual(before);
  });

  it("are as before after a tool of MCP refused what it was told to remember", async () => {
    const before = await booked();
    expect((await call("POST", "/mcp", tool("remember", { text: "x".repeat(5_000) }))).status).toBe(200);
    await expect.poll(booked).toEqual(before);
    expect((await call("POST", "/mcp", tool("remember", { text: "Eve lives in Lima" }))).status).toBe(200);
    await expect.poll(booked).not.toEqual(before);
  });

  it("are given back when a tool of MCP forgets facts, once, and nothing else", async () => {
    const before = await booked();
    const remembered: string[] = [];
    for (const text of ["Bob lives in Rome", "Bob owns a dog"]) {
      const { text: answer } = await call("POST", "/mcp", tool("remember", { text }));
      remembered.push((JSON.parse(answer) as { result: { structuredContent: Known } }).result.structuredContent.id);
    }
    expect(Object.keys(await booked())).toHaveLength(Object.keys(before).length + 2);
    expect((await call("POST", "/mcp", tool("forget", { ids: ["none", ...remembered.slice(0, 1)] }))).status).toBe(200);
    expect(Object.keys(await booked())).toHaveLength(Object.keys(before).length + 1);
    expect((await call("POST", "/mcp", tool("forget", { ids: ["none"] }))).status).toBe(200);
    expect(Object.keys(await booked())).toHaveLength(Object.keys(before).length + 1);
    expect((await call("POST", "/mcp", tool("forget", { ids: remembered }))).status).toBe(200);
    expect(await booked()).toEqual(before);
  });

  it.each([
    ["a tool of MCP", (id: string) => call("POST", "/mcp", tool("forget", { ids: [id] })), 200],
    ["a route", (id: string) => call("DELETE", `/v1/memories/${id}`), 404],
  ])("are given back when %s repeats what broke before it gave them back", async (_, forget, status) => {
    const before = await booked();
    const [{ id }, { id: kept }] = [
      await call("POST", "/v1/memories", { text: "Dan lives in Oslo" }),
      await call("POST", "/v1/memories", { text: "Dan owns a boat" }),
    ];
    const names = `{${gateway.redis.app}:*}:gateway:bytes:*`;
    const keys = (await gateway.redis.send(["KEYS", names])) as string[];
    const saved = await Promise.all(
      keys.map(async (key) => (await gateway.redis.send(["DUMP", key], { reply: "bytes" })) as Buffer),
    );
    expect((await forget(id)).status).toBe(200);
    await Promise.all(keys.map((key, at) => gateway.redis.send(["RESTORE", key, "0", saved[at] as Buffer, "REPLACE"])));
    expect(Object.keys(await booked())).toHaveLength(Object.keys(before).length + 2);
    expect((await forget(id)).status).toBe(status);
    const left = Object.keys(await booked());
    expect(left).toHaveLength(Object.keys(before).length + 1);
    expect((await forget(kept)).status).toBe(200);
    expect(await booked()).toEqual(before);
  });

  it("of facts that 0.1 counted are given back for those that a tool of MCP forgot, and for no others", async () => {
    const { id } = await call("POST", "/v1/memories", { text: "Finn lives in Graz" });
    const keys = (await gateway.redis.send(["KEYS", `{${gateway.redis.app}:*}:gateway:bytes:sizes`])) as string[];
    const [sizes = ""] = keys;
    await gateway.redis.send(["HSET", sizes, `memory:${id}`, "7", "memory:another", "7"]);
    expect((await call("POST", "/mcp", tool("forget", { ids: [id, "another"] }))).status).toBe(200);
    expect(Object.keys(await booked())).toContain("memory:another");
    expect(Object.keys(await booked())).not.toContain(`memory:${id}`);
    await gateway.redis.send(["HDEL", sizes, "memory:another"]);
  });

  it("are given back when a user is forgotten with all facts", async () => {
    await call("POST", "/v1/memories/forget", {});
    const before = await booked();
    expect((await call("POST", "/v1/memories", { text: "Cleo lives in Bern", key: "home" })).status).toBe(200);
    expect((await call("POST", "/v1/memories", { text: "Cleo lives in Basel", key: "home" })).status).toBe(200);
    expect((await call("POST", "/mcp", tool("remember", { text: "Cleo owns a cat" }))).status).toBe(200);
    await expect.poll(async () => Object.keys(await booked())).toHaveLength(Object.keys(before).length + 3);
    expect((await call("POST", "/v1/memories/forget", {})).status).toBe(200);
    expect(await booked()).toEqual(before);
  });

  it.each(KEEPING_NOTHING)("do not count %s, which is served in a full scope too", async (_, path, body) => {
    for (const size of [40_000, 5_000, 2_000, 800]) {
      for (let nth = 0; nth < 20; nth += 1)
        if ((await call("POST", "/v1/tasks", { payload: "x".repeat(size) })).status === 413) break;
    }
    const before = await booked();
    expect(await call("POST", path, body)).toMatchObject({ status: 200 });
    await expect.poll(booked).toEqual(before);
  });
});
