import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createBus, type Agent } from "../../src/bus/index.ts";
import { RESOURCES, ROUTES } from "../../src/gateway/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let agent: Agent;
const keys = new Map<string, string>();
/** Ids of Ann's things, by the name of the parameter or resource. */
const anns = new Map<string, string>();

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: { readonly id?: string; readonly result?: { readonly task?: { readonly id: string } } };
}

async function call(who: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(gateway.baseURL.replace(/\/v1$/, path), {
    method,
    headers: {
      authorization: `Bearer ${keys.get(who)}`,
      accept: "application/json, text/event-stream",
      ...(body !== undefined && !(body instanceof FormData) && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : {} } as Answer;
}

const upload = (words: string, purpose = "batch") => {
  const form = new FormData();
  form.set("purpose", purpose);
  form.set("file", new File([words], "ann.jsonl"));
  return form;
};
const SECRET = "Ann's secret";
const line = JSON.stringify({
  custom_id: "a",
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "scripted" },
});
const rpc = (method: string, params: object) => ({ jsonrpc: "2.0", id: 1, method, params });
const A2A = { "a2a-version": "1.0" };
const toAgent = { message: { messageId: "m1", role: "ROLE_USER", parts: [{ text: SECRET }] } };
const tool = (name: string, given: object) => rpc("tools/call", { name, arguments: given });
const metadata = { note: SECRET };
/** What the agent was sent. */
const heard: unknown[] = [];

beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config: { webhooks: { allowHttp: true } } });
  agent = await createBus(gateway.redis.scope("acme")).register({ name: "teller" }, async ({ body }) => {
    heard.push(body);
    return "told";
  });
  for (const user of ["ann", "bob"])
    keys.set(user, await gateway.keys.create({ scope: "acme", user, name: user, actsFor: "own" }));
  keys.set("house", gateway.key);
  const make = async (name: string, method: string, path: string, body: unknown) => {
    const answer = await call("ann", method, path, body);
    if (answer.status >= 300) throw new Error(`${name}: ${answer.text}`);
    anns.set(name, answer.body.id ?? "");
  };
  await make("conversation", "POST", "/v1/conversations", { metadata, items: [{ role: "user", content: SECRET }] });
  await make("memory", "POST", "/v1/memories", { text: SECRET });
  await make("response", "POST", "/v1/responses", { model: "scripted", input: SECRET });
  await make("background", "POST", "/v1/responses", { model: "scripted", input: SECRET, background: true });
  await make("task", "POST", "/v1/tasks", { payload: SECRET });
  const entry = { prompt: "Where is the treasure chest?", response: SECRET, attributes: { a: "b" } };
  const { text } = await call("ann", "POST", "/v1/caches/shared/entries", entry);
  anns.set("cache entry", (JSON.parse(text) as { entryId?: string }).entryId ?? "");
  await make("file", "POST", "/v1/files", upload(line));
  await make("batch", "POST", "/v1/batches", {
    input_file_id: anns.get("file"),
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    metadata,
  });
  await make("vector store", "POST", "/v1/vector_stores", { name: SECRET, metadata, file_ids: [anns.get("file")] });
  const items = await call("ann", "GET", `/v1/conversations/${anns.get("conversation")}/items`);
  anns.set("item", (JSON.parse(items.text) as { data: { id: string }[] }).data[0]?.id ?? "");
  const batch = await call("ann", "POST", `/v1/vector_stores/${anns.get("vector store")}/file_batches`, {
    file_ids: [anns.get("file")],
  });
  anns.set("file batch", batch.body.id ?? "");
  await call(
    "ann",
    "POST",
    "/v1/chat/completions",
    { model: "scripted", messages: [{ role: "user", content: SECRET }] },
    { "x-marrow-session": "ann's" },
  );
  const sent = await call("ann", "POST", "/a2a/teller", rpc("SendMessage", toAgent), A2A);
  anns.set("A2A task", sent.body.result?.task?.id ?? "");
  expect([...anns].filter(([, id]) => id === "")).toEqual([]);
});
afterAll(async () => {
  await agent.close();
  await gateway.close();
});

/** A route's pattern with Ann's ids in it. */
function toPath(pattern: string, resource: string): string {
  const id = pattern.includes("file_batches") ? "file batch" : pattern.includes("/files/:id") ? "file" : resource;
  return pattern
    .replace(":store", anns.get("vector store") ?? "")
    .replace(":conversation", anns.get("conversation") ?? "")
    .replace(":item", anns.get("item") ?? "")
    .replace(":cache", "shared")
    .replace(":id", anns.get(id) ?? "");
}

/** Bodies that each route would take. */
const BODIES: Readonly<Record<string, unknown>> = {
  "POST /v1/conversations/:conversation": { metadata: {} },
  "POST /v1/conversations/:conversation/items": { items: [{ role: "user", content: "hi" }] },
  "POST /v1/tasks/:id/signal": { name: "go", value: 1 },
  "POST /v1/memories/:id": { pinned: true },
  "POST /v1/caches/:cache/entries": { prompt: "Where is the treasure chest?", response: "nothing" },
  "POST /v1/caches/:cache/entries/search": { prompt: "Where is the treasure chest?" },
  "DELETE /v1/caches/:cache/entries": { attributes: { a: "b" } },
  "POST /v1/vector_stores/:store": { name: "mine" },
  "POST /v1/vector_stores/:store/search": { query: "secret" },
  "POST /v1/vector_stores/:store/files": { file_id: "file-x" },
  "POST /v1/vector_stores/:store/files/:id": { attributes: { a: 1 } },
  "POST /v1/vector_stores/:store/file_batches": { file_ids: ["file-x"] },
};

const owned = [...ROUTES].filter(([, resource]) => ["user", "shared"].includes(RESOURCES[resource]));

describe("the walls between the users of a scope", () => {
  it("are told for every route that the gateway has, and for no other", () => {
    const known = gateway
      .routes()
      .map(({ method, url }) => `${method} ${url}`)
      .toSorted();
    expect([...ROUTES.keys()].toSorted()).toEqual(known);
  });

  it("stand in the docs as they stand in the code", () => {
    const page = readFileSync("docs/roles/gateway.md", "utf8");
    for (const [resource, belonging] of Object.entries(RESOURCES))
      expect(page).toContain(`| ${resource} | ${belonging} |`);
  });

  it.each(owned.filter(([route]) => /:(?:id|store|conversation)/.test(route)))(
    "hide what is Ann's from Bob: %s",
    async (route, resource) => {
      const [method = "", pattern = ""] = route.split(" ");
      const answer = await call("bob", method, toPath(pattern, resource), BODIES[route]);
      expect(answer).toMatchObject({ status: 404 });
      expect(answer.text).not.toContain("secret");
    },
  );

  it.each(owned.filter(([route]) => route.startsWith("GET") && !route.includes(":")))(
    "leave what is Ann's out of Bob's lists: %s",
    async (route) => {
      const { text } = await call("bob", "GET", route.split(" ")[1] ?? "");
      for (const id of anns.values()) expect(text).not.toContain(id);
      expect(text).not.toContain(SECRET);
    },
  );

  it.each(owned)("refuse Bob who says that he is Ann: %s", async (route, resource) => {
    const [method = "", pattern = ""] = route.split(" ");
    if (pattern === "/mcp" && method !== "POST") return;
    const body = BODIES[route] ?? (method === "POST" ? minimal(pattern) : undefined);
    const path = toPath(pattern, resource).replace(":agent", "teller");
    const answer = await call("bob", method, path, body, { "x-marrow-user": "ann" });
    expect(answer).toMatchObject({ status: 403 });
  });

  it("refuse another user's name in a body, and let what names nobody pass", async () => {
    const chat = { model: "scripted", messages: [{ role: "user", content: "Who am I?" }] };
    expect(await call("bob", "POST", "/v1/chat/completions", { ...chat, user: "ann" })).toMatchObject({ status: 403 });
    expect(await call("bob", "POST", "/v1/responses", { model: "scripted", input: "Hi", user: "ann" })).toMatchObject({
      status: 403,
    });
    const beside = { safety_identifier: "ann", metadata: { user: "ann", user_id: "ann" } };
    const answer = await call(
      "bob",
      "POST",
      "/v1/chat/completions",
      { ...chat, ...beside, user: "bob" },
      { "x-marrow-session": "ann's" },
    );
    expect(answer.status).toBe(200);
    expect(JSON.stringify(gateway.model.requests.at(-1))).not.toContain(SECRET);
  });

  it("hold for what a request refers to: a previous response, a conversation, files, tasks", async () => {
    const [file, store] = [anns.get("file"), anns.get("vector store")];
    const own = (await call("bob", "POST", "/v1/vector_stores", { name: "bob's" })).body.id;
    const asks: readonly (readonly [string, unknown, number])[] = [
      ["/v1/responses", { model: "scripted", input: "And?", previous_response_id: anns.get("response") }, 404],
      [
        "/v1/responses",
        { model: "scripted", input: "And?", previous_response_id: anns.get("response"), background: true },
        404,
      ],
      ["/v1/responses", { model: "scripted", input: "And?", conversation: anns.get("conversation") }, 404],
      [
        "/v1/chat/completions",
        { model: "scripted", messages: [{ role: "user", content: "And?" }], conversation: anns.get("conversation") },
        404,
      ],
      ["/v1/batches", { input_file_id: file, endpoint: "/v1/chat/completions", completion_window: "24h" }, 404],
      ["/v1/vector_stores", { file_ids: [file] }, 404],
      [`/v1/vector_stores/${own}/files`, { file_id: file }, 404],
      [`/v1/vector_stores/${own}/file_batches`, { file_ids: [file] }, 404],
      [`/v1/vector_stores/${store}/search`, { query: "a" }, 404],
      ["/v1/tasks", { payload: 1, depends_on: [anns.get("task")] }, 409],
    ];
    for (const [path, body, status] of asks)
      expect({ path, ...(await call("bob", "POST", path, body)) }).toMatchObject({ path, status });
  });

  it("keep apart what two users send under one idempotency key", async () => {
    const keyed = { "idempotency-key": "same" };
    for (const [path, body] of [
      ["/v1/tasks", { payload: 1 }],
      ["/v1/responses", { model: "scripted", input: "Hi", background: true }],
    ] as const) {
      const [one, other] = [await call("ann", "POST", path, body, keyed), await call("bob", "POST", path, body, keyed)];
      expect([one.status, other.status].every((status) => status < 300)).toBe(true);
      expect(other.body.id).not.toBe(one.body.id);
      expect((await call("ann", "POST", path, body, keyed)).body.id).toBe(one.body.id);
    }
  });

  it("hold over MCP and A2A", async () => {
    for (const asked of [
      tool("recall", { about: "secret" }),
      tool("list_sessions", {}),
      tool("read_session", { id: "ann's" }),
    ])
      expect((await call("bob", "POST", "/mcp", asked)).text).not.toContain(SECRET);
    await call("bob", "POST", "/mcp", tool("forget", { ids: [anns.get("memory")] }));
    const id = anns.get("A2A task");
    for (const [method, params] of [
      ["GetTask", { id }],
      ["CancelTask", { id }],
      ["ListTasks", {}],
      ["SubscribeToTask", { id }],
    ] as const) {
      const answer = await call("bob", "POST", "/a2a/teller", rpc(method, params), A2A);
      expect(answer.text).not.toContain(SECRET);
      if (method !== "ListTasks") expect(answer.text).toContain("error");
      else expect(answer.text).not.toContain(id);
    }
    expect((await call("ann", "POST", "/a2a/teller", rpc("GetTask", { id }), A2A)).text).toContain(SECRET);
    // Whoever speaks under another's context is known to the agent as who they are.
    const { contextId } = heard[0] as { contextId: string };
    const message = { ...toAgent.message, messageId: "m2", contextId, parts: [{ text: "And me?" }] };
    await call("bob", "POST", "/a2a/teller", rpc("SendMessage", { message }), A2A);
    expect(heard).toContainEqual(expect.objectContaining({ text: SECRET, user: "ann", contextId }));
    expect(heard).toContainEqual(expect.objectContaining({ text: "And me?", user: "bob", contextId }));
  });

  it("leave webhooks, which hear of everybody, to keys that act for any user", async () => {
    for (const [route, resource] of ROUTES) {
      if (RESOURCES[resource] !== "keeper") continue;
      const [method = "", path = ""] = route.split(" ");
      expect(
        await call(
          "ann",
          method,
          path.replace(":id", "we_1"),
          method === "POST" ? { url: "https://example.com" } : undefined,
        ),
      ).toMatchObject({ status: 403 });
    }
    expect((await call("house", "GET", "/v1/webhooks")).status).toBe(200);
  });

  it("hold for HEAD as for GET", async () => {
    for (const [route, resource] of ROUTES) {
      const [method = "", path = ""] = route.split(" ");
      if (method !== "GET" || RESOURCES[resource] === "open" || path === "/mcp") continue;
      const at = toPath(path, resource).replace(":agent", "teller");
      const [head, get] = [await call("bob", "HEAD", at), await call("bob", "GET", at)];
      expect({ at, status: head.status }).toEqual({ at, status: get.status });
    }
  });

  it("let all keys read what is the scope's, and only keys that act for any user change it", async () => {
    const { body: file } = await call("house", "POST", "/v1/files", upload("{}", "assistants"));
    const { body: requests } = await call("house", "POST", "/v1/files", upload("{}"));
    for (const path of [`/v1/files/${requests.id}`, `/v1/files/${requests.id}/content`])
      expect([(await call("bob", "GET", path)).status, (await call("house", "GET", path)).status]).toEqual([404, 200]);
    expect((await call("bob", "GET", "/v1/files")).text).not.toContain(requests.id);
    const { body: store } = await call("house", "POST", "/v1/vector_stores", { name: "for all", file_ids: [file.id] });
    expect((await call("bob", "GET", `/v1/files/${file.id}/content`)).status).toBe(200);
    expect((await call("bob", "POST", `/v1/vector_stores/${store.id}/search`, { query: "a" })).status).toBe(200);
    expect((await call("bob", "GET", "/v1/vector_stores")).text).toContain(store.id);
    const [at, prompt] = ["/v1/caches/shared/entries", "Where is the office of the house?"];
    await call("house", "POST", at, { prompt, response: "In Bern" });
    expect((await call("bob", "POST", `${at}/search`, { prompt })).text).toContain("In Bern");
    expect((await call("bob", "POST", "/v1/caches/shared/flush", {})).status).toBe(204);
    expect((await call("house", "POST", `${at}/search`, { prompt })).text).toContain("In Bern");
    expect((await call("bob", "DELETE", `/v1/files/${file.id}`)).status).toBe(403);
    expect((await call("bob", "POST", `/v1/vector_stores/${store.id}`, { name: "bob's" })).status).toBe(403);
    expect((await call("bob", "DELETE", `/v1/vector_stores/${store.id}/files/${file.id}`)).status).toBe(403);
  });

  it("let a key that acts for any user speak for one, and then see that one's things alone", async () => {
    const as = (user: string) => ({ "x-marrow-user": user });
    for (const path of [
      `/v1/responses/${anns.get("response")}`,
      `/v1/tasks/${anns.get("task")}`,
      `/v1/batches/${anns.get("batch")}`,
      `/v1/files/${anns.get("file")}`,
    ]) {
      expect((await call("house", "GET", path)).status).toBe(200);
      expect((await call("house", "GET", path, undefined, as("ann"))).status).toBe(200);
      expect((await call("house", "GET", path, undefined, as("bob"))).status).toBe(404);
    }
    const chat = { model: "scripted", messages: [{ role: "user", content: "hi" }] };
    expect((await call("house", "POST", "/v1/chat/completions", { ...chat, user: "ann" }, as("ann"))).status).toBe(200);
    const two = await call("house", "POST", "/v1/chat/completions", { ...chat, user: "bob" }, as("ann"));
    expect([two.status, (JSON.parse(two.text) as { error: { param: string } }).error.param]).toEqual([400, "user"]);
  });

  it("know a user by one name in headers, bodies and paths, whatever its alphabet", async () => {
    const inHeader = (name: string) => ({ "x-marrow-user": Buffer.from(name).toString("latin1") });
    for (const name of ["Аня", "安娜", "Zoë"]) {
      keys.set(name, await gateway.keys.create({ scope: "acme", user: name, name: "other alphabet" }));
      expect(await call(name, "GET", "/v1/memories", undefined, inHeader(name))).toMatchObject({ status: 200 });
      const kept = await call("house", "POST", "/v1/memories", { text: `${name} likes tea.` }, inHeader(name));
      expect(kept.status).toBe(200);
      expect((await call(name, "GET", "/v1/memories")).text).toContain(`${name} likes tea.`);
    }
    // What is no UTF-8 is Latin-1, as fetch sends it.
    expect((await call("house", "GET", "/v1/memories", undefined, { "x-marrow-user": "Zoë" })).text).toContain("tea");
  });

  it("leave all that was Ann's as it was", async () => {
    const { ann } = { ann: (path: string) => call("ann", "GET", path) };
    expect((await ann(`/v1/conversations/${anns.get("conversation")}/items`)).text).toContain(SECRET);
    expect((await ann("/v1/memories")).text).toContain(SECRET);
    const found = await call("ann", "POST", "/v1/caches/shared/entries/search", {
      prompt: "Where is the treasure chest?",
    });
    expect(found.text).toContain(SECRET);
    for (const [resource, path] of [
      ["response", "responses"],
      ["background", "responses"],
      ["task", "tasks"],
      ["file", "files"],
      ["batch", "batches"],
      ["vector store", "vector_stores"],
    ] as const)
      expect(await ann(`/v1/${path}/${anns.get(resource)}`)).toMatchObject({ status: 200 });
    expect((await ann(`/v1/batches/${anns.get("batch")}`)).text).not.toContain("owner");
    expect((await ann(`/v1/batches/${anns.get("batch")}`)).text).not.toContain("cancel");
    expect((await ann(`/v1/vector_stores/${anns.get("vector store")}`)).text).toContain(SECRET);
  });
});

describe("a key of 0.1, which says nothing of whom it acts for", () => {
  it("acts for its own user; an admin's for all, as it could make any key", async () => {
    const [plain, admin] = [
      await gateway.keys.create({ scope: "acme", user: "old", name: "old" }),
      await gateway.keys.create({ scope: "acme", user: "root", name: "old", role: "admin" }),
    ];
    expect((await gateway.keys.identify(plain)).actsFor).toBe("own");
    expect((await gateway.keys.identify(admin)).actsFor).toBe("any");
    keys.set("old", plain);
    keys.set("admin", admin);
    const { id } = await gateway.keys.identify(plain);
    expect(await call("old", "GET", "/v1/memories", undefined, { "x-marrow-user": "new" })).toMatchObject({
      status: 403,
      text: expect.stringContaining("acts_for"),
    });
    await call("admin", "POST", `/v1/admin/keys/${id}`, { acts_for: "any" });
    expect((await call("old", "GET", "/v1/memories", undefined, { "x-marrow-user": "new" })).status).toBe(200);
  });
});

/** A body that a route would take. */
function minimal(path: string): unknown {
  const model = "scripted";
  if (path === "/v1/chat/completions") return { model, messages: [{ role: "user", content: "Hi" }] };
  if (path === "/v1/messages") return { model, max_tokens: 5, messages: [{ role: "user", content: "Hi" }] };
  if (path === "/v1/responses" || /^.v1.responses.(compact|input_tokens)$/.test(path)) return { model, input: "Hi" };
  if (path === "/v1/batches") return { input_file_id: "file-x", endpoint: "/v1/responses", completion_window: "24h" };
  if (path === "/v1/memories") return { text: "x" };
  if (path === "/v1/memories/recall") return { about: "x" };
  if (path === "/v1/tasks") return { payload: 1 };
  if (path === "/v1/files") return upload("{}");
  if (path === "/mcp") return tool("list_sessions", {});
  if (path.startsWith("/a2a")) return rpc("ListTasks", {});
  return path.endsWith("/cancel") || path.endsWith("/forget") ? undefined : {};
}
