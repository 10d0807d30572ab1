import { spawn, type ChildProcess } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createQueue, createWorker, pauseQueue, resumeQueue } from "../../src/queue/index.ts";
import * as scripts from "../../src/queue/scripts.gen.ts";
import { withClock } from "../clock.ts";
import { liveTest } from "../live.ts";
import { chanceOf } from "./chance.ts";

const WORKER = fileURLToPath(new URL("steps-worker.ts", import.meta.url));
/** Jobs of a round; `MARROW_KILL_JOBS=1000` makes it a long one. */
const JOBS = Number(process.env["MARROW_KILL_JOBS"] ?? 40);
const SEED = Number(process.env["MARROW_KILL_SEED"] ?? randomInt(1, 2 ** 31));
/** Simulated time of a service that restarts all the time; `MARROW_KILL_SIMULATED_MS=600000` is ten minutes. */
const SIMULATED_MS = Number(process.env["MARROW_KILL_SIMULATED_MS"] ?? 60_000);

async function startWorker(app: string, name: string): Promise<ChildProcess> {
  const args = ["--conditions=@marrow/source", WORKER, inject("redisUrl"), app, name];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

describe("jobs with steps and waits whose workers are killed", () => {
  it(`end with the first result of each step, also through pauses, and schedules go on (seed ${SEED})`, async () => {
    const chance = chanceOf(SEED);
    const app = `k${randomUUID().slice(0, 8)}`;
    const redis = await connect(inject("redisUrl"), { app });
    const queue = createQueue<number, Record<string, unknown>>(redis.scope("acme"), { name: "kill" });
    const workers = await Promise.all([0, 1].map((at) => startWorker(app, `w${at}`)));
    const startMs = performance.now();
    let kills = 0;
    const kill = async () => {
      const at = Math.floor(chance() * workers.length);
      workers[at]?.kill("SIGKILL");
      kills += 1;
      workers[at] = await startWorker(app, `w${at}-${kills}`);
    };
    const ids: string[] = [];
    for (let nth = 0; nth < JOBS; nth += 1) {
      ids.push(await queue.push(nth, { crashes: 100, delayMs: Math.floor(chance() * 200) }));
      if (chance() < 0.1) await kill();
      await sleep(20);
    }
    // Nothing is given out between a pause and its end, whatever dies meanwhile.
    for (const [pause, resume] of [
      [() => queue.pause(), () => queue.resume()],
      [() => pauseQueue(redis, { name: "kill" }), () => resumeQueue(redis, { name: "kill" })],
    ] as const) {
      expect(await pause()).toBe(true);
      const fence = () => redis.send(["GET", `{${app}:queue:kill}:queue:fence`]);
      const before = await fence();
      await kill();
      for (let nth = 0; nth < 3; nth += 1) ids.push(await queue.push(JOBS + nth, { crashes: 100 }));
      await sleep(2_500);
      expect(await fence()).toBe(before);
      expect(await resume()).toBe(true);
    }
    for (const [nth, id] of ids.entries()) {
      await queue.signal(id, "go", nth);
      if (chance() < 0.1) await kill();
    }
    for (const [nth, id] of ids.entries()) {
      const { state, result } = await queue.wait(id, { waitMs: 60_000 });
      expect({ state, result }).toEqual({
        state: "done",
        result: {
          draft: await redis.send(["HGET", `{${app}:drafts}`, id]),
          go: { arrived: true, value: nth },
          late: { arrived: false },
          end: "end",
        },
      });
    }
    // A step ran again only where its worker died before its result was kept: never more often than workers died.
    const ran = (await redis.send(["HVALS", `{${app}:ran}`])) as string[];
    expect(ran).toHaveLength(2 * ids.length);
    expect(ran.reduce((sum, times) => sum + Number(times) - 1, 0)).toBeLessThanOrEqual(4 * kills);
    expect(kills).toBeGreaterThanOrEqual(2);
    const ticks = createQueue(redis.scope("acme"), { name: "ticks" });
    const passed = Math.floor((performance.now() - startMs) / 2_000);
    await expect.poll(async () => (await ticks.counts()).done, { timeout: 10_000 }).toBeGreaterThanOrEqual(passed - 1);
    expect((await ticks.counts()).done).toBeLessThanOrEqual((performance.now() - startMs) / 2_000 + 2);
    for (const worker of workers) worker.kill("SIGKILL");
    await redis.close();
  }, 300_000);
});

describe("a service that restarts every 300 ms and declares its schedules at each start", () => {
  liveTest(
    `misses no time of theirs in ${SIMULATED_MS / 1_000} simulated seconds, and none comes twice`,
    async ({ redis, tenant }) => {
      const clocked = withClock(tenant, Object.values(scripts));
      const served = { ...redis, send: clocked.redis.send } as typeof redis;
      const startMs = 1_800_000_000_000;
      await clocked.set(startMs);
      const schedules = { second: { everyMs: 1_000 }, ten: { cron: "*/10 * * * * *" }, minute: { cron: "* * * * *" } };
      const seen = new Map<unknown, number>();
      const queue = createQueue(clocked.redis, { name: "q" });
      const dueSince = async (nowMs: number) =>
        (await queue.schedules()).filter(({ nextAtMs }) => nextAtMs <= nowMs).map(({ name }) => name);
      for (let passedMs = 0; passedMs <= SIMULATED_MS; passedMs += 300) {
        await clocked.set(startMs + passedMs);
        const worker = createWorker(served, { name: "q", drainMs: 0 }, ({ payload }) => {
          seen.set(payload, (seen.get(payload) ?? 0) + 1);
        });
        for (const [name, when] of Object.entries(schedules)) await queue.schedule(name, when, name);
        await expect.poll(() => dueSince(startMs + passedMs), { interval: 1, timeout: 5_000 }).toEqual([]);
        await worker.close();
      }
      const last = createWorker(served, { name: "q" }, ({ payload }) => {
        seen.set(payload, (seen.get(payload) ?? 0) + 1);
      });
      const times = (everyMs: number) => Math.floor((startMs + SIMULATED_MS) / everyMs) - Math.floor(startMs / everyMs);
      const expected = { second: times(1_000), ten: times(10_000), minute: times(60_000) };
      await expect.poll(() => Object.fromEntries(seen), { timeout: 10_000 }).toEqual(expected);
      await last.close();
    },
    600_000,
  );
});
