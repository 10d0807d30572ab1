/** Bytes of requests at work, and what they count as once it is known what was stored: whatever the client does meanwhile. */
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { createGateway } from "../../src/gateway/index.ts";
import { bookedKeys } from "../../src/gateway/tenancy/booked-bytes.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

const SLOW_MS = 400;
const LONG = "x".repeat(50_000);

interface Answer {
  readonly status: number;
  readonly id: string;
  readonly text: string;
}

async function setUp(scopeBytes = 1_000_000, background = false) {
  const gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    background,
    config: { limits: { scopeBytes } },
    script({ body }) {
      const said = JSON.stringify(body);
      if (said.includes("failing")) return { status: 400, delayMs: SLOW_MS };
      if (said.includes("slowly"))
        return body["stream"] === true
          ? { content: "one two three four", eventDelayMs: SLOW_MS / 4 }
          : { content: "fine", delayMs: SLOW_MS };
      return "fine";
    },
  });
  started.push(gateway);
  const url = (path: string) => gateway.baseURL.replace(/\/v1$/, path);
  const authorization = `Bearer ${gateway.key}`;

  async function call(
    method: string,
    path: string,
    body?: unknown,
    { signal, ...headers }: { readonly signal?: AbortSignal } & Record<string, unknown> = {},
  ): Promise<Answer> {
    const isForm = body instanceof FormData;
    const response = await fetch(url(path), {
      method,
      headers: {
        authorization,
        accept: "application/json, text/event-stream",
        ...(body !== undefined && !isForm && { "content-type": "application/json" }),
        ...(headers as Record<string, string>),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
    const text = await response.text();
    const { id = "" } = (text.startsWith("{") ? JSON.parse(text) : {}) as { readonly id?: string };
    return { status: response.status, id, text };
  }

  /** Sends a request, and leaves once its model was asked. */
  async function leave(path: string, body: unknown): Promise<void> {
    const before = gateway.model.requests.length;
    const left = new AbortController();
    const asked = call("POST", path, body, { signal: left.signal }).catch(() => {});
    await expect.poll(() => gateway.model.requests.length, { interval: 5 }).toBeGreaterThan(before);
    left.abort();
    await asked;
  }

  const keys = bookedKeys(gateway.redis, "acme");
  /** What is counted, by name; without what is 0. */
  async function counted(): Promise<Readonly<Record<string, number>>> {
    const flat = (await gateway.redis.send(["HGETALL", keys.sizes])) as unknown;
    const entries = Array.isArray(flat)
      ? flat.flatMap((word: string, at) => (at % 2 === 0 ? [[word, Number(flat[at + 1])] as const] : []))
      : Object.entries(flat as Record<string, string>).map(([name, bytes]) => [name, Number(bytes)] as const);
    return Object.fromEntries(entries.filter(([, bytes]) => bytes > 0));
  }
  const names = async () => Object.keys(await counted()).filter((name) => name !== "");

  async function upload(bytes: number): Promise<string> {
    const form = new FormData();
    form.set("purpose", "assistants");
    form.set("file", new File(["word ".repeat(bytes / 5)], "a.txt"));
    return (await call("POST", "/v1/files", form)).id;
  }
  return { gateway, url, authorization, keys, call, leave, counted, names, upload };
}

const respond = (words: string, more: object = {}) => ({ model: "scripted", input: `${words} ${LONG}`, ...more });

describe("the bytes of a request whose client leaves", () => {
  it("are free once its work ended with nothing stored", async () => {
    const { leave, names } = await setUp();
    await leave("/v1/responses", respond("failing"));
    expect(await names()).toHaveLength(1);
    await expect.poll(names, { timeout: 3_000 }).toEqual([]);
  });

  it.each([false, true])(
    "count for the response that was stored, and no more once it is deleted (stream: %s)",
    async (stream) => {
      const { call, leave, names, counted } = await setUp();
      await leave("/v1/responses", respond("slowly", { stream }));
      await expect.poll(names, { timeout: 5_000 }).toEqual([expect.stringMatching(/^response:resp_/)]);
      await expect.poll(async () => (await counted())[""]).toBeGreaterThan(50_000);
      const id = (await names())[0]?.replace("response:", "");
      expect((await call("DELETE", `/v1/responses/${id}`)).status).toBe(200);
      expect(await names()).toEqual([]);
    },
  );

  it("are free also where it left before its work began", async () => {
    const { gateway, names } = await setUp();
    const { redis } = gateway;
    const send: typeof redis.send = async (...words) => pause(100).then(() => redis.send(...words));
    const app = createGateway({
      redis: { ...redis, send },
      models: [],
      embedder: staticEmbedder(),
      config: { logLevel: "silent" },
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const ask = (method: string, params: object, signal?: AbortSignal) =>
      fetch(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/mcp`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${gateway.key}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        ...(signal !== undefined && { signal }),
      });
    // The key is known after this one, so that the next waits for its reservation alone.
    expect((await ask("ping", {})).status).toBe(200);
    const tooLong = { name: "remember", arguments: { text: LONG } };
    await expect(ask("tools/call", tooLong, AbortSignal.timeout(50))).rejects.toThrow("aborted");
    await expect.poll(names, { interval: 5 }).toEqual([expect.stringContaining("request:")]);
    await expect.poll(names, { timeout: 3_000 }).toEqual([]);
    await app.close();
  });

  it("end within minutes if its process was killed", async () => {
    const { gateway, leave, names, keys } = await setUp();
    await leave("/v1/responses", respond("slowly"));
    const [name = ""] = await names();
    expect(name).toMatch(/^request:/);
    const [seconds] = (await gateway.redis.send(["TIME"])) as readonly [string];
    const end = Number(await gateway.redis.send(["ZSCORE", keys.ends, name]));
    expect(end - Number(seconds) * 1_000).toBeLessThan(5 * 60_000);
  });
});

describe("the bytes of a stored response", () => {
  it("are released at once when it is deleted, also if it was streamed", async () => {
    const { call, names } = await setUp();
    const { text } = await call("POST", "/v1/responses", respond("Hi", { stream: true }));
    const [, id] = /"id":"(resp_\w+)"/.exec(text) ?? [];
    await pause(300);
    expect((await call("DELETE", `/v1/responses/${id}`)).status).toBe(200);
    expect(await names()).toEqual([]);
  });

  it("cannot be taken over by another request of the same x-request-id", async () => {
    const { call, counted } = await setUp();
    const [id, later] = [{ "x-request-id": "mine" }, pause(SLOW_MS / 4)];
    const asked = call("POST", "/v1/responses", respond("slowly"), id);
    await later;
    const task = await call("POST", "/v1/tasks", { payload: 1 }, id);
    expect((await call("DELETE", `/v1/tasks/${task.id}`)).status).toBe(200);
    const response = await asked;
    expect((await counted())[`response:${response.id}`]).toBeGreaterThan(50_000);
  });

  it("count and bound the scope over a WebSocket, too", async () => {
    const { gateway, url, authorization, names, counted } = await setUp(120_000);
    const socket = new WebSocket(url("/v1/responses").replace("http", "ws"), { headers: { authorization } });
    await new Promise((resolve) => socket.once("open", resolve));
    const last = async (words: string): Promise<string> => {
      socket.send(JSON.stringify({ type: "response.create", ...respond(words) }));
      return new Promise((resolve) => {
        const read = (data: Buffer) => {
          const { type, error } = JSON.parse(data.toString()) as { type: string; error?: { code: string } };
          if (type !== "error" && type !== "response.completed") return;
          socket.off("message", read);
          resolve(error?.code ?? type);
        };
        socket.on("message", read);
      });
    };
    expect([await last("One"), await last("Two"), await last("Three")]).toEqual([
      "response.completed",
      "response.completed",
      "too_large",
    ]);
    socket.close();
    expect(gateway.model.requests).toHaveLength(2);
    await expect.poll(names).toHaveLength(2);
    expect((await counted())[""]).toBeGreaterThan(100_000);
  });
});

describe("the responses of a batch", () => {
  it("count with their requests, also once the file of these is deleted", async () => {
    const { call, counted } = await setUp(1_000_000, true);
    const line = { custom_id: "a", method: "POST", url: "/v1/responses", body: respond("Hi") };
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new File([JSON.stringify(line)], "a.jsonl"));
    const { id: file } = await call("POST", "/v1/files", form);
    const batch = { input_file_id: file, endpoint: "/v1/responses", completion_window: "24h" };
    expect((await call("POST", "/v1/batches", batch)).status).toBe(200);
    const ofResponses = async () =>
      Object.entries(await counted()).reduce(
        (sum, [name, bytes]) => sum + (name.startsWith("response:") ? bytes : 0),
        0,
      );
    await expect.poll(ofResponses, { timeout: 15_000 }).toBeGreaterThan(50_000);
    expect((await call("DELETE", `/v1/files/${file}`)).status).toBe(200);
    expect(await ofResponses()).toBeGreaterThan(50_000);
  });
});

describe("what is sent twice and stored once", () => {
  it.each<readonly [string, string, unknown]>([
    ["a task", "/v1/tasks", { payload: LONG }],
    ["a response in the background", "/v1/responses", respond("Hi", { background: true })],
    ["a fact", "/v1/memories", { text: "Eve lives in Lima" }],
    ["an embedding", "/v1/embeddings", { model: "static-256", input: "Eve lives in Lima" }],
  ])("counts once: %s", async (_, path, body) => {
    const { call, names, counted } = await setUp();
    const send = () => call("POST", path, body, { "idempotency-key": "k" });
    const first = await send();
    expect(first.status).toBeLessThan(300);
    const before = await counted();
    expect(await names()).toHaveLength(1);
    for (let nth = 0; nth < 2; nth += 1) expect((await send()).id).toBe(first.id);
    await expect.poll(counted).toEqual(before);
  });

  it("counts for each of two users", async () => {
    const { call, names } = await setUp();
    const fact = { text: "Eve lives in Lima" };
    const ids = [];
    for (const user of ["ann", "bob"])
      ids.push((await call("POST", "/v1/memories", fact, { "x-marrow-user": user })).id);
    expect(await names()).toHaveLength(2);
    expect((await call("DELETE", `/v1/memories/${ids[0]}`, undefined, { "x-marrow-user": "ann" })).status).toBe(200);
    expect(await names()).toHaveLength(1);
  });

  it("is no message to an agent or a tool: two of the same JSON-RPC id both count", async () => {
    const { call, names } = await setUp();
    const remember = (text: string) => ({
      jsonrpc: "2.0",
      id: "1",
      method: "tools/call",
      params: { name: "remember", arguments: { text } },
    });
    for (const text of ["Eve lives in Lima", "Her cat is called Tom"]) await call("POST", "/mcp", remember(text));
    await expect.poll(names).toHaveLength(2);
    const { text } = await call("GET", "/v1/memories");
    const { data } = JSON.parse(text) as { readonly data: readonly { readonly id: string }[] };
    for (const { id } of data) await call("DELETE", `/v1/memories/${id}`);
    expect(await names()).toEqual([]);
  });

  it("may be changed often, and counts as what it is", async () => {
    const { call, counted } = await setUp();
    const { id } = await call("POST", "/v1/conversations", {});
    for (let nth = 0; nth < 5; nth += 1)
      await call("POST", `/v1/conversations/${id}`, { metadata: { words: `${nth}${"x".repeat(400)}` } });
    expect((await counted())[`conversation:${id}`]).toBeLessThan(900);
  });
});

describe("files whose chunks do not all fit", () => {
  it("are not attached, leave no store behind, and count nothing", async () => {
    const { call, names, counted, upload } = await setUp(400_000);
    const files = [await upload(10_000), await upload(100_000)];
    const { id } = await call("POST", "/v1/vector_stores", {});
    const before = await counted();
    expect((await call("POST", `/v1/vector_stores/${id}/file_batches`, { file_ids: files })).status).toBe(413);
    await expect.poll(counted).toEqual(before);
    for (let nth = 0; nth < 3; nth += 1)
      expect((await call("POST", "/v1/vector_stores", { file_ids: files })).status).toBe(413);
    await expect.poll(counted).toEqual(before);
    const { text } = await call("GET", "/v1/vector_stores");
    expect((JSON.parse(text) as { readonly data: readonly unknown[] }).data).toHaveLength(1);
    expect((await names()).filter((name) => name.startsWith("chunks:"))).toEqual([]);
  });

  it("stay counted while they are attached again, also if that is refused", async () => {
    const { call, counted, upload } = await setUp(400_000);
    const [small, large] = [await upload(10_000), await upload(100_000)];
    const { id } = await call("POST", "/v1/vector_stores", { file_ids: [small] });
    const before = await counted();
    const path = `/v1/vector_stores/${id}/file_batches`;
    expect((await call("POST", path, { file_ids: [small, large] })).status).toBe(413);
    await expect.poll(counted).toEqual(before);
    const wrong = { type: "static", static: { max_chunk_size_tokens: 1, chunk_overlap_tokens: 9 } };
    expect((await call("POST", path, { file_ids: [small], chunking_strategy: wrong })).status).toBe(400);
    await expect.poll(counted).toEqual(before);
  });
});
