import { afterEach, describe, expect, inject, it } from "vitest";
import { createMemory } from "../../src/memory/index.ts";
import { connect } from "../../src/index.ts";
import { ask, startTestGateway, type TestGateway } from "../gateway.ts";
import { ownServer, until, type OwnServer } from "../servers.ts";

let gateway: TestGateway | undefined;
let server: OwnServer | undefined;
afterEach(async () => {
  server?.thaw();
  await gateway?.close();
  await server?.stop();
});

async function start(config = {}): Promise<{ gateway: TestGateway; server: OwnServer }> {
  server = await ownServer(inject("redisBinary"), ["--appendonly", "yes", "--appendfsync", "always"]);
  await server.start();
  gateway = await startTestGateway({ redisUrl: server.url, appName: "away", config });
  return { gateway, server };
}

describe("the gateway, when Redis is killed under load and comes back", () => {
  it("answers every request in time, loses no turn that it acknowledged, and recovers by itself", async () => {
    const { gateway: under, server: redis } = await start();
    const acknowledged = new Map<string, number>();
    const caches = new Set<string | null>();
    let slowestMs = 0;
    let stopped = false;
    const users = Array.from({ length: 8 }, async (_, user) => {
      const client = under.client({ headers: { "x-marrow-user": `user${user}`, "x-marrow-session": `s${user}` } });
      for (let turn = 0; !stopped; turn += 1) {
        const startMs = performance.now();
        const { cache, headers } = await ask(client, `turn ${turn} of ${user}`);
        slowestMs = Math.max(slowestMs, performance.now() - startMs);
        caches.add(cache);
        if (headers.get("x-marrow-session-state") === "kept")
          acknowledged.set(`${user}`, (acknowledged.get(`${user}`) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await redis.kill();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await redis.start();
    await until(async () => (await under.app.inject("/readyz")).statusCode === 200, "the gateway's connection");
    await new Promise((resolve) => setTimeout(resolve, 700));
    stopped = true;
    await Promise.all(users);

    expect(slowestMs).toBeLessThan(3_000);
    expect(caches).toContain("bypass");
    const after = await ask(under.client(), "after all that");
    expect([after.cache, (await ask(under.client(), "after all that")).cache]).toEqual(["miss", "exact"]);
    const own = await connect(redis.url, { app: "away" });
    for (const [user, turns] of acknowledged) {
      const session = createMemory(own.scope("acme"), { name: "chat" }).session({
        user: `user${user}`,
        id: `s${user}`,
      });
      const kept = await session.window({ last: 5_000 });
      expect(kept.turns.filter(({ role }) => role === "assistant").length).toBeGreaterThanOrEqual(turns);
      const asked = kept.turns.filter(({ role }) => role === "user").map(({ content }) => content);
      expect(new Set(asked).size).toBe(asked.length);
    }
    await own.close();
  }, 40_000);
});

describe("the gateway, while Redis is away", () => {
  it.each([
    ["gone", (redis: OwnServer) => redis.kill()],
    ["frozen", async (redis: OwnServer) => redis.freeze()],
  ])(
    "(%s) answers from the model, says bypass, and knows the keys that it knew",
    async (_, takeAway) => {
      const { gateway: under, server: redis } = await start();
      const client = under.client({ headers: { "x-marrow-session": "s" } });
      await ask(client, "before");
      await takeAway(redis);
      for (let time = 0; time < 3; time += 1) {
        const startMs = performance.now();
        const { cache, headers, text } = await ask(client, `meanwhile ${time}`);
        expect([cache, headers.get("x-marrow-session-state"), headers.get("x-ratelimit-degraded")]).toEqual([
          "bypass",
          "unavailable",
          "1",
        ]);
        expect(text).toContain("meanwhile");
        expect(performance.now() - startMs).toBeLessThan(6_000);
      }
      expect((await under.app.inject("/readyz")).statusCode).toBe(503);
      expect((await under.app.inject("/healthz")).statusCode).toBe(200);
    },
    40_000,
  );

  it("answers a response that it cannot keep, whole and as a stream, and says that it is not stored", async () => {
    const { gateway: under, server: redis } = await start();
    const { responses } = under.client();
    expect(await responses.create({ model: "scripted", input: "before" })).toMatchObject({ store: true });
    await redis.kill();
    expect(await responses.create({ model: "scripted", input: "whole" })).toMatchObject({
      status: "completed",
      store: false,
      output_text: expect.stringContaining("whole") as string,
    });
    const stream = await responses.create({ model: "scripted", input: "streamed", stream: true });
    const events: { readonly type: string }[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ type }) => type)).not.toContain("error");
    expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { store: false } });
    expect(await (await fetch(new URL("/metrics", under.baseURL))).text()).toMatch(
      /marrow_degraded_total\{role="responses",code="\w+"\} 2/,
    );
  });

  it("refuses when its limits say so", async () => {
    const { gateway: under, server: redis } = await start({ limits: { onUnavailable: "refuse" } });
    await ask(under.client(), "before");
    await redis.kill();
    await expect(ask(under.client(), "meanwhile")).rejects.toMatchObject({ status: 429 });
  });

  it("does not know a key that it never saw", async () => {
    const { gateway: under, server: redis } = await start();
    const unseen = await under.keys.create({ scope: "acme", user: "u", name: "unseen" });
    await redis.kill();
    await expect(ask(under.client({ apiKey: unseen }), "hi")).rejects.toMatchObject({ status: 503 });
  });
});
