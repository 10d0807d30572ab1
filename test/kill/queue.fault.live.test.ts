import { spawn, type ChildProcess } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createQueue, type Queue } from "../../src/queue/index.ts";
import { ownServer } from "../servers.ts";

const WORKER = fileURLToPath(new URL("queue-worker.ts", import.meta.url));
/** Jobs of a round; `MARROW_KILL_JOBS=2000` makes it a long one. */
const JOBS = Number(process.env["MARROW_KILL_JOBS"] ?? 120);
const SEED = Number(process.env["MARROW_KILL_SEED"] ?? randomInt(1, 2 ** 31));

/** Chance from a seed that is printed: a failed round can be seen again. */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function startWorker(url: string, app: string, name: string): Promise<ChildProcess> {
  const args = ["--conditions=@marrow/source", WORKER, url, app, name];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", () => resolve());
    child.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
  });
  return child;
}

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

describe("jobs whose workers and Redis are killed", () => {
  it(`are all done, each once, their outputs whole (seed ${SEED})`, async () => {
    const chance = chanceOf(SEED);
    const server = await ownServer(inject("redisBinary"), ["--appendonly", "yes", "--appendfsync", "always"]);
    await server.start();
    const app = `k${randomUUID().slice(0, 8)}`;
    const workers = await Promise.all([0, 1, 2].map((at) => startWorker(server.url, app, `w${at}`)));
    const redis = await connect(server.url, { app });
    const queue = createQueue<{ words: number; pauseMs: number }, { id: string; fence: number }>(redis.scope("acme"), {
      name: "kill",
    });
    const pushed: { id: string; words: number }[] = [];
    const push = async () => {
      const words = 3 + Math.floor(chance() * 10);
      try {
        const id = await queue.push({ words, pauseMs: 20 }, { crashes: 100, idempotencyKey: randomUUID() });
        pushed.push({ id, words });
      } catch (error) {
        // Not acknowledged: it may be there or not.
        if (!["unavailable", "timeout"].includes(String((error as { code?: unknown }).code))) throw error;
      }
    };
    for (let at = 0; at < JOBS; at += 1) {
      await push();
      const draw = chance();
      const victim = workers[Math.floor(chance() * workers.length)] as ChildProcess;
      if (draw < 0.02) {
        victim.removeAllListeners("exit");
        victim.kill("SIGKILL");
        workers[workers.indexOf(victim)] = await startWorker(server.url, app, `w${at}`);
      } else if (draw < 0.04) {
        victim.kill("SIGSTOP");
        setTimeout(() => victim.kill("SIGCONT"), 3_000);
      } else if (at === Math.floor(JOBS / 2)) {
        await server.kill();
        await new Promise((resolve) => setTimeout(resolve, 200));
        await server.start();
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(pushed.length).toBeGreaterThan(JOBS / 2);
    for (const { id, words } of pushed) {
      const job = await queue.wait(id, { waitMs: 40_000 });
      expect(job).toMatchObject({ state: "done", result: { id } });
      expect(await outputOf(queue as Queue, id)).toEqual({ text: wordsOf(words), ends: 1 });
    }
    expect((await queue.counts()).waiting).toBe(0);
    expect(await redis.send(["ZCARD", `{${app}:queue:kill}:queue:leases`])).toBe(0);
    for (const worker of workers) {
      worker.removeAllListeners("exit");
      worker.kill("SIGKILL");
    }
    await redis.close();
    await server.stop();
  }, 180_000);

  it("goes on within its lease and one beat of another worker after its own was killed", async () => {
    const app = `k${randomUUID().slice(0, 8)}`;
    const redis = await connect(inject("redisUrl"), { app });
    const queue = createQueue<{ words: number; pauseMs: number }, { by: string }>(redis.scope("acme"), {
      name: "kill",
    });
    const first = await startWorker(inject("redisUrl"), app, "first");
    const id = await queue.push({ words: 50, pauseMs: 40 });
    await expect.poll(async () => (await queue.get(id))?.state).toBe("running");
    const second = await startWorker(inject("redisUrl"), app, "second");
    first.removeAllListeners("exit");
    first.kill("SIGKILL");
    const startMs = performance.now();
    await expect.poll(async () => (await queue.get(id))?.crashesLeft, { timeout: 10_000, interval: 20 }).toBe(2);
    // A lease of 2 s and a beat of a third of it; with the default lease of 10 s that is under 14 s.
    expect(performance.now() - startMs).toBeLessThan(3_500);
    expect(await queue.wait(id, { waitMs: 20_000 })).toMatchObject({ state: "done", result: { by: "second" } });
    second.removeAllListeners("exit");
    second.kill("SIGKILL");
    await redis.close();
  }, 40_000);
});
