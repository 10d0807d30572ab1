import { afterEach, describe, expect, inject, it } from "vitest";
import { resolveConfig, type GatewayConfigInput } from "../../src/gateway/index.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../gateway.ts";

const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly id: string;
  readonly code: string | undefined;
}

async function setUp(limits: GatewayConfigInput["limits"] = {}, more: Partial<TestGatewayOptions> = {}) {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config: { limits }, ...more });
  started.push(gateway);
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const isForm = body instanceof FormData;
    const response = await fetch(gateway.baseURL.replace(/\/v1$/, path), {
      method,
      headers: {
        authorization: `Bearer ${gateway.key}`,
        accept: "application/json, text/event-stream",
        ...(body !== undefined && !isForm && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = (text.startsWith("{") ? JSON.parse(text) : {}) as { id?: string; error?: { code?: string } };
    return { status: response.status, headers: response.headers, id: answer.id ?? "", code: answer.error?.code };
  };
}

const upload = (bytes: number) => {
  const form = new FormData();
  form.set("purpose", "assistants");
  form.set("file", new File(["x".repeat(bytes)], "a.txt"));
  return form;
};
const MEBIBYTE = 1_048_576;

const KINDS: readonly (readonly [string, string, () => unknown])[] = [
  ["conversations", "/v1/conversations", () => ({})],
  ["memories", "/v1/memories", () => ({ text: `Fact ${Math.random()}` })],
  ["tasks", "/v1/tasks", () => ({ payload: 1 })],
  ["embeddings", "/v1/embeddings", () => ({ model: "static-256", input: `Text ${Math.random()}` })],
  ["vector stores", "/v1/vector_stores", () => ({ name: "s" })],
  ["files", "/v1/files", () => upload(10)],
  ["responses in the background", "/v1/responses", () => ({ model: "scripted", input: "Hi", background: true })],
  ["batches", "/v1/batches", () => ({ input_file_id: "file-x", endpoint: "/v1/responses", completion_window: "24h" })],
  ["webhooks", "/v1/webhooks", () => ({ url: "https://example.com/hook" })],
  ["calls of tools", "/mcp", () => ({ jsonrpc: "2.0", id: 1, method: "tools/list" })],
];

describe("the bounds of a scope", () => {
  it("count HEAD among the requests that read", async () => {
    const call = await setUp({ userReads: { limit: 2, windowMs: 60_000 } });
    const answers = [];
    for (let nth = 0; nth < 3; nth += 1) answers.push((await call("HEAD", "/v1/memories")).status);
    expect(answers).toEqual([200, 200, 429]);
  });

  it("count what only the gateway works at, and each request of a list of MCP's", async () => {
    const call = await setUp({ userWrites: { limit: 5, windowMs: 60_000 }, userReads: { limit: 3, windowMs: 60_000 } });
    const counted = { model: "scripted", messages: [{ role: "user", content: "How long is this?" }] };
    const counts = [];
    for (let nth = 0; nth < 3; nth += 1) counts.push((await call("POST", "/v1/messages/count_tokens", counted)).status);
    expect(counts).toEqual([200, 200, 200]);
    const listed = (length: number) =>
      Array.from({ length }, (_, id) => ({ jsonrpc: "2.0", id, method: "tools/list" }));
    expect((await call("POST", "/mcp", listed(3))).status).toBe(429);
    expect((await call("POST", "/mcp", listed(2))).status).toBe(200);
    expect((await call("POST", "/v1/messages/count_tokens", counted)).status).toBe(429);
    const models = [];
    for (let nth = 0; nth < 4; nth += 1) models.push((await call("GET", "/v1/models")).status);
    expect(models).toEqual([200, 200, 200, 429]);
  });

  it.each(KINDS)("are met by 300 in a row: %s", async (_, path, body) => {
    const call = await setUp();
    const answers: Answer[] = [];
    for (let done = 0; done < 300; done += 10)
      answers.push(...(await Promise.all(Array.from({ length: 10 }, () => call("POST", path, body())))));
    const refused = answers.find(({ status }) => status === 429);

    expect(refused?.code).toBe("rate_limit_exceeded");
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused?.headers.get("ratelimit")).toContain("user-");
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  });

  it("hold twenty of the largest files off, and give room back for what is deleted", async () => {
    // By default a scope keeps less than twenty of the largest files; here the same in small.
    const { limits, vectorStores } = resolveConfig({});
    expect(limits.scopeBytes / vectorStores.fileBytesMax).toBe(16);
    const call = await setUp({ scopeBytes: 2 * MEBIBYTE });
    const answers: Answer[] = [];
    for (let n = 0; n < 20; n += 1) answers.push(await call("POST", "/v1/files", upload(MEBIBYTE / 8)));
    const [kept, refused] = [
      answers.filter(({ status }) => status === 200),
      answers.filter(({ status }) => status === 413),
    ];
    expect([kept.length, refused.length]).toEqual([16, 4]);
    expect(refused[0]).toMatchObject({ code: "too_large" });
    expect(refused[0]?.headers.get("x-should-retry")).toBe("false");
    expect((await call("DELETE", `/v1/files/${kept[0]?.id}`)).status).toBe(200);
    await expect.poll(async () => (await call("POST", "/v1/files", upload(MEBIBYTE / 8))).status).toBe(200);
  });

  it.each([
    ["tasks", "/v1/tasks", { payload: "x".repeat(60_000) }],
    ["conversations", "/v1/conversations", { items: [{ role: "user", content: "x".repeat(60_000) }] }],
    ["responses", "/v1/responses", { model: "scripted", input: "x".repeat(60_000) }],
  ])("hold bytes of %s off, all of them together, and give room back for what is deleted", async (_, path, body) => {
    const call = await setUp({ scopeBytes: 200_000 }, { script: () => "short" });
    const answers = await Promise.all(Array.from({ length: 8 }, () => call("POST", path, body)));
    const kept = answers.filter(({ status }) => status < 300);
    expect(kept).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 413)).toHaveLength(5);
    expect((await call("POST", "/v1/tasks", { payload: "x".repeat(60_000) })).status).toBe(413);
    expect((await call("DELETE", `${path}/${kept[0]?.id}`)).status).toBe(200);
    await expect.poll(async () => (await call("POST", path, body)).status).toBeLessThan(300);
  });

  it("count what chats add to sessions and conversations, and give it back when the user is forgotten", async () => {
    const call = await setUp({ scopeBytes: 200_000 });
    const say = (words: string) => ({ model: "scripted", messages: [{ role: "user", content: words }] });
    const { id: conversation } = await call("POST", "/v1/conversations", {});
    const chat = (nth: number) =>
      nth % 2 === 0
        ? call("POST", "/v1/chat/completions", say(`${nth} ${"long ".repeat(8_000)}`), {
            "x-marrow-session": `s${nth}`,
          })
        : call("POST", "/v1/chat/completions", { ...say(`${nth} ${"long ".repeat(8_000)}`), conversation });
    const statuses: number[] = [];
    for (let nth = 0; nth < 12 && statuses.at(-1) !== 413; nth += 1) statuses.push((await chat(nth)).status);
    // Two of these are more than what a process gathers before it writes.
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses.at(-1)).toBe(413);
    expect(await call("POST", "/v1/tasks", { payload: "x".repeat(60_000) })).toMatchObject({ status: 413 });
    const message = { ...say("Hi"), max_tokens: 16 };
    const inSession = (stream: boolean) =>
      call("POST", "/v1/messages", { ...message, stream }, { "x-marrow-session": "full" });
    expect([(await inSession(false)).status, (await inSession(true)).status]).toEqual([413, 413]);
    // A chat that keeps nothing goes on.
    expect((await call("POST", "/v1/chat/completions", say("Hi"))).status).toBe(200);
    expect((await call("POST", "/v1/messages", message)).status).toBe(200);
    await call("POST", "/v1/memories/forget", {});
    await expect.poll(async () => (await chat(20)).status, { timeout: 5_000 }).toBe(200);
  });

  it("count the chunks of a vector store, and no more once it is deleted", async () => {
    const call = await setUp({ scopeBytes: 100_000 });
    const { id: file } = await call("POST", "/v1/files", upload(20_000));
    const { id: one } = await call("POST", "/v1/vector_stores", { file_ids: [file] });
    expect((await call("POST", "/v1/vector_stores", { file_ids: [file] })).status).toBe(413);
    expect((await call("POST", `/v1/vector_stores/${one}/files`, { file_id: file })).status).toBe(200);
    expect((await call("DELETE", `/v1/vector_stores/${one}`)).status).toBe(200);
    expect((await call("POST", "/v1/vector_stores", { file_ids: [file] })).status).toBe(200);
  });

  it("count the chunks of a file no more once the file is deleted from everywhere", async () => {
    const call = await setUp({ scopeBytes: 100_000 });
    for (let round = 0; round < 3; round += 1) {
      const { id: file } = await call("POST", "/v1/files", upload(20_000));
      await expect.poll(async () => (await call("POST", "/v1/vector_stores", { file_ids: [file] })).status).toBe(200);
      expect((await call("DELETE", `/v1/files/${file}`)).status).toBe(200);
    }
  });

  it.each<[string, string, (nth: number) => unknown]>([
    ["a stored response", "/v1/responses", (nth) => ({ model: "scripted", input: `Tell me much, ${nth}` })],
    [
      "a response in the background",
      "/v1/responses",
      (nth) => ({ model: "scripted", input: `Tell me much, ${nth}`, background: true }),
    ],
    [
      "an answer to an idempotency key",
      "/v1/chat/completions",
      (nth) => ({ model: "scripted", messages: [{ role: "user", content: `Tell me much, ${nth}` }] }),
    ],
  ])("count what a model says where it is kept: %s", async (_, path, body) => {
    const call = await setUp(
      { scopeBytes: 200_000 },
      { background: true, script: () => `${"much".repeat(500)} `.repeat(50) },
    );
    for (let nth = 0; nth < 3; nth += 1) {
      const asked = call("POST", path, body(nth), {
        "idempotency-key": `k${nth}`,
        "x-marrow-cache-control": "no-store",
      });
      // The last one may find the scope full already.
      expect([200, 413]).toContain((await asked).status);
    }
    const task = () => call("POST", "/v1/tasks", { payload: "small" });
    await expect.poll(async () => (await task()).status, { timeout: 5_000 }).toBe(413);
  });

  it("give back what a refused request would have kept", async () => {
    const call = await setUp({ scopeBytes: 100_000 });
    for (let n = 0; n < 5; n += 1)
      expect((await call("POST", "/v1/responses", { model: "nobody", input: "x".repeat(60_000) })).status).toBe(404);
    await expect.poll(async () => (await call("POST", "/v1/tasks", { payload: "x".repeat(60_000) })).status).toBe(202);
  });
});

describe("users whom a key makes up", () => {
  it("are bounded, so that nobody passes the limit of a user", async () => {
    const call = await setUp();
    const chat = { model: "scripted", messages: [{ role: "user", content: "What is the tallest tree?" }] };
    const answers: Answer[] = [];
    for (let done = 0; done < 300; done += 10)
      answers.push(
        ...(await Promise.all(
          Array.from({ length: 10 }, (_, n) =>
            n % 2 === 0
              ? call("POST", "/v1/chat/completions", chat, { "x-marrow-user": `made-up-${done + n}` })
              : call("POST", "/v1/chat/completions", { ...chat, user: `made-up-${done + n}` }),
          ),
        )),
      );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(200);
    // Whoever was known goes on.
    expect((await call("POST", "/v1/chat/completions", chat, { "x-marrow-user": "made-up-0" })).status).toBe(200);
  });
});
