import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { createAdminClient, type Answer } from "../admin-client.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
let origin: string;
let admin: string;
let plain: string;

beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  origin = gateway.baseURL.replace(/\/v1$/, "");
  admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
  plain = gateway.key;
});
afterAll(() => gateway.close());

const { call, signIn } = createAdminClient(() => origin);

describe("the pages of the roles", () => {
  const canary = "<img src=x onerror=alert(1)>";
  let read: (path: string) => Promise<Answer>;
  let write: (method: string, path: string, body?: unknown) => Promise<Answer>;
  let visible: TestGateway;

  beforeAll(async () => {
    const { cookie, writes } = await signIn({ key: admin });
    read = (path) => call("GET", `/v1/admin${path}`, undefined, cookie);
    write = (method, path, body = {}) => call(method, `/v1/admin${path}`, body, writes);
    const headers = { authorization: `Bearer ${plain}`, "x-marrow-user": canary, "x-marrow-session": canary };
    const chat = { model: "demo", messages: [{ role: "user", content: `secret ${canary} of ann` }] };
    expect((await call("POST", "/v1/chat/completions", chat, headers)).status).toBe(200);
    const [config, appName] = [{ dashboard: { content: "visible" } } as const, gateway.redis.app];
    visible = await startTestGateway({ redisUrl: inject("redisUrl"), appName, config });
  });
  afterAll(() => visible.close());

  /** The same at a gateway that shows content. */
  async function readVisible(path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${admin}` };
    return (await fetch(`${visible.baseURL}/admin${path}`, { headers })).json();
  }

  it("list a user's sessions and turns, and tell what was said only where that is allowed", async () => {
    const path = `/users/${encodeURIComponent(canary)}/sessions`;
    const { body } = await read(path);
    expect(body).toMatchObject({ data: [{ id: canary, turns: 2 }] });
    const turns = `${path}/${encodeURIComponent(canary)}`;
    const hidden = await read(turns);
    expect(hidden.body).toMatchObject({ hidden: true, data: [{ role: "user" }, { role: "assistant" }] });
    expect(JSON.stringify(hidden.body)).not.toContain("secret");
    expect(await readVisible(turns)).toMatchObject({
      hidden: false,
      data: [{ turn: { content: `secret ${canary} of ann` } }, {}],
    });
    expect((await read(`${turns}?limit=1`)).body).toMatchObject({ next: "2", data: [{ role: "assistant" }] });
    expect((await read(`${turns}?limit=1&before=2`)).body).toMatchObject({ data: [{ role: "user" }] });
  });

  it("tell the turns that a model would be told next", async () => {
    const path = `/users/${encodeURIComponent(canary)}/sessions/${encodeURIComponent(canary)}/context`;
    const hidden = await read(path);
    expect(hidden.body).toMatchObject({ hidden: true, data: [{ role: "user", calls: 0 }, { role: "assistant" }] });
    expect(JSON.stringify(hidden.body)).not.toContain("secret");
    expect(await readVisible(path)).toMatchObject({
      data: [{ message: { role: "user", content: `secret ${canary} of ann` } }, {}],
    });
  });

  it("find a user's stored answers by words, and tell of one; hidden, there is nothing to be searched", async () => {
    const of = `/cache/entries?user=${encodeURIComponent(canary)}`;
    const { body } = await read(of);
    expect(body).toMatchObject({ data: [{ object: "cache.entry", hidden: true, tags: [] }] });
    expect(JSON.stringify(body)).not.toMatch(/secret|ann/);
    expect((await read(`${of}&words=secret`)).status).toBe(403);
    expect((await read("/cache/entries")).body).toMatchObject({ error: { param: "user" } });
    const found = (await readVisible(`${of}&words=${encodeURIComponent("SECRET ann")}`)) as { data: { id: string }[] };
    expect(found).toMatchObject({ data: [{ prompt: expect.stringContaining("secret") }] });
    expect(await readVisible(`${of}&words=nothing`)).toMatchObject({ data: [] });
    const id = found.data[0]?.id ?? "";
    expect(await readVisible(`/cache/entries/${id}`)).toMatchObject({ id, aliases: [], aliases_count: 0, hits: null });
    expect((await read("/cache/entries/nothing")).status).toBe(404);
    expect((await write("DELETE", `/cache/entries/${id}`)).status).toBe(200);
    expect((await read(of)).body).toMatchObject({ data: [] });
  });

  it("hear whether a near question asks the same, and draw precision over threshold", async () => {
    for (const [score, same] of [
      [0.99, true],
      [0.99, true],
      [0.7, false],
    ] as const)
      expect((await write("POST", "/cache/entries/any/audit?scope=audited", { score, same })).status).toBe(200);
    const { report } = (await read("/cache?scope=audited")).body as {
      report: { audited: number; curve: { precision: number }[] };
    };
    expect(report).toMatchObject({ audited: 3, wrong: 1 });
    expect(report.curve.map(({ precision }) => precision)).toEqual([1, 2 / 3]);
    expect((await write("POST", "/cache/entries/any/audit", { score: 2, same: true })).status).toBe(400);
  });

  it("plan the server's size and tell its slowest commands by name", async () => {
    const { servers } = (await read("/health")).body as { servers: Record<string, unknown>[] };
    expect(servers[0]).toMatchObject({ size: { fits: [expect.any(String), expect.any(String), expect.any(String)] } });
    const { size } = servers[0] as { size: { used_bytes: number; server_bytes: number } };
    expect(size.server_bytes).toBeGreaterThan(size.used_bytes);
    const { slow = [] } = servers[0] as { slow?: { command: string }[] };
    for (const { command } of slow) expect(command).toMatch(/^[A-Z.|_-]+$/);
  });

  it("show the busiest users, and forget one with a receipt", async () => {
    const { body } = await read("/users?limit=5");
    expect(body).toMatchObject({
      data: expect.arrayContaining([
        expect.objectContaining({ id: canary, nearest: expect.objectContaining({ used: expect.any(Number) }) }),
      ]),
    });
    const forgotten = await write("POST", `/users/${encodeURIComponent(canary)}/forget`);
    expect(forgotten.body).toMatchObject({ sessions: 1, turns: 2 });
    expect((await read(`/users/${encodeURIComponent(canary)}/sessions`)).body).toMatchObject({ data: [] });
  });

  it("list jobs page by page, tell one's life, and pause, promote, cancel and redrive", async () => {
    const headers = { authorization: `Bearer ${plain}` };
    const ids: string[] = [];
    for (let at = 0; at < 3; at += 1)
      ids.push(
        String((await call("POST", "/v1/tasks", { payload: { at, canary }, delay_ms: 60_000 }, headers)).body["id"]),
      );
    const first = await read("/queues/tasks/jobs?state=delayed&limit=2");
    expect(first.body).toMatchObject({ next: "2", data: [{ state: "delayed", hidden: true }, {}] });
    expect(JSON.stringify(first.body)).not.toContain("canary");
    expect((await read("/queues/tasks/jobs?state=delayed&limit=2&after=2")).body["data"]).toHaveLength(1);
    expect(await readVisible(`/queues/tasks/jobs/${ids[0] ?? ""}`)).toMatchObject({ payload: { at: 0, canary } });
    expect((await write("POST", `/queues/tasks/jobs/${ids[0] ?? ""}/promote`)).status).toBe(200);
    expect((await write("POST", `/queues/tasks/jobs/${ids[0] ?? ""}/promote`)).status).toBe(409);
    expect((await write("POST", `/queues/tasks/jobs/${ids[1] ?? ""}/cancel`)).status).toBe(200);
    expect((await read(`/queues/tasks/jobs/${ids[1] ?? ""}`)).body).toMatchObject({ state: "cancelled" });
    expect((await write("POST", `/queues/tasks/jobs/${ids[2] ?? ""}/redrive`)).status).toBe(409);
    expect((await write("POST", "/queues/tasks/jobs/none/cancel")).status).toBe(404);
    await write("POST", "/queues/tasks/pause", {});
    await write("POST", "/queues/tasks/pause", { all: true });
    expect((await read("/queues")).body).toMatchObject({
      data: [{}, { name: "tasks", paused: true, of_scope: { paused: true } }],
    });
    await write("POST", "/queues/tasks/resume", { all: true });
    await write("POST", "/queues/tasks/resume", {});
    expect((await read("/queues")).body).toMatchObject({ data: [{}, { paused: false, of_scope: { paused: false } }] });
    expect((await read("/queues/none/jobs")).status).toBe(404);
    expect((await read("/queues/tasks/jobs?limit=101")).status).toBe(400);
    expect((await read("/queues/tasks/schedules")).body).toMatchObject({ data: [] });
    const queue = createQueue(gateway.redis.scope("acme"), { name: "tasks" });
    for (const called of ["c", canary, "a"]) await queue.schedule(called, { everyMs: 3_600_000 }, {});
    const schedules = (await read("/queues/tasks/schedules?limit=2")).body;
    expect(schedules).toMatchObject({ data: [{ name: canary, when: "every 1 h" }, { name: "a" }], next: "a" });
    expect((await read("/queues/tasks/schedules?limit=2&after=a")).body).toEqual({
      object: "list",
      data: [expect.objectContaining({ name: "c" })],
    });
    expect((await read("/queues/tasks/schedules?scope=acm")).body).toMatchObject({ data: [] });
    for (const called of ["c", canary, "a"]) await queue.unschedule(called);
  });

  it("explain why a prompt is served or not, and forget an answer", async () => {
    const explain = async (prompt: string) => (await write("POST", "/cache/explain", { model: "demo", prompt })).body;
    const ask = (content: string) =>
      write("POST", "/playground", { model: "demo", messages: [{ role: "user", content }] });
    await ask("What is the capital of Spain?");
    const exact = await explain("What is the capital of Spain?");
    expect(exact).toMatchObject({ looked_up: true, personal: false, hit: { match: "exact" } });
    expect(exact["hit"]).not.toHaveProperty("prompt");
    expect(await explain("What's the capital of Spain?")).toMatchObject({ hit: { match: "similar" } });
    const nearest = { veto: expect.any(String) };
    expect(await explain("What is the capital of Chile?")).toMatchObject({ hit: null, nearest, candidates: [{}] });
    expect(await explain("What is my balance?")).toMatchObject({ personal: true, hit: null });
    const { id } = exact["hit"] as { readonly id: string };
    expect((await write("DELETE", `/cache/entries/${id}`)).status).toBe(200);
    expect((await write("DELETE", `/cache/entries/${id}`)).status).toBe(404);
    expect(await explain("What is the capital of Spain?")).toMatchObject({ hit: null });
    expect((await read("/cache")).body).toMatchObject({ enabled: true, preset: "strict", report: { audited: 0 } });
  });

  it("act on several jobs at once and tell which, and list the webhooks of one", async () => {
    const headers = { authorization: `Bearer ${plain}` };
    const push = async () =>
      String((await call("POST", "/v1/tasks", { payload: {}, delay_ms: 60_000 }, headers)).body["id"]);
    const ids = [await push(), await push()];
    const acted = await write("POST", "/queues/tasks/jobs", { act: "cancel", ids: [...ids, "none"] });
    expect(acted.body).toEqual({ object: "queue", name: "tasks", act: "cancel", done: ids, left: ["none"] });
    expect((await write("POST", "/queues/tasks/jobs", { act: "redrive", ids })).body).toMatchObject({ done: [] });
    expect((await write("POST", "/queues/tasks/jobs", { act: "remove", ids })).status).toBe(400);
    expect((await write("POST", "/queues/tasks/jobs", { act: "cancel", ids: Array(101).fill("x") })).status).toBe(400);
    const other = await write("POST", "/queues/tasks/jobs?scope=other", { act: "cancel", ids: [await push()] });
    expect(other.body).toMatchObject({ done: [] });
    const hook = { url: "https://hooks.example.com/a-secret-path" };
    await call("POST", "/v1/tasks/webhooks", hook, headers);
    const told = await push();
    await write("POST", `/queues/tasks/jobs/${told}/cancel`);
    const deliveries = await read(`/queues/tasks/jobs/${told}/deliveries`);
    const expected = { event: "task.cancelled", host: "hooks.example.com", state: "pending", attempts: 0 };
    expect(deliveries.body).toMatchObject({ data: [expected] });
    expect(JSON.stringify(deliveries.body)).not.toContain("a-secret-path");
    expect((await read(`/queues/tasks/jobs/${ids[0] ?? ""}/deliveries`)).body).toMatchObject({ data: [] });
    const endpoints = await read("/queues/tasks/endpoints");
    expect(endpoints.body).toMatchObject({ data: [{ object: "webhook_endpoint", enabled: true, dropped: 0 }] });
    const [{ id: endpoint } = { id: "" }] = endpoints.body["data"] as { id: string }[];
    const log = await read(`/queues/tasks/endpoints/${endpoint}/deliveries`);
    expect(log.body).toMatchObject({ data: expect.arrayContaining([expect.objectContaining({ endpoint })]) });
    expect(JSON.stringify([endpoints.body, log.body])).not.toContain("a-secret-path");
    expect((await read("/queues/tasks/endpoints/none/deliveries")).body).toMatchObject({ error: { param: "id" } });
    expect((await read("/queues/other/endpoints")).status).toBe(400);
  });

  it("tell what is known of a user with its source, and forget one fact", async () => {
    const headers = { authorization: `Bearer ${plain}`, "x-marrow-user": "facts" };
    const source = { role: "user", session: canary, sequence: 3 };
    for (const text of [`likes ${canary}`, "likes tea"])
      await call("POST", "/v1/memories", { text, kind: "preference", key: "drink", source }, headers);
    const now = await read("/users/facts/facts");
    expect(now.body).toMatchObject({ data: [{ kind: "preference", trust: "trusted", hidden: true, source }] });
    expect(JSON.stringify(now.body)).not.toContain("likes");
    expect(await readVisible("/users/facts/facts?all=true")).toMatchObject({
      data: [
        { text: "likes tea", key: "drink" },
        { text: `likes ${canary}`, superseded_by: expect.any(String) },
      ],
    });
    const [fact] = now.body["data"] as readonly [{ readonly id: string }];
    expect((await write("DELETE", `/users/facts/facts/${fact.id}`)).status).toBe(200);
    expect((await write("DELETE", `/users/facts/facts/${fact.id}`)).status).toBe(404);
    expect((await read("/users/facts/facts?scope=other")).body).toMatchObject({ data: [] });
  });

  it("note what a person says of a served answer; a wrong one is forgotten", async () => {
    const question = "How many moons has Mars?";
    await write("POST", "/playground", { model: "demo", messages: [{ role: "user", content: question }] });
    const explain = async () => (await write("POST", "/cache/explain", { model: "demo", prompt: question })).body;
    const { hit } = (await explain()) as {
      readonly hit: { readonly id: string; readonly match: string; readonly score: number };
    };
    const path = `/cache/entries/${hit.id}/feedback`;
    const said = { match: hit.match, score: hit.score };
    expect((await write("POST", path, { ...said, right: true })).status).toBe(200);
    expect(await explain()).toMatchObject({ hit: { id: hit.id } });
    expect((await write("POST", path, { ...said, right: false })).status).toBe(200);
    expect(await explain()).toMatchObject({ hit: null });
    expect((await read("/cache")).body).toMatchObject({ report: { liked: 1, disliked: 1 } });
    expect((await write("POST", path, { ...said, match: "near", right: true })).status).toBe(400);
  });

  it("follow the overview and the queues of a scope as events, and are bounded", async () => {
    const { cookie } = await signIn({ key: admin });
    for (const [of, text] of [
      ["overview", '"object":"overview"'],
      ["queues", '"name":"tasks"'],
    ] as const) {
      const gone = new AbortController();
      const response = await fetch(`${origin}/v1/admin/live?of=${of}`, { headers: cookie, signal: gone.signal });
      expect(response.headers.get("content-type")).toContain("text/event-stream");
      let got = "";
      for await (const piece of response.body ?? []) {
        got += Buffer.from(piece).toString("utf8");
        if (got.includes("data: ")) break;
      }
      gone.abort();
      expect(got).toMatch(/^retry: \d+\n\ndata: /);
      expect(got).toContain(text);
    }
    expect((await read("/live?of=keys")).status).toBe(400);
    expect((await read("/live")).status).toBe(400);
    expect((await call("GET", "/v1/admin/live?of=queues")).status).toBe(401);
  });

  it("show another tenant's jobs to nobody who looks at this one", async () => {
    expect((await read("/queues/tasks/jobs?state=delayed&scope=other")).body).toMatchObject({ data: [] });
    expect((await read("/users?scope=other")).body).toMatchObject({ data: [] });
  });

  it("tell what doctor finds, with the configuration masked", async () => {
    const { body } = await read("/health");
    expect(body).toMatchObject({
      servers: [{ name: "Redis", state: "ready", warnings: expect.any(Array) }],
      config: { auth: "keys" },
    });
    expect(JSON.stringify(body)).not.toMatch(/mrw_|sk-/);
  });

  it("list agents and a topic's groups, and what they put aside", async () => {
    expect((await read("/agents")).body).toMatchObject({ data: [] });
    expect((await read("/trees")).body).toMatchObject({ data: [] });
    expect((await read("/trees/none")).status).toBe(404);
    expect((await read("/topics")).body).toEqual({ object: "list", data: [] });
    expect(await read("/topics/orders")).toMatchObject({ status: 404, body: { error: { param: "topic" } } });
    expect((await read("/topics/orders/groups/g/dead")).body).toMatchObject({ data: [] });
    expect((await write("POST", "/topics/orders/groups/g/redrive")).body).toMatchObject({ redriven: 0 });
  });

  it("list a scope's topics in pages, with their groups, lag and dead letters", async () => {
    const bus = createBus(gateway.redis.scope("acme"));
    for (const name of ["bills", "shipments/eu", "orders"]) {
      await bus.topic(name, { partitions: 2 }).publishMany([{ body: 1 }, { body: 2 }]);
      await bus.topic(name, { partitions: 2 }).seek("billing", "start");
    }
    const first = (await read("/topics?limit=2")).body;
    const group = { group: "billing", lag: 2, readers: 0, dead_letters: 0, seen_at_ms: expect.any(Number) };
    expect(first).toMatchObject({
      data: [
        { object: "topic", name: "bills", partitions: 2, size: 2, messages_max: 100_000, groups: [group] },
        { name: "orders", bytes: expect.any(Number), dead_letters: 0, groups_count: 1 },
      ],
    });
    const rest = await read(`/topics?limit=2&after=${encodeURIComponent(String(first["next"]))}`);
    expect(rest.body).toMatchObject({ data: [{ name: "shipments/eu" }] });
    expect(rest.body).not.toHaveProperty("next");
    expect((await read(`/topics/${encodeURIComponent("shipments/eu")}`)).body).toMatchObject({ groups: [group] });
    expect((await read("/topics?scope=other")).body).toMatchObject({ data: [] });
    expect((await read("/topics?limit=0")).status).toBe(400);
    expect((await call("GET", "/v1/admin/topics")).status).toBe(401);
  });

  it("record requests while somebody looks: their stages, and nothing of what was said", async () => {
    const first = await read("/traces");
    expect(first.body).toMatchObject({ recording: "watched", data: [] });
    const headers = { authorization: `Bearer ${plain}` };
    const chat = { model: "scripted", messages: [{ role: "user", content: `the canary ${canary} sings` }] };
    expect((await call("POST", "/v1/chat/completions", chat, headers)).status).toBe(200);
    expect((await call("GET", "/v1/vector_stores/none", undefined, headers)).status).toBe(404);
    const { data } = await retryUntilSeen(() => read("/traces"), 2);
    const [missing, asked] = data as readonly { id: string; spans: readonly { name: string; took_ms: number }[] }[];
    expect(missing).toMatchObject({ route: "/v1/vector_stores/:store", status: 404, scope: "acme" });
    expect(asked).toMatchObject({ route: "/v1/chat/completions", status: 200, model: "scripted", cache: "miss" });
    expect(asked?.spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["chat", "admit", "find", "ask", "model", "redis", "finish"]),
    );
    expect(asked?.spans.every(({ took_ms: took }) => took >= 0)).toBe(true);
    expect(JSON.stringify(data)).not.toContain("canary");
    expect((await read("/traces?failed=true")).body["data"]).toHaveLength(1);
    for (const ticket of [4711, 4712]) {
      const near = {
        model: "scripted",
        messages: [{ role: "user", content: `Draft a polite reply to ticket ${ticket}` }],
      };
      await call("POST", "/v1/chat/completions", near, headers);
    }
    expect(await retryUntilSeen(() => read("/traces?near=true"), 1)).toMatchObject({
      data: [{ cache: "miss", veto: "number", similarity: expect.any(Number) }],
    });
    expect((await read("/traces?limit=1&failed=true")).body).toMatchObject({ data: [{ id: missing?.id }] });
    expect((await read("/traces?limit=1")).body).toMatchObject({ next: expect.any(String), data: [{}] });
    expect((await read(`/traces/${asked?.id ?? ""}`)).body).toMatchObject({ id: asked?.id });
    expect((await read(`/traces/${asked?.id ?? ""}?scope=other`)).status).toBe(404);
    expect((await read("/traces?scope=other")).body["data"]).toEqual([]);
  });

  it("list vector stores with their files, and search them with scores", async () => {
    const headers = { authorization: `Bearer ${plain}` };
    const form = new FormData();
    form.set("purpose", "assistants");
    form.set("file", new Blob(["Refunds take five days."]), `${canary}.md`);
    const uploaded = await fetch(`${origin}/v1/files`, { method: "POST", headers, body: form });
    const { id: file } = (await uploaded.json()) as { readonly id: string };
    const made = await call("POST", "/v1/vector_stores", { name: canary }, headers);
    const store = String(made.body["id"]);
    const attributes = { topic: "billing" };
    await call("POST", `/v1/vector_stores/${store}/files`, { file_id: file, attributes }, headers);
    expect((await read("/vectors")).body).toMatchObject({ engine: expect.any(String), embedder: {} });
    expect((await read("/vectors/stores")).body).toMatchObject({ data: [{ id: store, name: canary, files: {} }] });
    expect((await read(`/vectors/stores/${store}/files`)).body).toMatchObject({
      data: [{ id: file, filename: `${canary}.md`, status: "completed", chunks: 1, attributes }],
    });
    const path = `/vectors/stores/${store}/search`;
    const filter = { type: "eq", key: "topic", value: "billing" };
    const found = await write("POST", path, { query: "how long does a refund take?", filter });
    expect(found.body).toMatchObject({ data: [{ file, hidden: true, score: expect.any(Number) }] });
    expect(JSON.stringify(found.body)).not.toContain("five days");
    const other = { ...filter, value: "other" };
    expect((await write("POST", path, { query: "how long?", filter: other })).body).toMatchObject({ data: [] });
    expect((await read("/vectors/stores?scope=other")).body).toMatchObject({ data: [] });
    expect((await read("/vectors/stores/none/files")).status).toBe(404);
  });
});

/** What a list of traces has once so many were stored, which is a moment after their answers. */
async function retryUntilSeen(read: () => Promise<Answer>, count: number): Promise<Answer["body"]> {
  for (const untilMs = performance.now() + 5_000; ;) {
    const { body } = await read();
    if ((body["data"] as readonly unknown[]).length >= count || performance.now() > untilMs) return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
