import type { ChildProcess } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { Redis as Ioredis } from "ioredis";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createQueue, createWebhooks, type Queue } from "../../src/queue/index.ts";
import { hurry, receiving } from "../receiver.ts";
import { startProxy } from "../resp-proxy.ts";
import { ownServer, replicated, startCluster, startSentinel, takenOver } from "../servers.ts";
import { chanceOf } from "./chance.ts";
import { startWorker, type KillQueue, type Payload } from "./queue-workers.ts";

/** Jobs of a round; `MARROW_KILL_JOBS=2000` makes it a long one. */
const JOBS = Number(process.env["MARROW_KILL_JOBS"] ?? 120);
const SEED = Number(process.env["MARROW_KILL_SEED"] ?? randomInt(1, 2 ** 31));

/** The whole text of a job's last attempt, and how often its output ended. */
async function outputOf(queue: Queue, id: string): Promise<{ text: string; ends: number }> {
  let text = "";
  let ends = 0;
  for await (const event of queue.read(id)) {
    if (event.kind === "restarted") text = "";
    else if (event.kind === "text") text += event.text;
    else ends += 1;
  }
  return { text, ends };
}

const wordsOf = (count: number) => Array.from({ length: count }, (_, word) => `${word} `).join("");

/** What a round breaks, besides workers. */
interface Round {
  readonly url: string;
  /** What workers connect to, if it is not the same. */
  readonly workerUrl?: string;
  readonly failsOver?: boolean;
  /** Called before the nth job of all is pushed. */
  readonly breaks: (nth: number, of: number, chance: () => number) => Promise<void>;
}

/** How long Redis may be away, its fail-over and the reconnection of clients included, in milliseconds. */
const AWAY_MS_MAX = 20_000;

/**
 * Pushes as a caller should: while Redis is away a push fails at once, and one that was not acknowledged, which may be there or not, is pushed
 * again under its key.
 */
async function pushUntilHeard(queue: KillQueue, payload: Payload): Promise<string> {
  const idempotencyKey = randomUUID();
  for (const startMs = performance.now(); ;) {
    try {
      return await queue.push(payload, { crashes: 100, idempotencyKey });
    } catch (error) {
      const told = ["unavailable", "timeout"].includes(String((error as { code?: unknown }).code));
      if (!told || performance.now() - startMs > AWAY_MS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Pushes jobs while workers, and whatever the round breaks, are killed; then holds the invariants: each push is one job, which is done. Answers how many. */
async function playRound(seed: number, { url, workerUrl = url, failsOver = false, breaks }: Round): Promise<number> {
  const chance = chanceOf(seed);
  const app = `k${randomUUID().slice(0, 8)}`;
  const workers = await Promise.all([0, 1, 2].map((at) => startWorker(workerUrl, app, `w${at}`)));
  const redis = await connect(url, { app });
  const tenant = redis.scope("acme");
  const queue: KillQueue = createQueue(tenant, { name: "kill" });
  const webhooks = createWebhooks(tenant, { name: "kill", allowHttp: true, allowNetworks: ["127.0.0.0/8"] });
  const stop = (worker: ChildProcess) => {
    worker.removeAllListeners("exit");
    worker.kill("SIGKILL");
  };
  const done = await receiving(
    () => [204],
    async (hook, received) => {
      const endpoint = await webhooks.create({ url: hook });
      const pushed: { id: string; words: number }[] = [];
      for (let nth = 0; nth < JOBS; nth += 1) {
        await breaks(nth, JOBS, chance);
        const words = 3 + Math.floor(chance() * 10);
        pushed.push({ id: await pushUntilHeard(queue, { words, pauseMs: 20 }), words });
        const draw = chance();
        const victim = workers[Math.floor(chance() * workers.length)] as ChildProcess;
        if (draw < 0.02) {
          stop(victim);
          workers[workers.indexOf(victim)] = await startWorker(workerUrl, app, `w${nth}`);
        } else if (draw < 0.04) {
          victim.kill("SIGSTOP");
          setTimeout(() => victim.kill("SIGCONT"), 3_000);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      for (const { id, words } of pushed) {
        const job = await queue.wait(id, { waitMs: 60_000 });
        expect(job).toMatchObject({ state: "done", result: { id } });
        expect(await outputOf(queue as Queue, id)).toEqual({ text: wordsOf(words), ends: 1 });
      }
      await expect.poll(() => queue.counts(), { timeout: 30_000 }).toMatchObject({ waiting: 0, dead: 0, cancelled: 0 });
      // A fail-over forgets ends that its replica had not heard of.
      if (!failsOver) expect((await queue.counts()).done).toBe(JOBS);
      await expect.poll(() => redis.send(["ZCARD", `{${app}:queue:kill}:queue:leases`]), { timeout: 10_000 }).toBe(0);
      // What a Redis that was killed had answered is told of all the same.
      const told = () => new Set(received.map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id));
      const untold = () => pushed.filter(({ id }) => !told().has(id)).length;
      const hurried = async () => {
        const waiting = (await webhooks.deliveries(endpoint.id, { limit: 1_000 })).some(({ attempts }) => attempts > 0);
        if (waiting) await hurry(redis, "kill", `acme/${endpoint.id}`);
        return untold();
      };
      await expect.poll(hurried, { timeout: 40_000, interval: 500 }).toBe(0);
      // Each end writes an event of its own: a job that ended twice would have two. A fail-over forgets ends that its replica had not heard of.
      const events = new Set(received.map(({ headers }) => headers["webhook-id"]));
      if (!failsOver) expect(events.size).toBe(told().size);
      return new Set(pushed.map(({ id }) => id)).size;
    },
  );
  for (const worker of workers) stop(worker);
  await redis.close();
  return done;
}

describe("jobs whose workers and Redis are killed", () => {
  it(`are all done, their outputs whole, their webhooks sent (seed ${SEED})`, async () => {
    const server = await ownServer(inject("redisBinary"), ["--appendonly", "yes", "--appendfsync", "always"]);
    await server.start();
    const done = await playRound(SEED, {
      url: server.url,
      async breaks(nth, of) {
        if (nth !== Math.floor(of / 2)) return;
        await server.kill();
        await new Promise((resolve) => setTimeout(resolve, 200));
        await server.start();
      },
    });
    expect(done).toBe(JOBS);
    await server.stop();
  }, 180_000);

  it(`are all done when connections are cut after a script ran and before its answer (seed ${SEED})`, async () => {
    const server = await ownServer(inject("redisBinary"));
    await server.start();
    const proxy = await startProxy(server.url);
    const done = await playRound(SEED, {
      url: server.url,
      workerUrl: proxy.url,
      async breaks(_, __, chance) {
        if (chance() > 0.1) return;
        proxy.mute(true);
        await new Promise((resolve) => setTimeout(resolve, 15));
        proxy.cut();
        proxy.mute(false);
      },
    });
    expect(done).toBe(JOBS);
    await proxy.close();
    await server.stop();
  }, 180_000);

  it(`are all done when a Sentinel's master is killed and a replica takes over (seed ${SEED})`, async () => {
    const group = await startSentinel(inject("redisBinary"));
    const [master] = group.nodes;
    const done = await playRound(SEED, {
      url: group.url,
      failsOver: true,
      async breaks(nth, of) {
        if (nth !== Math.floor(of / 2) || master === undefined) return;
        // Redis answers before its replicas have it: a fail-over keeps what they have.
        await replicated([master], 2);
        await master.kill();
        await takenOver(group.nodes.slice(1));
      },
    });
    expect(done).toBe(JOBS);
    await group.stop();
  }, 180_000);

  it(`are all done when a master of a cluster is killed and its replica takes over (seed ${SEED})`, async () => {
    const group = await startCluster(inject("redisBinary"), { replicas: true });
    const done = await playRound(SEED, {
      url: group.url,
      failsOver: true,
      async breaks(nth, of) {
        if (nth !== Math.floor(of / 2)) return;
        const keysOf = async (port: number) => {
          const node = new Ioredis(port);
          const keys = await node.dbsize();
          node.disconnect();
          return keys;
        };
        const sizes = await Promise.all(group.nodes.slice(0, 3).map(({ port }) => keysOf(port)));
        const at = sizes.indexOf(Math.max(...sizes));
        const master = group.nodes[at];
        if (master === undefined) return;
        await replicated([master], 1);
        await master.kill();
        await takenOver(group.nodes.slice(3 + at, 4 + at));
      },
    });
    expect(done).toBe(JOBS);
    await group.stop();
  }, 180_000);
});
