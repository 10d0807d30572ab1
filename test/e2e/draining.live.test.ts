import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as send } from "node:http";
import { connect as dial, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { serve, type GatewayConfigInput, type Served } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { startScriptedModel, type ScriptedAnswer } from "../../src/testing/index.ts";
import { ask, askStream } from "../gateway.ts";

const home = mkdtempSync(join(tmpdir(), "marrow-draining-"));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

let started = 0;
const SLOW: ScriptedAnswer = { content: "one two three four five six", eventDelayMs: 80 };

async function setUp(config: GatewayConfigInput = {}, script: () => ScriptedAnswer = () => SLOW) {
  const model = await startScriptedModel(script);
  ends.push(() => model.close());
  const app = `draining${process.pid}n${started++}`;
  const served = await serve({
    redisUrl: inject("redisUrl"),
    dataDirectory: home,
    cacheDirectory: ".cache",
    path: "",
    say: () => {},
    config: {
      port: 0,
      app,
      logLevel: "silent",
      demo: { enabled: false },
      upstreams: [{ baseUrl: model.baseUrl }],
      ...config,
    },
  });
  ends.push(() => served.close());
  const redis = await connect(inject("redisUrl"), { app });
  ends.push(() => redis.close());
  const client = new OpenAI({ apiKey: served.firstKey, baseURL: `${served.url}/v1`, maxRetries: 0 });
  return { served, model, redis, client, key: served.firstKey ?? "" };
}

interface Got {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly body: string;
}

/** Sends a request; over a pooled connection with an agent of its own. */
function get({ url }: Served, path: string, { agent, key = "", body }: Asked = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const method = body === undefined ? "GET" : "POST";
    const sent = send(`${url}${path}`, { method, agent: agent ?? false, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode, connection: answer.headers.connection, body: text }));
    });
    sent.on("error", reject).end(body);
  });
}

interface Asked {
  readonly agent?: Agent;
  readonly key?: string;
  readonly body?: string;
}

const isOpen = (socket: Socket) =>
  new Promise<boolean>((resolve) => {
    if (socket.destroyed || socket.readableEnded) return resolve(false);
    socket.resume().once("close", () => resolve(false));
    setTimeout(() => resolve(true), 100);
  });

const codeOf = (error: unknown) => (error as { readonly code?: string }).code;

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true });
  ends.push(() => agent.destroy());
  return agent;
}

describe("a gateway that is told to stop", () => {
  it("is not ready at once, and answers until its port closes, each answer with connection: close", async () => {
    const { served, client } = await setUp({ drainDelayMs: 2_000 });
    const agent = keepAlive();
    expect(await get(served, "/readyz", { agent })).toMatchObject({ status: 200, connection: "keep-alive" });
    const closed = served.close();
    const unready = await get(served, "/readyz", { agent });
    expect(unready).toMatchObject({ status: 503, connection: "close" });
    expect(JSON.parse(unready.body)).toMatchObject({ status: "draining", state: "draining" });
    expect((await get(served, "/healthz")).status).toBe(200);
    expect((await ask(client, "What is Redis?")).text).toContain("six");
    const port = () => get(served, "/healthz").then(({ status }) => status, codeOf);
    await expect.poll(port, { timeout: 10_000, interval: 100 }).toBe("ECONNREFUSED");
    expect(await closed).toBe(true);
  });

  it("lets streams and sessions end whole", async () => {
    const { served, client, redis } = await setUp({ drainDelayMs: 0 });
    const headers = { "x-marrow-session": "s" };
    const asked = askStream(client, "Count slowly", { headers });
    await pause(150);
    const closed = served.close();
    expect((await asked).text).toBe("one two three four five six");
    expect(await closed).toBe(true);
    const memory = createMemory(redis.scope("default"), { name: "chat" });
    expect((await memory.session({ user: "default", id: "s" }).read({})).turns).toHaveLength(2);
  });

  it("keeps an answer whose client left", async () => {
    const { served, model, key } = await setUp({ drainDelayMs: 0 });
    await new Promise<void>((resolve, reject) => {
      const body = JSON.stringify({ model: "scripted", stream: true, messages: [{ role: "user", content: "Stay" }] });
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const sent = send(`${served.url}/v1/chat/completions`, { method: "POST", headers, agent: false }, (answer) =>
        answer.once("data", () => {
          sent.removeAllListeners("error").on("error", () => {});
          sent.destroy();
          resolve();
        }),
      );
      sent.on("error", reject).end(body);
    });
    expect(await served.close()).toBe(true);
    expect(model.givenUp).toBe(0);
  });

  it("closes idle connections, those on which nothing ever came too, and waits for none of them", async () => {
    const { served } = await setUp({ drainDelayMs: 0 });
    const agent = keepAlive();
    await get(served, "/healthz", { agent });
    const fresh = dial(Number(new URL(served.url ?? "").port), "127.0.0.1");
    await new Promise((resolve) => fresh.once("connect", resolve));
    const beganMs = performance.now();
    expect(await served.close()).toBe(true);
    expect(performance.now() - beganMs).toBeLessThan(6_000);
    expect(await isOpen(fresh)).toBe(false);
  });

  it("cuts off after drainMs what does not end, and says so", async () => {
    const { served, client } = await setUp({ drainDelayMs: 0, drainMs: 300 }, () => ({
      content: "late",
      delayMs: 8_000,
    }));
    const asked = ask(client, "Take your time").then(
      () => "answered",
      () => "cut",
    );
    await pause(100);
    const beganMs = performance.now();
    expect(await served.close()).toBe(false);
    expect(performance.now() - beganMs).toBeLessThan(4_500);
    expect(await asked).toBe("cut");
  });

  it("takes nothing from queues any more: workers elsewhere get an empty claim, jobs wait for another process", async () => {
    const { served, key, redis } = await setUp({ drainDelayMs: 3_000 });
    const claim = (body: object) =>
      get(served, "/v1/tasks/claim", { key, body: JSON.stringify(body) }).then(({ status, body: text }) => ({
        status,
        tasks: (JSON.parse(text) as { data: unknown[] }).data.length,
      }));
    const waiting = claim({ wait_ms: 20_000 });
    await pause(150);
    const closed = served.close();
    expect(await waiting).toEqual({ status: 200, tasks: 0 });
    await createQueue(redis.scope("default"), { name: "tasks" }).push({ n: 1 });
    expect(await claim({})).toEqual({ status: 200, tasks: 0 });
    const response = JSON.stringify({ model: "scripted", input: "Go", background: true });
    const made = await get(served, "/v1/responses", { key, body: response });
    expect(made.status).toBe(200);
    await pause(700);
    const { id } = JSON.parse(made.body) as { id: string };
    const now = JSON.parse((await get(served, `/v1/responses/${id}`, { key })).body) as { status: string };
    expect(now.status).toBe("queued");
    expect(await closed).toBe(true);
  });

  it("ends an idle WebSocket with 1001, and one that makes a turn after that turn", async () => {
    const { served, key } = await setUp({ drainDelayMs: 0 });
    const open = async () => {
      const socket = new WebSocket(`${served.url?.replace("http", "ws")}/v1/responses`, {
        headers: { authorization: `Bearer ${key}` },
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      const types: string[] = [];
      socket.on("message", (data: Buffer) => types.push((JSON.parse(String(data)) as { type: string }).type));
      const code = new Promise<number>((resolve) => socket.once("close", resolve));
      return { socket, types, code };
    };
    const [idle, busy] = [await open(), await open()];
    busy.socket.send(JSON.stringify({ type: "response.create", model: "scripted", input: "Count" }));
    await expect.poll(() => busy.types.length).toBeGreaterThan(2);
    const closed = served.close();
    expect(await idle.code).toBe(1001);
    expect(await busy.code).toBe(1001);
    expect(busy.types.at(-1)).toBe("response.completed");
    expect(await closed).toBe(true);
  });
});
