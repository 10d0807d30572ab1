/** A gateway and a queue on Sentinel, under traffic, while the master changes. */
import { Redis as Client } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createQueue, createWorker, type Queue, type Worker } from "../../src/queue/index.ts";
import { ask, startTestGateway, type TestGateway } from "../gateway.ts";
import { startSentinel, until, type Group, type OwnServer } from "../servers.ts";

/** A chat's deadline for Redis, and what an answer may take beyond it on a busy machine. */
const CHAT_MS_MAX = 3_000;
/** How soon all must be well after a replica took over. */
const RECOVERY_MS = 3_000;

let group: Group;
let gateway: TestGateway;
let queue: Queue<number>;
let worker: Worker;
let jobs = 0;
beforeAll(async () => {
  group = await startSentinel(inject("redisBinary"));
  gateway = await startTestGateway({ redisUrl: group.url, config: { cache: { semantic: false } } });
  queue = createQueue<number>(gateway.redis.scope("acme"), { name: "load" });
  const options = { name: "load", onError: () => {} };
  worker = createWorker<number>(gateway.redis, options, () => null);
});
afterAll(async () => {
  for (const node of group.nodes) node.thaw();
  await worker.close();
  await gateway.close();
  await group.stop();
});

async function askSentinel(...words: readonly [string, ...string[]]): Promise<unknown> {
  const client = new Client(Number(/:(\d+)/.exec(group.url)?.[1]), "127.0.0.1");
  try {
    return await client.call(...words);
  } finally {
    client.disconnect();
  }
}

async function master(): Promise<OwnServer> {
  const [, port] = (await askSentinel("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")) as [string, string];
  return group.nodes.find((node) => node.port === Number(port)) as OwnServer;
}

const isReady = async () => (await gateway.app.inject("/readyz")).statusCode === 200;

/** Asks chats and pushes jobs until it is stopped; a push that was not acknowledged is repeated under its key. */
function drive() {
  let stopped = false;
  const chats: number[] = [];
  const pushed: string[] = [];
  const chatting = [1, 2, 3].map(async (nth) => {
    while (!stopped) {
      const startMs = performance.now();
      // It throws for an answer that is no success.
      await ask(gateway.client(), `What is ${nth}.${chats.length}?`);
      chats.push(performance.now() - startMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const pushing = (async () => {
    while (!stopped) {
      const nth = (jobs += 1);
      const push = () => queue.push(nth, { idempotencyKey: `k${nth}` }).catch(() => undefined);
      let id = await push();
      while (id === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        id = await push();
      }
      pushed.push(id);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return async () => {
    stopped = true;
    await Promise.all([...chatting, pushing]);
    return { chats, pushed };
  };
}

describe("a gateway on Sentinel under traffic", () => {
  it.each([
    ["is frozen", (node: OwnServer) => Promise.resolve(node.freeze())],
    ["is killed", (node: OwnServer) => node.kill()],
  ])("answers every chat while the master %s, recovers, and runs each job", async (_, end) => {
    await until(isReady, "a good beginning");
    const before = await master();
    const stop = drive();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await end(before);
    await until(async () => (await master()) !== before, "a replica to take over");
    const overMs = performance.now();
    await until(isReady, "the gateway to be ready");
    expect(performance.now() - overMs).toBeLessThan(RECOVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { chats, pushed } = await stop();
    expect(Math.max(...chats)).toBeLessThan(CHAT_MS_MAX);
    expect(new Set(pushed).size).toBe(pushed.length);
    // What the old master acknowledged last may be lost with it.
    const last = await Promise.all(pushed.slice(-10).map((id) => queue.wait(id, { waitMs: 20_000 })));
    expect(last.map(({ state }) => state)).toEqual(last.map(() => "done"));
    before.thaw();
  });
});
