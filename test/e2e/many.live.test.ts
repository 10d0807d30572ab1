import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createCache } from "../../src/cache/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { allOf, encodeRecord } from "../../src/redis/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** Of each thing. `MARROW_MANY=100000` makes a long round, whose figures docs/dashboard.md has. */
const MANY = Number(process.env["MARROW_MANY"] ?? 300);
const isLong = MANY >= 10_000;
const SERVER_MS_MAX = 300;
const AT_ONCE = 250;

let gateway: TestGateway;
let key: string;

async function each(work: (nth: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < MANY; at += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, MANY - at) }, (_, nth) => work(at + nth)));
}

const keyOf = (nth: number) => encodeRecord({ scope: nth % 2 === 0 ? "acme" : "other", user: `u${nth}`, name: "k" });

async function inPages(commandsOf: (nth: number) => readonly (readonly (string | Buffer)[])[]): Promise<void> {
  for (let at = 0; at < MANY; at += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, MANY - at) }, (_, nth) => commandsOf(at + nth));
    allOf(await gateway.redis.pipeline(some.flat()));
  }
}

beforeAll(
  async () => {
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      config: { dashboard: { content: "visible" }, cache: { semantic: false }, limits: { scopeBytes: 2 ** 40 } },
    });
    key = await gateway.keys.create({ scope: "acme", user: "root", name: "admin", role: "admin" });
    const redis = gateway.redis.scope("acme");
    const queue = createQueue(redis, { name: "tasks", backlogMax: 1_000_000 });
    await queue.pushMany(Array.from({ length: MANY }, (_, n) => ({ payload: { n } })));
    // Another's schedules and keys, as they are stored, as one that was there before made them.
    const start = `{${gateway.redis.app}:queue:tasks}:queue`;
    const schedule = encodeRecord({ when: { everyMs: 60_000 }, payload: {}, options: {} });
    await inPages((n) => [
      ["HSET", `${start}:schedules`, `${n % 2 === 0 ? "acme" : "other"}/s${n}`, schedule],
      ["HSET", `{${gateway.redis.app}}:gateway:keys`, hash("sha256", `key ${n}`), keyOf(n)],
    ]);
    const memory = createMemory(redis, { name: "chat", sessionTtlMs: 3_600_000 });
    await each((n) => memory.session({ user: "ann", id: `s${n}` }).append([{ role: "user", content: `Turn ${n}` }]));
    const cache = createCache(redis, { name: "chat", ttlMs: 3_600_000, timeoutMs: 10_000 });
    const value = { message: { role: "assistant", content: "An answer." } };
    await each((n) => cache.store(`What is the number ${n} of the list?`, value, { subject: "ann" }));
  },
  isLong ? 900_000 : 60_000,
);
afterAll(() => gateway.close());

/** Walks some pages of a list; answers the times of the server, in milliseconds, and the ids on the pages. */
async function walk(path: string, pages: number) {
  const times: number[] = [];
  const ids: string[] = [];
  const limit = Number(new URL(path, "http://any").searchParams.get("limit") ?? 100);
  let next: string | undefined;
  do {
    const query = next === undefined ? "" : `${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(next)}`;
    const began = performance.now();
    const answer = await gateway.app.inject({
      url: `/v1/admin${path}${query}`,
      headers: { authorization: `Bearer ${key}` },
    });
    times.push(performance.now() - began);
    expect(answer.statusCode).toBe(200);
    const page = answer.json<{ next?: string; data?: unknown }>();
    ({ next } = page);
    const data = Array.isArray(page.data) ? (page.data as readonly { readonly id?: string }[]) : [];
    expect(data.length).toBeLessThanOrEqual(limit);
    ids.push(...data.flatMap(({ id }) => id ?? []));
  } while (next !== undefined && times.length < pages);
  return { times, ids };
}

describe("every list of the dashboard", () => {
  it.each([
    "/queues",
    "/queues/tasks/jobs?state=waiting&limit=100",
    "/users/ann/sessions?limit=100",
    "/cache/entries?user=ann&limit=100",
    "/cache/entries?user=ann&words=nowhere",
    "/users",
    "/overview",
    "/keys?scope=acme&limit=100",
    "/queues/tasks/schedules?limit=100",
    "/queues/tasks/jobs?state=delayed&limit=100&scope=other",
    "/agents?limit=100",
    "/topics?limit=100",
    "/vectors/stores?limit=100",
    "/audit?limit=100",
  ])(`answers a page in less than ${SERVER_MS_MAX} ms of server time however much there is: %s`, async (path) => {
    const times = (await walk(path, 20)).times.toSorted((one, other) => one - other);
    const [median = 0, most = 0] = [times[times.length >> 1], times.at(-1)];
    const told = `${path}: ${times.length} pages of ${MANY}, median ${median.toFixed(1)} ms, most ${most.toFixed(1)} ms`;
    if (isLong) process.stderr.write(`${told}\n`);
    expect(median).toBeLessThan(SERVER_MS_MAX);
  });

  it("has no more on a page than was asked for, and each stored answer on one of the pages", async () => {
    const { ids } = await walk("/cache/entries?user=ann&limit=70", MANY);
    expect(ids).toHaveLength(MANY);
    expect(new Set(ids).size).toBe(MANY);
    const few = await walk("/cache/entries?user=ann&words=12&limit=3", MANY);
    expect(new Set(few.ids).size).toBe(
      Array.from({ length: MANY }, (_, n) => String(n)).filter((n) => n.includes("12")).length,
    );
  });
});
