import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Role, TaskState, type Part, type StreamResponse, type Task } from "@a2a-js/sdk";
import {
  ClientFactory,
  ClientFactoryOptions,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  type Client,
} from "@a2a-js/sdk/client";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { createBus, type Agent } from "../../src/bus/index.ts";
import { createApiKeys } from "../../src/gateway/index.ts";
import { connect } from "../../src/index.ts";
import { encodeRecord } from "../../src/redis/index.ts";
import { startTestGateway } from "../gateway.ts";
import { startProxy } from "../resp-proxy.ts";
import { freePort } from "../servers.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-a2a-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const closers: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startGateway(app: string): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const child = spawn(process.execPath, ["--conditions=@marrow/source", resolve("src/cli/main.ts"), "serve"], {
    cwd: directory,
    env: {
      ...process.env,
      MARROW_REDIS_URL: inject("redisUrl"),
      MARROW_APP: app,
      MARROW_PORT: String(port),
      MARROW_LOG_LEVEL: "silent",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) if (line.includes("listens on")) break;
  child.stdout.resume();
  closers.push(async () => child.kill("SIGKILL") && undefined);
  return { url: `http://127.0.0.1:${port}`, child };
}

/** The SDK's own client, with a key. */
async function clientOf(url: string, agent: string, key: string): Promise<Client> {
  const withKey: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${key}`);
    return fetch(input, { ...init, headers });
  };
  const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
    transports: [new JsonRpcTransportFactory({ fetchImpl: withKey })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl: withKey }),
  });
  return new ClientFactory(options).createFromUrl(`${url}/a2a/${agent}/`);
}

const text = (value: string): Part => ({
  content: { $case: "text", value },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain",
});
const asking = (words: string) => ({
  tenant: "",
  message: {
    messageId: randomUUID(),
    contextId: "",
    taskId: "",
    role: Role.ROLE_USER,
    parts: [text(words)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  },
  configuration: undefined,
  metadata: undefined,
});
const said = (parts: readonly Part[] = []) =>
  parts.map(({ content }) => (content?.$case === "text" ? content.value : "")).join("");
const wordsOf = (count: number) => Array.from({ length: count }, (_, n) => `w${n} `).join("");

async function setUp(): Promise<{ app: string; key: string; agent: Agent; seen: string[] }> {
  const app = `a${randomUUID().slice(0, 8)}`;
  const redis = await connect(inject("redisUrl"), { app });
  closers.push(() => redis.close());
  const key = await createApiKeys(redis).create({ scope: "acme", user: "ada", name: "t" });
  const bus = createBus(redis.scope("acme"));
  const seen: string[] = [];
  const card = { name: "teller", description: "Tells words.", version: "2", skills: [{ id: "tell", tags: ["words"] }] };
  const agent = await bus.register<{ text: string }>(card, async ({ body, write, signal }) => {
    seen.push(body.text);
    const count = Number(body.text);
    if (Number.isNaN(count)) return { echo: body.text };
    for (let n = 0; n < count && !signal.aborted; n += 1) {
      write(`w${n} `);
      await new Promise((wait) => setTimeout(wait, 40));
    }
    return null;
  });
  closers.push(() => agent.close());
  return { app, key, agent, seen };
}

describe("an agent of the bus, served as A2A", () => {
  it("shows its card, answers messages, whole and streamed, and tells of its tasks", async () => {
    const { app, key } = await setUp();
    const { url } = await startGateway(app);
    const client = await clientOf(url, "teller", key);
    expect(await client.getAgentCard()).toMatchObject({
      name: "teller",
      version: "2",
      skills: [{ id: "tell", tags: ["words"] }],
    });
    const whole = (await client.sendMessage(asking("3"))) as Task;
    expect(whole).toMatchObject({ status: { state: TaskState.TASK_STATE_COMPLETED } });
    expect(said(whole.artifacts[0]?.parts)).toBe(wordsOf(3));
    const data = (await client.sendMessage(asking("hello"))) as Task;
    expect(data.artifacts[0]?.parts[0]?.content).toEqual({ $case: "data", value: { echo: "hello" } });
    const cases: string[] = [];
    for await (const { payload } of client.sendMessageStream(asking("2"))) cases.push(payload?.$case ?? "");
    expect(cases).toEqual(["task", "artifactUpdate", "artifactUpdate", "statusUpdate"]);
    expect((await client.getTask({ tenant: "", id: whole.id })).status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    await expect(clientOf(url, "nobody", key)).rejects.toThrow(/404|card/i);
    expect(
      (
        await fetch(`${url}/a2a/teller`, {
          method: "POST",
          body: "{}",
          headers: { "content-type": "application/json" },
        })
      ).status,
    ).toBe(401);
  }, 30_000);

  it("goes on at another gateway when the first is killed midway: the agent is asked once, and nothing is lost", async () => {
    const { app, key, seen } = await setUp();
    const [one, two] = await Promise.all([startGateway(app), startGateway(app)]);
    const first = await clientOf(one.url, "teller", key);
    let id = "";
    let parts = 0;
    try {
      for await (const { payload } of first.sendMessageStream(asking("150"))) {
        if (payload?.$case === "task") id = payload.value.id;
        if (payload?.$case === "artifactUpdate" && (parts += 1) === 10) one.child.kill("SIGKILL");
      }
    } catch {
      // Its connection broke.
    }
    const second = await clientOf(two.url, "teller", key);
    const answer: string[] = [];
    let last: TaskState | undefined;
    const take = ({ payload }: StreamResponse) => {
      if (payload?.$case === "task") answer.splice(0, answer.length, said(payload.value.artifacts[0]?.parts));
      if (payload?.$case === "artifactUpdate") {
        if (!payload.value.append) answer.length = 0;
        answer.push(said(payload.value.artifact?.parts));
      }
      if (payload?.$case === "statusUpdate") last = payload.value.status?.state;
    };
    for await (const event of second.resubscribeTask({ tenant: "", id })) take(event);
    expect(last).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(answer.join("")).toBe(wordsOf(150));
    expect(seen).toEqual(["150"]);
    await expect
      .poll(async () => said((await second.getTask({ tenant: "", id })).artifacts[0]?.parts))
      .toBe(wordsOf(150));
  }, 60_000);

  it("is cancelled at another gateway, and told of by push notifications that are set there", async () => {
    const { app, key } = await setUp();
    const [one, two] = await Promise.all([startGateway(app), startGateway(app)]);
    const [first, second] = [await clientOf(one.url, "teller", key), await clientOf(two.url, "teller", key)];
    const states: (TaskState | undefined)[] = [];
    let id = "";
    for await (const { payload } of first.sendMessageStream(asking("10000"))) {
      if (payload?.$case === "task") {
        id = payload.value.id;
        const config = {
          tenant: "",
          id: "p",
          taskId: id,
          url: "https://example.com/push",
          token: "",
          authentication: undefined,
        };
        await second.createTaskPushNotificationConfig(config);
        expect(await first.getTaskPushNotificationConfig({ tenant: "", taskId: id, id: "p" })).toMatchObject({
          url: "https://example.com/push",
        });
        const cancelled = await second.cancelTask({ tenant: "", id, metadata: undefined });
        expect(cancelled.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
      }
      if (payload?.$case === "statusUpdate") states.push(payload.value.status?.state);
    }
    expect(states).toEqual([TaskState.TASK_STATE_CANCELED]);
  }, 30_000);

  it("costs a request no more among 10,000 agents than among ten", async () => {
    const proxy = await startProxy(inject("redisUrl"));
    const gateway = await startTestGateway({ redisUrl: proxy.url });
    closers.push(async () => (await gateway.close(), proxy.close()));
    const origin = gateway.baseURL.replace(/\/v1$/, "");
    const headers = {
      authorization: `Bearer ${gateway.key}`,
      "content-type": "application/json",
      "a2a-version": "1.0",
    };
    const bus = `{${gateway.redis.app}:acme:bus}`;
    const card = encodeRecord({ name: "agent-7", description: "x".repeat(100) });
    const later = String(Date.now() + 3_600_000);
    const script = `for n = tonumber(ARGV[3]), tonumber(ARGV[4]) do
      redis.call("HSET", KEYS[1] .. ":agent:agent-" .. n, "card", ARGV[1], "state", "online", "since", 1)
      redis.call("ZADD", KEYS[1] .. ":agents", ARGV[2], "agent-" .. n)
    end`;
    const register = (from: number, to: number) =>
      gateway.redis.send(["EVAL", script, "1", bus, card, later, String(from), String(to)]);
    /** Bytes that Redis answers for a card and a call. */
    async function cost(): Promise<number> {
      proxy.reset();
      const shown = await fetch(`${origin}/a2a/agent-7/.well-known/agent-card.json`, { headers });
      expect(await shown.json()).toMatchObject({ name: "agent-7" });
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "GetTask", params: { id: "none" } });
      const call = await fetch(`${origin}/a2a/agent-7`, { method: "POST", headers, body });
      expect(await call.json()).toMatchObject({
        id: 1,
        error: { message: expect.stringMatching(/not found/i) as string },
      });
      return proxy.bytes();
    }
    await register(1, 10);
    await cost();
    const few = await cost();
    await register(11, 10_000);
    // What else the gateway asks meanwhile is small; the cards of all agents are a megabyte.
    expect((await cost()) - few).toBeLessThan(10_000);
    const gone = await fetch(`${origin}/a2a/nobody/.well-known/agent-card.json`, { headers });
    expect(gone.status).toBe(404);
  }, 30_000);
});
