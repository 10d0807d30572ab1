import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { createApiKeys, serve, type Served } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { ask } from "../gateway.ts";
import { ownServer, until, type OwnServer } from "../servers.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-serve-away-"));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function prepare(args: readonly string[] = []): Promise<OwnServer> {
  const server = await ownServer(inject("redisBinary"), args);
  ends.push(() => server.stop());
  return server;
}

interface Told {
  readonly served: Served;
  readonly lines: string[];
  readonly keys: string[];
}

async function start(redisUrl: string, config: object = {}, more: object = {}): Promise<Told> {
  const [lines, keys]: [string[], string[]] = [[], []];
  const served = await serve({
    redisUrl,
    dataDirectory: home,
    cacheDirectory: ".cache",
    path: process.env["PATH"] ?? "",
    say: (line) => lines.push(line),
    onFirstKey: (key) => keys.push(key),
    config: { port: 0, demo: { firstTokenMs: 0 }, logLevel: "silent", ...config },
    ...more,
  });
  ends.push(() => served.close());
  return { served, lines, keys };
}

const clientOf = ({ served }: Told, apiKey = "none") =>
  new OpenAI({ apiKey, baseURL: `${served.url}/v1`, maxRetries: 0 });
const readyOf = async ({ served }: Told) => {
  const answer = await fetch(`${served.url}/readyz`);
  return { status: answer.status, ...((await answer.json()) as object) };
};
const demo = { model: "demo" };

describe("a gateway whose Redis is away when it starts", () => {
  it("starts, says host and cause without the password, and answers from the model", async () => {
    const server = await prepare();
    const gateway = await start(server.url.replace("127", "user:secret-word@127"), { auth: "off" });
    expect(gateway.lines.join("\n")).toMatch(/^Redis is away: 127\.0\.0\.1:\d+: .*ECONNREFUSED.*; reconnecting/);
    expect(gateway.lines.join("\n")).not.toContain("secret-word");
    expect((await ask(clientOf(gateway), "What is Redis?", demo)).cache).toBe("bypass");
    expect(await readyOf(gateway)).toMatchObject({ status: "degraded", state: "unreachable", reads: false });
  });

  it("makes the first key and all else once Redis is there", async () => {
    const server = await prepare();
    const gateway = await start(server.url);
    expect(gateway.served.firstKey).toBeUndefined();
    await expect(ask(clientOf(gateway, `mrw_${"a".repeat(43)}`), "hi", demo)).rejects.toMatchObject({ status: 503 });
    await server.start();
    await until(() => gateway.keys.length === 1, "the first key");
    const client = clientOf(gateway, gateway.keys[0]);
    await until(async () => (await ask(client, "What is Redis?", demo)).cache === "exact", "a stored answer");
    expect(gateway.lines).toContain("Redis serves again");
  });

  it("says that credentials are wrong, and does not start", async () => {
    const server = await prepare();
    await server.start();
    const redis = await connect(server.url);
    ends.push(() => redis.close());
    await redis.send(["CONFIG", "SET", "requirepass", "right"]);
    await expect(start(server.url.replace("127", ":wrong@127"))).rejects.toMatchObject({ code: "redis_denied" });
  });
});

describe("the first API key", () => {
  it("is not made again for an installation that lost its keys, evicted or deleted", async () => {
    const server = await prepare(["--maxmemory-policy", "allkeys-lru", "--maxmemory", "50mb"]);
    await server.start();
    const app = "evicting";
    const redis = await connect(server.url, { app });
    ends.push(() => redis.close());
    const first = await start(server.url, { app });
    expect(first.served.firstKey).toMatch(/^mrw_/);
    expect(first.lines.join("\n")).toMatch(/Warning: maxmemory-policy is allkeys-lru/);
    await ask(clientOf(first, first.served.firstKey), "What is Redis?", demo);

    await redis.send(["UNLINK", "{evicting}:gateway:keys"]);
    const second = await start(server.url, { app });
    expect([second.served.firstKey, second.lines.join("\n")]).toEqual([undefined, expect.stringMatching(/gone/)]);

    // The mark went too, as an evicting Redis may do; something else of the installation is left.
    await redis.send(["UNLINK", "{evicting}:gateway:keys", "{evicting}:gateway:installed"]);
    const third = await start(server.url, { app });
    expect([third.served.firstKey, third.lines.join("\n")]).toEqual([undefined, expect.stringMatching(/gone/)]);

    const made = await createApiKeys(redis).create({ scope: "default", user: "ops", name: "by hand", role: "admin" });
    expect((await ask(clientOf(third, made), "What is Redis?", demo)).text).toBeDefined();
    const fourth = await start(server.url, { app });
    expect([fourth.served.firstKey, fourth.lines.join("\n")]).toEqual([undefined, expect.not.stringMatching(/gone/)]);
  });

  it("is not made again after all keys were revoked", async () => {
    const redis = await connect(inject("redisUrl"), { app: `revoked${Date.now()}` });
    ends.push(() => redis.close());
    const keys = createApiKeys(redis);
    const first = await keys.createFirst();
    await keys.revoke(first ?? "");
    let lost = 0;
    expect([await keys.createFirst(() => (lost += 1)), lost]).toEqual([undefined, 1]);
  });
});

describe("a second Redis for the cache", () => {
  it("has the answers and nothing else, and chats go on without it", async () => {
    const [main, cache] = [await prepare(), await prepare(["--maxmemory-policy", "allkeys-lru"])];
    await Promise.all([main.start(), cache.start()]);
    const gateway = await start(main.url, {}, { cacheRedisUrl: cache.url });
    const client = clientOf(gateway, gateway.served.firstKey);
    const asked = async () =>
      (await ask(client, "What is Redis?", { ...demo, headers: { "x-marrow-session": "s" } })).cache;
    const alone = async () => (await ask(client, "What is Redis?", demo)).cache;
    expect([await alone(), await alone(), await asked()]).toEqual(["miss", "exact", "exact"]);
    const [mainKeys, cacheKeys] = await Promise.all(
      [main, cache].map(async ({ url }) => {
        const redis = await connect(url);
        const keys = (await redis.send(["KEYS", "*"])) as string[];
        await redis.close();
        return keys.join("\n");
      }),
    );
    expect(mainKeys).toMatch(/gateway:keys/);
    expect(mainKeys).not.toMatch(/cache/);
    expect(cacheKeys).toMatch(/cache/);
    expect(cacheKeys).not.toMatch(/gateway:keys|session/);

    await cache.kill();
    expect(await alone()).toBe("bypass");
    expect(await readyOf(gateway)).toMatchObject({ status: "ready", cache: { state: "unreachable" } });
    expect(gateway.lines.join("\n")).toMatch(/The cache's Redis is away: 127\.0\.0\.1/);
    await cache.start();
    await until(async () => (await alone()) === "exact", "the cache");
  });
});
