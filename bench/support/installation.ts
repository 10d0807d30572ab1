/** Fills a Redis with as much of each thing as an installation may hold, for measuring what reads it. */
import { createHash } from "node:crypto";
import { createBus } from "marrow/bus";
import { createCache } from "marrow/cache";
import type { Redis } from "marrow";
import { createMemory } from "marrow/memory";
import { createQueue, createWebhooks } from "marrow/queue";
import { staticEmbedder } from "marrow/embedders";
import { encodeRecord } from "../../src/redis/index.ts";

const SCOPE = "acme";
const USER = "ann";
const AT_ONCE = 250;

/** What a call needs of the gateway that is measured. */
export type Call = (method: "GET" | "POST", path: string, body?: unknown) => Promise<Record<string, unknown>>;

/** Names of things that were made. */
export interface Filled {
  readonly job: string;
  readonly endpoint: string;
  readonly store: string;
  readonly tree: string;
  readonly entry: string;
}

async function each(count: number, work: (nth: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, nth) => work(at + nth)));
}

/** Copies of a record of a shelf, each under an id of its own that is as long. */
const CLONE_RECORDS = `
local record = redis.call("HGET", KEYS[1], ARGV[1])
for n = 1, tonumber(ARGV[2]) do
  local id = string.sub(ARGV[1], 1, -7) .. string.format("%06d", n)
  redis.call("HSET", KEYS[1], id, (string.gsub(record, string.gsub(ARGV[1], "%-", "%%-"), id)))
  redis.call("ZADD", KEYS[2], redis.call("ZSCORE", KEYS[2], ARGV[1]) + n, id)
end`;
/** Copies of one value in a hash, under names with a number. */
const FILL_HASH = `for n = 1, tonumber(ARGV[3]) do redis.call("HSET", KEYS[1], ARGV[1] .. n, ARGV[2]) end`;
const FILL_AGENTS = `
for n = 1, tonumber(ARGV[2]) do
  redis.call("HSET", KEYS[1] .. ":agent:agent-" .. n, "card", ARGV[1], "state", "online", "since", 1, "inbox_max", 1000)
  redis.call("ZADD", KEYS[1] .. ":agents", 4e12 + n, "agent-" .. n)
end`;
const FILL_STREAM = `for n = 1, tonumber(ARGV[3]) do redis.call("XADD", KEYS[1], "*", ARGV[1], ARGV[2]) end`;
const FILL_DAY = `
for n = 1, tonumber(ARGV[1]) do redis.call("HSET", KEYS[1], "key" .. n .. "|user" .. ARGV[3] .. n .. "|model|" .. ARGV[2] .. "=", ARGV[4]) end
redis.call("HSET", KEYS[1], "=", ARGV[1])`;
const FILL_TREE = `
local fields = redis.call("HGETALL", KEYS[1] .. ":message:" .. ARGV[1])
redis.call("ZADD", KEYS[1] .. ":trees", 1, ARGV[1])
for n = 1, 499 do
  redis.call("HSET", KEYS[1] .. ":message:copy-" .. n, unpack(fields))
  redis.call("RPUSH", KEYS[1] .. ":tree:" .. ARGV[1] .. ":messages", "copy-" .. n)
  if n < 200 then redis.call("ZADD", KEYS[1] .. ":trees", n, "tree-" .. n) end
end`;
const FILL_DELIVERIES = `
for n = 1, 1000 do
  local message = "evt_" .. ARGV[2] .. "_" .. n
  redis.call("HSET", KEYS[1] .. ":delivery:" .. ARGV[1] .. ":" .. message, "event", "job.completed", "job", ARGV[2], "made", 1, "attempts", 3, "state", "delivered")
  redis.call("ZADD", KEYS[1] .. ":deliveries:" .. ARGV[1], n, message)
end`;

/** Fills the scope `acme`, `many` of what has no smaller bound; `call` asks a gateway of this Redis as an admin of the scope. */
export async function fillInstallation(redis: Redis, call: Call, many: number): Promise<Filled> {
  const scoped = redis.scope(SCOPE);
  const start = `{${redis.app}:${SCOPE}}`;
  const run = (script: string, keys: readonly string[], ...values: readonly (string | number | Buffer)[]) =>
    redis.send(
      [
        "EVAL",
        script,
        String(keys.length),
        ...keys,
        ...values.map((value) => (Buffer.isBuffer(value) ? value : String(value))),
      ],
      { timeoutMs: 60_000 },
    );
  const keyIn = async (pattern: string) => String(((await redis.send(["KEYS", pattern])) as readonly string[])[0]);

  // Keys, plans, spending, savings, acts, traces.
  const key = encodeRecord({ scope: SCOPE, user: "u", name: "k" });
  await each(many, (n) =>
    redis.send(["HSET", `{${redis.app}}:gateway:keys`, createHash("sha256").update(`${n}`).digest("hex"), key]),
  );
  await run(FILL_HASH, [`{${redis.app}}:gateway:plans`], "plan-", encodeRecord({ requestsPerMinute: 5 }), 1_000);
  for (let ago = 0; ago < 30; ago += 1) {
    const day = new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    await run(FILL_DAY, [`${start}:gateway:spend:${day}`], 1_000, "", `${ago}-`, "3 300 200 1500");
    await run(FILL_DAY, [`${start}:gateway:saved:${day}`], 1_000, "exact|", `${ago}-`, "3 0 300 200 10 10 1500 900 30");
  }
  const spans = Array.from({ length: 64 }, (_, n) => ({ name: "redis", detail: "find_exact", at_ms: n, took_ms: 0.5 }));
  const trace = {
    at_ms: 1,
    took_ms: 5,
    method: "POST",
    route: "/v1/chat/completions",
    status: 200,
    scope: SCOPE,
    request_id: "r",
    veto: "numbers",
    similarity: 0.9,
    spans,
  };
  await run(FILL_STREAM, [`{${redis.app}}:gateway:traces`], "trace", JSON.stringify(trace), 500);
  const act = {
    by: "k",
    by_name: "admin",
    role: "admin",
    via: "key",
    act: "POST /v1/admin/keys",
    target: {},
    status: 201,
    request_id: "r",
  };
  await run(FILL_STREAM, [`{${redis.app}}:gateway:audit`], "act", JSON.stringify(act), 10_000);

  // Jobs, schedules, webhooks.
  const queue = createQueue(scoped, { name: "tasks", backlogMax: 1_000_000 });
  for (const delayMs of [0, 3_600_000])
    for (let at = 0; at < many; at += 10_000)
      await queue.pushMany(
        Array.from({ length: Math.min(10_000, many - at) }, (_, n) => ({ payload: { n }, delayMs })),
      );
  const background = createQueue(scoped, { name: "gateway", backlogMax: 1_000_000 });
  for (let at = 0; at < many; at += 10_000)
    await background.pushMany(
      Array.from({ length: Math.min(10_000, many - at) }, () => ({ payload: { type: "response" } })),
    );
  const job = await queue.push({ n: 0 });
  const tasks = `{${redis.app}:queue:tasks}:queue`;
  const schedule = encodeRecord({ when: { everyMs: 60_000 }, payload: {}, options: {} });
  await run(FILL_HASH, [`${tasks}:schedules`], `${SCOPE}/s`, schedule, many);
  const webhooks = createWebhooks(scoped, { name: "tasks" });
  let endpoint = "";
  for (let n = 0; n < 50; n += 1) {
    ({ id: endpoint } = await webhooks.create({ url: `https://example.com/${n}`, events: ["*"] }));
    await run(FILL_DELIVERIES, [tasks], endpoint, job);
  }

  // Sessions, facts, stored answers.
  const embedder = staticEmbedder();
  const memory = createMemory(scoped, { name: "chat", sessionTtlMs: 3_600_000, facts: { embedder } });
  await each(many, (n) => memory.session({ user: USER, id: `s${n}` }).append([{ role: "user", content: `Turn ${n}` }]));
  for (let at = 0; at < 1_000; at += 100) {
    const turns = Array.from(
      { length: 100 },
      (_, n) => ({ role: n % 2 ? "assistant" : "user", content: `${"word ".repeat(40)}${at + n}` }) as const,
    );
    await memory.session({ user: USER, id: "long" }).append(turns);
  }
  const facts = memory.facts(USER);
  for (let n = 0; n < 1_000; n += 1)
    await facts.remember({ text: `Ann knows the number ${n} by heart.`, pinned: true });
  const cache = createCache(scoped, { name: "chat", ttlMs: 3_600_000, timeoutMs: 10_000 });
  const value = { message: { role: "assistant", content: "An answer." } };
  await each(many, (n) => cache.store(`What is the number ${n} of the list?`, value, { subject: USER }));
  const { data: entries } = (await call("GET", `/v1/admin/cache/entries?user=${USER}&limit=1`)) as {
    data: { id: string }[];
  };

  // Agents, call trees, topics.
  const bus = createBus(scoped);
  const at = `{${redis.app}:${SCOPE}:bus}`;
  await run(FILL_AGENTS, [at], encodeRecord({ name: "agent", skills: [{ id: "tell" }] }), Math.min(many, 10_000));
  await bus.send("agent-1", { text: "hello" }, { id: "root" });
  await run(FILL_TREE, [at], "root");
  await each(Math.min(many, 10_000), (n) => bus.topic(`topic-${n}`).publish({ n }));
  await each(1_000, (n) => bus.topic("topic-0").seek(`group-${n}`, "start"));

  // Batches, vector stores with files, collections, migrations.
  const line = {
    custom_id: "1",
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "demo", messages: [{ role: "user", content: "Hello" }] },
  };
  const { id: file } = await call("POST", "/v1/files", JSON.stringify(line));
  const { id: batch } = await call("POST", "/v1/batches", {
    input_file_id: file,
    endpoint: line.url,
    completion_window: "24h",
  });
  const batches = await keyIn(`{${redis.app}:${SCOPE}:batches}*:records`);
  await run(CLONE_RECORDS, [batches, batches.replace(/records$/, "order")], String(batch), 9_999);
  const { id: store } = await call("POST", "/v1/vector_stores", { name: "docs" });
  const { id: attached } = await call("POST", `/v1/vector_stores/${String(store)}/files`, { file_id: file });
  const stores = await keyIn(`*:stores:records`);
  const files = await keyIn(`*${String(store)}*:files:records`);
  await run(CLONE_RECORDS, [files, files.replace(/records$/, "order")], String(attached), 9_999);
  await run(CLONE_RECORDS, [stores, stores.replace(/records$/, "order")], String(store), 9_999);
  const shape = {
    engine: "vectorset",
    dimensions: 2,
    metric: "cosine",
    index: "hnsw",
    attributes: {},
    fingerprint: "f",
    seenAtMs: 1,
  };
  for (const kind of ["collections", "migrations"])
    await run(FILL_HASH, [`${start}:vectors:${kind}`], "c-", JSON.stringify(shape), 10_000);
  await bus.close();
  return { job, endpoint, store: String(store), tree: "root", entry: entries[0]?.id ?? "" };
}
