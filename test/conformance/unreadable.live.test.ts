import { describe, expect } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { createApiKeys } from "../../src/gateway/index.ts";
import { createMemory, type Turn } from "../../src/memory/index.ts";
import { createQueue, createWebhooks } from "../../src/queue/index.ts";
import type { Redis, ScopedRedis } from "../../src/redis/index.ts";
import { createStores } from "../../src/stores/index.ts";
import { liveTest } from "../live.ts";
import { working } from "../queue.ts";

/** What a newer Marrow wrote, and what is no record at all. */
const RUBBISH = [
  ["newer_record", Buffer.from([9, 0, 123, 125])],
  ["corrupt_record", Buffer.from([1, 0, 123])],
] as const;

interface Given {
  readonly redis: Redis;
  readonly tenant: ScopedRedis;
  readonly record: Buffer;
  /** The key of the tenant that a pattern finds. */
  readonly keyOf: (pattern: string) => Promise<string>;
}

/** Makes three things of a kind, spoils the second, and answers the list of them: each one's name, and why it cannot be read. */
const LISTS: Readonly<Record<string, (given: Given) => Promise<readonly (readonly [string, string | undefined])[]>>> = {
  async jobs({ redis, tenant, record }) {
    const queue = createQueue<string>(tenant, { name: "q" });
    const ids = await queue.pushMany(["1", "2", "3"].map((payload) => ({ payload })));
    await redis.send(["SET", `{${redis.app}:queue:q}:queue:body:${ids[1] ?? ""}`, record]);
    await expect(queue.get(ids[1] ?? "")).rejects.toMatchObject({ code: expect.stringMatching("_record") as string });
    const listed = await queue.list({ state: "waiting" });
    expect(listed.map(({ state }) => state)).toEqual(["waiting", "waiting", "waiting"]);
    return listed.map(({ id, unreadable }) => [String(ids.indexOf(id) + 1), unreadable]);
  },

  async schedules({ redis, tenant, record }) {
    const queue = createQueue<string>(tenant, { name: "q" });
    for (const name of ["1", "2", "3"]) await queue.schedule(name, { everyMs: 60_000 }, name);
    await redis.send(["HSET", `{${redis.app}:queue:q}:queue:schedules`, `${tenant.scope}/2`, record]);
    return (await queue.schedules()).map((one) => [one.name, "unreadable" in one ? one.unreadable : undefined]);
  },

  async endpoints({ redis, tenant, record }) {
    const webhooks = createWebhooks(tenant, { name: "q" });
    const ids: string[] = [];
    for (let nth = 0; nth < 3; nth += 1) ids.push((await webhooks.create({ url: "https://example.com/" })).id);
    await redis.send(["HSET", `{${redis.app}:queue:q}:queue:endpoints:${tenant.scope}`, ids[1] ?? "", record]);
    const listed = (await webhooks.list()).map(
      ({ id, unreadable }) => [String(ids.indexOf(id) + 1), unreadable] as const,
    );
    expect(await webhooks.remove(ids[1] ?? "")).toBe(true);
    return listed;
  },

  async "dead letters"({ redis, tenant, keyOf }) {
    const topic = createBus(tenant).topic<string>("t");
    for (const body of ["1", "2", "3"]) await topic.publish(body);
    const reader = topic.read(
      "g",
      () => {
        throw new Error("no");
      },
      { from: "start", deliveriesMax: 1 },
    );
    await expect.poll(async () => (await topic.deadLetters("g")).length, { timeout: 10_000 }).toBe(3);
    await reader.close();
    const dead = await keyOf("*:topic:dead:g");
    const at = (await topic.deadLetters("g")).findIndex(({ body }) => body === "2");
    const second = ((await redis.send(["XRANGE", dead, "-", "+"], { reply: "bytes" })) as [Buffer, Buffer[]][])[at];
    const [id = Buffer.alloc(0), entry = []] = second ?? [];
    const spoiled = entry.map((field, nth) => (String(entry[nth - 1]) === "b" ? RUBBISH[1][1] : field));
    await redis.send(["XDEL", dead, String(id)]);
    await redis.send(["XADD", dead, "*", ...spoiled]);
    const listed = await topic.deadLetters("g");
    return [...listed].map(({ body, unreadable }) => [body ?? "2", unreadable]);
  },

  async board({ redis, tenant, record, keyOf }) {
    const board = createBus(tenant).board<string>("b");
    for (const name of ["1", "2", "3"]) await board.put(name, name);
    const key = await keyOf("*:board");
    await redis.send(["HSET", key, "2", Buffer.concat([Buffer.from("2 "), record])]);
    return Object.entries(await board.all()).map(([name, { unreadable }]) => [name, unreadable]);
  },

  async sessions({ redis, tenant, record }) {
    const memory = createMemory(tenant, { name: "m" });
    for (const id of ["1", "2", "3"]) await memory.session({ user: "u", id }).create({ id });
    await redis.send(["HSET", `{${redis.app}:${tenant.scope}:u}:memory:m:session:2:meta`, "metadata", record]);
    const { data } = await memory.sessions({ user: "u", order: "asc" });
    return data.map(({ id, unreadable }) => [id, unreadable]);
  },

  async turns({ redis, tenant, record }) {
    const session = createMemory(tenant, { name: "m" }).session({ user: "u", id: "s" });
    await session.append(["1", "2", "3"].map((content): Turn => ({ role: "user", content })));
    const element = Buffer.concat([Buffer.from("0:"), record]);
    await redis.send(["LSET", `{${redis.app}:${tenant.scope}:u}:memory:m:session:s:log`, "1", element]);
    const listed = (await session.read()).turns.map(({ sequence, unreadable }) => [`${sequence}`, unreadable] as const);
    // A model is not asked with a history that lacks what cannot be read: it is named, and can be taken out.
    const found = await session.window({ last: 3 }).catch((error: unknown) => error);
    expect(found).toMatchObject({ code: listed[1]?.[1], details: { sequence: 2 } });
    await session.remove(2);
    expect((await session.window({ last: 3 })).turns).toHaveLength(2);
    return listed;
  },

  async facts({ redis, tenant, record }) {
    const facts = createMemory(tenant, { name: "m", facts: { embedder: hashEmbedder({ dimensions: 8 }) } }).facts("u");
    for (const text of ["1", "2", "3"]) await facts.remember({ text });
    const id = (await facts.list()).find(({ text }) => text === "2")?.id ?? "";
    const holding = async (pattern: string) => {
      for (const key of (await redis.send(["KEYS", pattern])) as string[])
        if ((await redis.send(["HEXISTS", key, id]).catch(() => 0)) === 1) return key;
      return undefined;
    };
    const items = await holding(`*${redis.app}:${tenant.scope}*:items`);
    const hashed = (await redis.send(["KEYS", `*${redis.app}:${tenant.scope}*:item:${id}`])) as string[];
    if (items !== undefined) await redis.send(["HSET", items, id, record]);
    else await redis.send(["HSET", hashed[0] ?? "", "r", record]);
    return (await facts.list()).map(({ text, id: of, unreadable }) => [of === id ? "2" : text, unreadable]);
  },

  async files({ redis, tenant, record, keyOf }) {
    const stores = createStores(tenant, { name: "s", embedder: hashEmbedder({ dimensions: 8 }) });
    const ids: string[] = [];
    for (const name of ["1", "2", "3"])
      ids.push((await stores.files.add({ filename: name, purpose: "user_data", content: Buffer.from(name) })).id);
    const key = await keyOf("*:files:records");
    await redis.send(["HSET", key, ids[1] ?? "", record]);
    const { data, unreadable = [] } = await stores.files.list();
    // Beyond what cannot be read a page goes on.
    const one = await stores.files.list({ limit: 1, after: ids[2] });
    expect(one.data.map(({ id }) => id)).toEqual([ids[0]]);
    return [
      ...data.map(({ filename }) => [filename, undefined] as const),
      ...unreadable.map(({ id, code }) => [String(ids.indexOf(id) + 1), code] as const),
    ];
  },

  async keys({ redis, tenant, record }) {
    const keys = createApiKeys(redis);
    for (const name of ["1", "2", "3"]) await keys.create({ scope: tenant.scope, user: "u", name });
    const { id } = (await keys.list({ limit: 1_000 })).data.find(
      ({ name, scope }) => name === "2" && scope === tenant.scope,
    ) ?? { id: "" };
    const all = (await redis.send(["HKEYS", `{${redis.app}}:gateway:keys`])) as string[];
    await redis.send(["HSET", `{${redis.app}}:gateway:keys`, all.find((field) => field.startsWith(id)) ?? "", record]);
    const own = (await keys.list({ limit: 1_000 })).data.filter(
      ({ id: of, scope }) => of === id || scope === tenant.scope,
    );
    return own.map(({ id: of, name, unreadable }) => [of === id ? "2" : name, unreadable]);
  },
};

describe("a list with one thing that cannot be read", () => {
  liveTest.for(Object.keys(LISTS))("names it and shows the rest: %s", async (kind, { redis }) => {
    for (const [code, record] of RUBBISH) {
      const tenant = redis.scope(code);
      const keyOf = async (pattern: string) =>
        ((await redis.send(["KEYS", `{${redis.app}:${code}${pattern}`])) as string[])[0] ?? "";
      const listed = await LISTS[kind]?.({ redis, tenant, record, keyOf });
      const expected = kind === "dead letters" ? "corrupt_record" : code;
      expect(new Map(listed)).toEqual(
        new Map([
          ["1", undefined],
          ["2", expected],
          ["3", undefined],
        ]),
      );
    }
  });

  liveTest("names a job whose own line is lost in rubbish", async ({ redis, tenant }) => {
    const queue = createQueue<string>(tenant, { name: "q" });
    const ids = await queue.pushMany(["1", "2"].map((payload) => ({ payload })));
    await redis.send(["SET", `{${redis.app}:queue:q}:queue:job:${ids[0] ?? ""}`, "rubbish"]);
    const listed = await queue.list({ state: "waiting" });
    expect(listed).toMatchObject([
      { id: ids[0], state: "unreadable", unreadable: "corrupt_record" },
      { id: ids[1], state: "waiting" },
    ]);
    await working(
      redis,
      () => {},
      async () => {
        await expect(queue.wait(ids[1] ?? "", { waitMs: 5_000 })).resolves.toMatchObject({ state: "done" });
      },
    );
  });
});
