import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createQueue, createSender, createWebhooks, createWorker, type Work } from "../../src/queue/index.ts";
import type { Redis } from "../../src/redis/index.ts";
import { receiving } from "../receiver.ts";
import { ownServer, type OwnServer } from "../servers.ts";

/** The tables "A crash in each state" of the documents, row by row: a Redis that comes back as it was at its last save, and workers that vanish. */
let server: OwnServer;
let redis: Redis;
let name = "";
beforeAll(async () => {
  server = await ownServer(inject("redisBinary"));
  await server.start();
  redis = await connect(server.url, { app: "states" });
});
afterAll(async () => {
  await redis.close();
  await server.stop();
});
let nth = 0;
beforeEach(() => {
  nth += 1;
  name = `q${nth}`;
});

const save = () => redis.send(["SAVE"]);
/** Ends Redis as a crash does: what came after the last save is lost. */
async function loseRedis(): Promise<void> {
  await server.kill();
  await server.start();
  await expect.poll(() => redis.send(["PING"]).catch(() => ""), { timeout: 10_000 }).toBe("PONG");
}
const queueOf = () => createQueue<string, string>(redis.scope("acme"), { name });
const workerOf = (handler: (work: Work<string>) => unknown = ({ payload }) => payload) =>
  createWorker<string>(redis, { name, leaseMs: 1_000, drainMs: 0, onError: () => {} }, handler);
/** A worker that takes jobs and is never heard of again, as one that was killed. */
async function vanished(id: string): Promise<void> {
  const own = await connect(server.url, { app: "states" });
  const worker = createWorker<string>(own, { name, leaseMs: 1_000, onError: () => {} }, () => sleep(60_000));
  await expect.poll(async () => (await queueOf().get(id))?.state, { timeout: 5_000 }).toBe("running");
  await own.close();
  void worker.close().catch(() => {});
}

describe("a job, when its worker dies", () => {
  it("that is blocked, waiting, delayed or suspended stays as it is", async () => {
    const queue = queueOf();
    const held = await queue.push("held");
    const suspending = workerOf(({ waitFor }) => waitFor("go", { timeoutMs: 60_000 }));
    await expect.poll(async () => (await queue.get(held))?.state, { timeout: 5_000 }).toBe("suspended");
    await suspending.close();
    const waiting = await queue.push("waiting");
    const ids = [
      held,
      await queue.push("b", { dependsOn: [waiting] }),
      waiting,
      await queue.push("d", { delayMs: 60_000 }),
    ];
    await sleep(1_500);
    const states = await Promise.all(ids.map(async (id) => (await queue.get(id))?.state));
    expect(states).toEqual(["suspended", "blocked", "waiting", "delayed"]);
  }, 20_000);

  it("that runs is done by another within its lease and 1.5 s, and the crash is counted", async () => {
    const queue = queueOf();
    const id = await queue.push("x");
    await vanished(id);
    const next = workerOf();
    const startMs = performance.now();
    expect(await queue.wait(id, { waitMs: 10_000 })).toMatchObject({ state: "done", crashesLeft: 2 });
    expect(performance.now() - startMs).toBeLessThan(4_000);
    await next.close();
  });

  it("that is cancelling ends as cancelled when the lease is over", async () => {
    const queue = queueOf();
    const id = await queue.push("x");
    await vanished(id);
    expect(await queue.cancel(id)).toBe("cancelling");
    const next = workerOf();
    expect(await queue.wait(id, { waitMs: 10_000 })).toMatchObject({ state: "cancelled" });
    await next.close();
  });
});

describe("a job, when Redis loses what was not written to disk", () => {
  it("is as of the last write: gone, waiting again, or not cancelled", async () => {
    const queue = queueOf();
    const kept = await queue.push("kept", { delayMs: 60_000 });
    const done = await queue.push("done");
    await save();
    const lost = await queue.push("lost", { delayMs: 60_000 });
    expect(await queue.cancel(kept)).toBe("cancelled");
    const worker = workerOf();
    await queue.wait(done, { waitMs: 5_000 });
    await worker.close();
    await loseRedis();
    expect(await queue.get(lost)).toBeUndefined();
    expect((await queue.get(kept))?.state).toBe("delayed");
    expect((await queue.get(done))?.state).toBe("waiting");
    // The end that was lost comes again; whoever cancelled cancels again.
    const again = workerOf();
    expect(await queue.wait(done, { waitMs: 10_000 })).toMatchObject({ state: "done", result: "done" });
    expect(await queue.cancel(kept)).toBe("cancelled");
    await again.close();
  });

  it("and runs at that moment may be given out again, and ends once", async () => {
    const queue = queueOf();
    const id = await queue.push("x");
    await save();
    let runs = 0;
    const worker = workerOf(async () => {
      runs += 1;
      await sleep(runs === 1 ? 1_500 : 0);
      return `run ${runs}`;
    });
    await expect.poll(() => runs, { timeout: 5_000 }).toBe(1);
    await loseRedis();
    expect(await queue.wait(id, { waitMs: 20_000 })).toMatchObject({ state: "done" });
    expect((await queue.counts()).done).toBe(1);
    await worker.close();
  });
});

describe("a schedule", () => {
  it("that was lost with Redis is there once its service declares it again; another keeps what is due", async () => {
    const queue = queueOf();
    await queue.schedule("old", { everyMs: 1_000 }, "old");
    await save();
    await queue.schedule("new", { everyMs: 1_000 }, "new");
    await loseRedis();
    expect((await queue.schedules()).map((one) => one.name)).toEqual(["old"]);
    await sleep(2_100);
    for (const one of ["old", "new"]) await queue.schedule(one, { everyMs: 1_000 }, one);
    const seen: string[] = [];
    const worker = workerOf(({ payload }) => void seen.push(payload));
    await expect.poll(() => seen.toSorted(), { timeout: 5_000 }).toEqual(expect.arrayContaining(["new", "old"]));
    // What was due meanwhile was made up for by one job.
    expect(seen.filter((one) => one === "old").length).toBeLessThanOrEqual(2);
    await worker.close();
  });
});

describe("a webhook's delivery", () => {
  it("waits while no sender is there, also over a crash of Redis that had written it", async () => {
    const open = { allowHttp: true, allowNetworks: ["127.0.0.0/8"] };
    const webhooks = createWebhooks(redis.scope("acme"), { name, ...open });
    await receiving(
      () => [200],
      async (url, received) => {
        const { id } = await webhooks.create({ url });
        const worker = workerOf();
        await queueOf().wait(await queueOf().push("x"), { waitMs: 5_000 });
        await worker.close();
        await save();
        await loseRedis();
        expect(await webhooks.deliveries(id)).toMatchObject([{ state: "pending", attempts: 0 }]);
        const sender = createSender(redis, { name, ...open });
        await expect.poll(() => received.length, { timeout: 10_000 }).toBe(1);
        await expect.poll(async () => (await webhooks.deliveries(id))[0]?.state, { timeout: 5_000 }).toBe("delivered");
        // That it was delivered is lost: it is sent again, under the same id.
        await loseRedis();
        await expect.poll(() => received.length, { timeout: 20_000 }).toBe(2);
        expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
        await sender.close();
      },
    );
  }, 60_000);
});

describe("a session, when Redis loses what was not written to disk", () => {
  it("has the turns up to then; a question whose opening was lost comes with its answer", async () => {
    const session = createMemory(redis.scope("acme"), { name }).session({ user: "u", id: "s" });
    const says = (content: string, role = "user") => ({ role, content });
    await session.append([says("q1"), says("a1", "assistant")]);
    await save();
    await session.append(says("gone"));
    await session.open(says("q2"), { idempotencyKey: "k" });
    await loseRedis();
    expect((await session.read()).turns).toHaveLength(2);
    await session.complete(says("q2"), says("a2", "assistant"), { idempotencyKey: "k" });
    const { turns } = await session.window({ last: 9 });
    expect(turns.map(({ content }) => content)).toEqual(["q1", "a1", "q2", "a2"]);
  });
});
