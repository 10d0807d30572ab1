import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import OpenAI from "openai";
import { Agent, fetch as send } from "undici";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { createApiKeys } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";
import { startBalancer } from "../balancer.ts";
import { askStream, ask } from "../gateway.ts";
import { freePort, until } from "../servers.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-rolling-"));
writeFileSync(join(home, "marrow.config.json"), JSON.stringify({ limits: { enabled: false } }));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** How long a stopping gateway stays; clients drop connections that were idle for less than that. */
const DELAY_MS = 1_500;
const IDLE_MS = 500;

const exitOf = (child: ChildProcess) =>
  new Promise<number | null>((done) => child.once("exit", (code, signal) => done(signal === null ? code : -1)));

async function startGateway(
  app: string,
  model: ScriptedModel,
  port: number,
  delayMs = DELAY_MS,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--conditions=@marrow/source", resolve("src/cli/main.ts"), "serve"], {
    cwd: home,
    env: {
      ...process.env,
      // A start is mostly the reading of sources, which this halves.
      NODE_COMPILE_CACHE: resolve(".cache/compiled"),
      MARROW_REDIS_URL: inject("redisUrl"),
      MARROW_APP: app,
      MARROW_PORT: String(port),
      MARROW_UPSTREAM_URL: model.baseUrl,
      MARROW_DRAIN_DELAY_MS: String(delayMs),
      MARROW_DRAIN_MS: "10000",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  ends.push(() => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) if (line.includes("listens on")) break;
  child.stdout.resume();
  return child;
}

async function setUp(eventDelayMs: number) {
  const app = `rolling${process.pid}n${Math.round(performance.now())}`;
  const model = await startScriptedModel(() => ({ content: "one two three four five", eventDelayMs }));
  ends.push(() => model.close());
  const redis = await connect(inject("redisUrl"), { app });
  ends.push(() => redis.close());
  const key = await createApiKeys(redis).create({ scope: "acme", user: "u1", name: "test", actsFor: "any" });
  return { app, model, redis, key };
}

describe("a rolling restart of three gateways behind a load balancer", () => {
  it("fails no request and no stream, and loses no turn and no job", async () => {
    const { app, model, redis, key } = await setUp(80);
    const ports = [await freePort(), await freePort(), await freePort()];
    const gateways = await Promise.all(ports.map((port) => startGateway(app, model, port)));
    const balancer = await startBalancer(ports);
    ends.push(() => balancer.close());
    await until(() => balancer.ready().length === 3, "three gateways");
    const pool = new Agent({ keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS });
    ends.push(() => pool.close());
    const client = new OpenAI({
      apiKey: key,
      baseURL: `http://127.0.0.1:${balancer.port}/v1`,
      maxRetries: 0,
      fetch: ((url: string, init: object) =>
        send(url, { ...init, dispatcher: pool })) as unknown as typeof globalThis.fetch,
    });

    const failures: string[] = [];
    const done = { whole: 0, streamed: 0, jobs: 0, tasks: 0 };
    let isOver = false;
    let nth = 0;
    /** Does something again and again until the restart is over; whatever it throws is a failure. */
    const keepOn = async (what: string, act: (n: number) => Promise<void>) => {
      while (!isOver) {
        nth += 1;
        await act(nth).catch((error: unknown) => failures.push(`${what}: ${String(error)} ${causeOf(error)}`));
      }
    };
    const sessions = ["s1", "s2", "s3"];
    const kept = new Map<string, string[]>(sessions.map((id) => [id, []]));
    const responses: string[] = [];
    const tasks: string[] = [];
    const finished = new Map<string, number>();
    const traffic = [
      ...sessions.map((id) =>
        keepOn("stream", async (n) => {
          const said = `question ${n} of ${id}`;
          const { text } = await askStream(client, said, { headers: { "x-marrow-session": id } });
          if (text !== "one two three four five") failures.push(`stream: ended early with "${text}"`);
          done.streamed += 1;
          kept.get(id)?.push(said);
        }),
      ),
      keepOn("whole", async (n) => {
        await ask(client, `whole ${n}`);
        done.whole += 1;
        await pause(150);
      }),
      keepOn("background", async (n) => {
        const { id } = await client.responses.create({ model: "scripted", input: `job ${n}`, background: true });
        responses.push(id);
        await pause(250);
      }),
      keepOn("push", async (n) => {
        const { id } = await client.post<{ id: string }>("/tasks", { body: { payload: { n } } });
        tasks.push(id);
        await pause(150);
      }),
      keepOn("claim", async () => {
        const { data } = await client.post<{ data: { id: string; fence: string }[] }>("/tasks/claim", {
          body: { wait_ms: 5_000, limit: 10 },
        });
        for (const { id, fence } of data) {
          await client.post(`/tasks/${id}/finish`, { body: { fence, result: null } });
          finished.set(id, (finished.get(id) ?? 0) + 1);
        }
      }),
    ];

    await pause(300);
    for (const [at, port] of ports.entries()) {
      const old = gateways[at] as ChildProcess;
      const exit = exitOf(old);
      old.kill("SIGTERM");
      expect(await exit).toBe(0);
      await startGateway(app, model, port);
      await until(() => balancer.ready().length === 3, `gateway ${at} again`);
    }
    isOver = true;
    await client.post("/tasks", { body: { payload: "the last one, for the claim that waits" } });
    await Promise.all(traffic);

    expect(failures).toEqual([]);
    expect(balancer.refused).toBe(0);
    expect(done.whole).toBeGreaterThan(20);
    expect(done.streamed).toBeGreaterThan(20);
    const memory = createMemory(redis.scope("acme"), { name: "chat" });
    for (const id of sessions) {
      const { turns } = await memory.session({ user: "u1", id }).read({ limit: 1_000 });
      const said = turns.filter(({ turn }) => turn.role === "user").map(({ turn }) => turn.content);
      expect(said).toEqual(kept.get(id));
      expect(turns).toHaveLength(2 * said.length);
    }
    expect(responses.length).toBeGreaterThan(5);
    await until(async () => {
      const all = await Promise.all(responses.map((id) => client.responses.retrieve(id)));
      return all.every(({ status }) => status === "completed");
    }, "every response of the background");
    expect(tasks.length).toBeGreaterThan(20);
    for (;;) {
      const { data } = await client.post<{ data: { id: string; fence: string }[] }>("/tasks/claim", {
        body: { limit: 100 },
      });
      if (data.length === 0) break;
      for (const { id, fence } of data) {
        await client.post(`/tasks/${id}/finish`, { body: { fence, result: null } });
        finished.set(id, (finished.get(id) ?? 0) + 1);
      }
    }
    expect(tasks.filter((id) => finished.get(id) !== 1)).toEqual([]);
  }, 300_000);
});

describe("the process of a gateway", () => {
  it("drains at the first signal, and ends at once at the second", async () => {
    const { app, model } = await setUp(0);
    const port = await freePort();
    const child = await startGateway(app, model, port, 60_000);
    const exit = exitOf(child);
    expect(await health(port, "--ready")).toEqual([0, "/readyz: ready\n"]);
    child.kill("SIGTERM");
    const status = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
    await expect.poll(status).toBe(503);
    expect(await health(port, "--ready")).toEqual([1, "/readyz: draining (draining)\n"]);
    expect(await health(port)).toEqual([0, "/healthz: ok\n"]);
    child.kill("SIGTERM");
    expect(await exit).toBe(128 + 15);
    expect(await health(port)).toEqual([1, "/healthz: no answer (ECONNREFUSED)\n"]);
  }, 100_000);
});

/** `marrow health`: its exit code and what it prints. */
function health(port: number, ...args: readonly string[]): Promise<[code: unknown, out: string]> {
  const command = ["--conditions=@marrow/source", resolve("src/cli/main.ts"), "health", ...args];
  return new Promise((done) => {
    execFile(process.execPath, command, { env: { ...process.env, MARROW_PORT: String(port) } }, (error, out) =>
      done([error?.code ?? 0, out]),
    );
  });
}

function causeOf(error: unknown): string {
  const causes: string[] = [];
  for (let one = (error as Error).cause; one instanceof Error; one = one.cause) causes.push(one.message);
  return causes.join("; ");
}
