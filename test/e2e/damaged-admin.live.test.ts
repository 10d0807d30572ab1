/** The administration while stored data has the wrong type or is damaged, family by family. The test finds the families by itself. */
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { openGateway, type Route } from "../../src/gateway/index.ts";
import { demoModel } from "../../src/models/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { createMigration, createVectors } from "../../src/vectors/index.ts";
import { damage, DAMAGES, familiesOf, takeSnapshot } from "../damage.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { until } from "../servers.ts";

let gateway: TestGateway;
let admin: string;
/** Things that routes name in their paths. */
const named: Record<string, string> = {};

beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config: { dashboard: { traces: "always" } } });
  admin = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
  await seed();
}, 60_000);
afterAll(() => gateway.close());

async function call(method: string, path: string, body?: unknown, key = admin): Promise<Record<string, unknown>> {
  const isForm = body instanceof FormData;
  const response = await fetch(gateway.baseURL + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(!isForm && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  expect([path, response.status < 300, text]).toEqual([path, true, text]);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Makes some of everything that the administration shows. */
async function seed(): Promise<void> {
  const { key, redis } = gateway;
  const acme = redis.scope("acme");
  const chat = { model: "demo", messages: [{ role: "user", content: "hello" }] };
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "x-marrow-session": "s" };
  await fetch(`${gateway.baseURL}/chat/completions`, { method: "POST", headers, body: JSON.stringify(chat) });
  await call("POST", "/memories", { text: "u1 likes tea" }, key);
  await call("PUT", "/admin/plans/p", { requestsPerMinute: 100 });
  await call("PUT", "/admin/users/u1", { plan: "p" });
  await call("POST", "/admin/users/u1/boost", { more: { "user-requests": 5 }, for_ms: 600_000 });
  await call("POST", "/admin/cache/entries/any/audit", { score: 0.9, same: true });
  const task = await call("POST", "/tasks", { payload: { a: 1 } }, key);
  await createQueue(acme, { name: "tasks" }).schedule("daily", { everyMs: 86_400_000 }, "x");
  const hook = { url: "https://example.com/" };
  const endpoint = await call("POST", "/tasks/webhooks", hook, key);
  await call("POST", `/tasks/webhooks/${String(endpoint["id"])}/test`, {}, key);
  const form = new FormData();
  form.set("purpose", "batch");
  const line = { custom_id: "1", method: "POST", url: "/v1/chat/completions", body: chat };
  form.set("file", new Blob([JSON.stringify(line)]), "in.jsonl");
  const { id: file } = await call("POST", "/files", form, key);
  await call("POST", "/batches", { input_file_id: file, endpoint: line.url, completion_window: "24h" }, key);
  const store = await call("POST", "/vector_stores", { name: "store", file_ids: [file] }, key);
  const bus = createBus(acme);
  await bus.register({ name: "teller" }, async () => "hello");
  await bus.register({ name: "asker" }, async () => "hi");
  const topic = bus.topic<string>("t");
  await topic.publish("1");
  const reader = topic.read("g", () => Promise.reject(new Error("no")), { from: "start", deliveriesMax: 1 });
  await until(async () => (await topic.deadLetters("g")).length === 1, "a dead letter");
  await reader.close();
  const shape = { dimensions: 2, metric: "cosine", index: "hnsw", attributes: { lang: "tag" } } as const;
  const docs = createVectors(acme, { ...shape, name: "docs", recall: { sampleEvery: 1 } });
  await docs.upsert([{ id: "a", vector: [1, 0] }]);
  await docs.search({ vector: [1, 0] });
  const side = { vectors: docs, embed: async () => [[1, 0]], embedQuery: async () => [1, 0] };
  const to = { ...side, vectors: createVectors(acme, { ...shape, name: "to", listed: false }) };
  await createMigration(acme, { name: "m", from: side, to }).backfill();
  const { data: entries } = await call("GET", "/admin/cache/entries?user=u1");
  Object.assign(named, {
    queue: "tasks",
    topic: "t",
    group: "g",
    session: "s",
    store: String(store["id"]),
    job: String(task["id"]),
    endpoint: String(endpoint["id"]),
    entry: (entries as readonly { readonly id: string }[])[0]?.id,
  });
}

/** What `:id` means, by what stands before it. */
const IDS: Readonly<Record<string, string>> = { users: "u1", jobs: "job", endpoints: "endpoint", entries: "entry" };

function fill({ url: path }: Route): string {
  const parts = path.split("/").map((part, at, all) => {
    if (!part.startsWith(":")) return part;
    const name = part === ":id" ? (IDS[all[at - 1] ?? ""] ?? "none") : part.slice(1);
    return encodeURIComponent(named[name] ?? name);
  });
  return `${parts.join("/")}${path === "/v1/admin/cache/entries" ? "?user=u1" : ""}`;
}

function open(): FastifyInstance {
  return openGateway({
    redis: gateway.redis,
    models: [demoModel({ firstTokenMs: 0, tokenMs: 0 })],
    embedder: staticEmbedder(),
    config: { logLevel: "silent", dashboard: { traces: "always" } },
  }).app;
}

/** Lists that one damaged item must not take from their readers: what is damaged, and where the others stay. */
const LISTS: readonly (readonly [family: RegExp, path: string])[] = [
  [/:agent:asker$|:loads:asker$/, "/v1/admin/agents"],
  [/:topic:(?:cursors|groups|meta)$/, "/v1/admin/topics"],
  [/:session:[^:]*:meta$/, "/v1/admin/users/u1/sessions"],
  [/:vectors:m:migration$/, "/v1/admin/vectors/migrations"],
  [/:store:[^:]*:files:(?:weights|order:completed)$/, "/v1/admin/vectors/stores"],
  [/:queue:circuit:/, "/v1/admin/queues/tasks/endpoints"],
  [/queue:tasks}:queue:(?:ready:acme|ring|outbox)$/, "/v1/admin/queues"],
];
/** Ways to damage of which each has an effect of its own here. */
const WAYS = DAMAGES.filter((how) => how.includes("place") || ["garbage", "cut", "a huge number"].includes(how));
interface Answered {
  readonly url: string;
  readonly status: number;
  readonly code: string;
  readonly unreadable: number;
}
const CODES = new Set(["redis_rejected", "corrupt_record"]);

describe("the administration, where a key has another type or is damaged", () => {
  it("shows what can be read, says what cannot, and fails by no more than the error that the docs name", async () => {
    const paths = gateway
      .routes()
      .filter(({ method, url }) => method === "GET" && url.startsWith("/v1/admin/") && url !== "/v1/admin/live")
      .map(fill);
    const headers = { authorization: `Bearer ${admin}` };
    const get = async (app: FastifyInstance, url: string, again = true): Promise<Answered> => {
      const { statusCode, payload } = await app.inject({ method: "GET", url, headers });
      const answer = JSON.parse(payload) as {
        readonly error?: { readonly code: string };
        readonly unreadable?: number;
      };
      // A busy machine may be late once.
      if (answer.error?.code === "timeout" && again) return get(app, url, false);
      return { url, status: statusCode, code: answer.error?.code ?? "", unreadable: answer.unreadable ?? 0 };
    };
    const failures: unknown[] = [];
    const snapshot = await takeSnapshot(gateway.redis);
    const id = await gateway.redis.send(["CLIENT", "ID"]);
    for (const [family, members] of familiesOf(snapshot.keys))
      for (const how of WAYS) {
        await snapshot.restore();
        const app = open();
        // Who asks is known from before.
        await get(app, "/v1/admin/plans");
        const damaged = await Promise.all(members.map((key) => damage(gateway.redis, key, how)));
        const answers = damaged.includes(true) ? await Promise.all(paths.map((path) => get(app, path))) : [];
        for (const answer of answers) {
          const isFine = answer.status < 500 || (answer.status === 500 && CODES.has(answer.code));
          const stays = LISTS.some(([part, path]) => part.test(family) && answer.url === path);
          const says = !stays || (answer.status === 200 && (answer.unreadable > 0 || !how.includes("place")));
          if (!isFine || !says) failures.push([family, how, answer]);
        }
        await app.close();
      }
    expect(failures).toEqual([]);
    expect(await gateway.redis.send(["CLIENT", "ID"])).toBe(id);
  }, 400_000);
});
