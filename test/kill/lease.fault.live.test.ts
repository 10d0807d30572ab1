import { randomUUID } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createQueue } from "../../src/queue/index.ts";
import { startWorker, type KillQueue } from "./queue-workers.ts";

describe("a job whose worker is killed", () => {
  it("goes on within its lease and one beat of another worker after its own was killed", async () => {
    const app = `k${randomUUID().slice(0, 8)}`;
    const redis = await connect(inject("redisUrl"), { app });
    const queue: KillQueue = createQueue(redis.scope("acme"), { name: "kill" });
    const first = await startWorker(inject("redisUrl"), app, "first");
    const id = await queue.push({ words: 250, pauseMs: 40 });
    await expect.poll(async () => (await queue.get(id))?.state).toBe("running");
    const second = await startWorker(inject("redisUrl"), app, "second");
    first.removeAllListeners("exit");
    first.kill("SIGKILL");
    const startMs = performance.now();
    await expect.poll(async () => (await queue.get(id))?.crashesLeft, { timeout: 10_000, interval: 20 }).toBe(2);
    // A lease of 2 s and a beat of a third of it; with the default lease of 10 s and beats of 1.5 s that is under 12 s.
    expect(performance.now() - startMs).toBeLessThan(3_500);
    expect(await queue.wait(id, { waitMs: 30_000 })).toMatchObject({ state: "done", result: { by: "second" } });
    second.removeAllListeners("exit");
    second.kill("SIGKILL");
    await redis.close();
  }, 60_000);
});
