import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, it } from "vitest";
import { connect } from "../../src/index.ts";
import { createLimiter } from "../../src/limiter/index.ts";
import { startCluster, startSentinel } from "../servers.ts";
import { HOLDERS, LIMIT, LIMITER, type Orders } from "./limiter-orders.ts";

const WORKER = fileURLToPath(new URL("limiter-worker.ts", import.meta.url));
const app = () => `f${randomUUID().slice(0, 8)}`;

interface Worker {
  readonly child: ChildProcess;
  /** Once it is connected: who finds no Redis at its start gives up. */
  readonly ready: Promise<void>;
  /** What it says, a line of JSON. */
  readonly says: Promise<{ admitted: { atMs: number; units: number }[]; errors: number; held: number }>;
}

function start(orders: Orders): Worker {
  const args = ["--conditions=@marrow/source", WORKER, JSON.stringify(orders)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ready = Promise.withResolvers<void>();
  const says = new Promise<Awaited<Worker["says"]>>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) =>
      line === "ready" ? ready.resolve() : resolve(JSON.parse(line)),
    );
    child.once("exit", (code) => code !== null && code !== 0 && reject(new Error(`a process ended with ${code}`)));
  });
  return { child, ready: ready.promise, says };
}

/** 64 callers in 4 processes. */
const flood = (url: string, name: string, calls = 20, failover = false) =>
  Array.from({ length: 4 }, () => start({ act: "flood", url, app: name, callers: 16, calls, failover }));
const unitsOf = (list: readonly { readonly units: number }[]) => list.reduce((sum, { units }) => sum + units, 0);

describe("64 callers in 4 processes", () => {
  it.each(["a single server", "a cluster"])(
    "admit what the limit allows on %s, never more, and leave no slot held",
    async (where) => {
      const group = where === "a cluster" ? await startCluster(inject("redisBinary")) : undefined;
      const [url, name] = [group?.url ?? inject("redisUrl"), app()];
      const said = await Promise.all(flood(url, name).map(({ says }) => says));
      const units = unitsOf(said.flatMap(({ admitted }) => admitted));
      expect(units).toBeLessThanOrEqual(LIMIT);
      expect(units).toBeGreaterThan(LIMIT - 3);
      const redis = await connect(url, { app: name });
      const { rules } = await createLimiter(redis.scope("acme"), LIMITER).peek({ user: "u" });
      expect(rules.map(({ id, remaining }) => [id, remaining])).toEqual([
        ["log", LIMIT - units],
        ["window", LIMIT + 1 - units],
        ["month", LIMIT + 2 - units],
        ["bucket", LIMIT + 3 - units],
        ["slots", 5],
      ]);
      await redis.close();
      await group?.stop();
    },
    60_000,
  );

  it("admit no more through a fail-over than the limit and what the new master had not heard of", async () => {
    const group = await startSentinel(inject("redisBinary"));
    const name = app();
    const workers = flood(group.url, name, 60, true);
    const redis = await connect(group.url, { app: name, commandTimeoutMs: 500 });
    const limiter = createLimiter(redis.scope("acme"), { ...LIMITER, timeoutMs: 500 });
    await Promise.all(workers.map(({ ready }) => ready));
    await expect
      .poll(async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining, { timeout: 20_000, interval: 5 })
      .toBeLessThan(LIMIT - 20);
    const killedMs = Date.now();
    await group.nodes[0]?.kill();
    const said = await Promise.all(workers.map(({ says }) => says));
    const admitted = said.flatMap((one) => one.admitted);
    const unheard = unitsOf(admitted.filter(({ atMs }) => atMs > killedMs - 100 && atMs <= killedMs + 50));
    expect(unitsOf(admitted)).toBeLessThanOrEqual(LIMIT + unheard);
    await redis.close();
    await group.stop();
  }, 90_000);
});

describe("50 holders of slots that are killed", () => {
  it("leave every slot free within one lease, and none before", async () => {
    const [url, name] = [inject("redisUrl"), app()];
    const workers = Array.from({ length: 5 }, () => start({ act: "hold", url, app: name, callers: 1, calls: 10 }));
    const held = (await Promise.all(workers.map(({ says }) => says))).reduce((sum, one) => sum + one.held, 0);
    expect(held).toBe(50);
    const redis = await connect(url, { app: name });
    const limiter = createLimiter(redis.scope("acme"), HOLDERS);
    const left = async () => (await limiter.peek({ user: "u" })).rules[0]?.remaining;
    // They are renewed while their processes live.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await left()).toBe(0);
    for (const { child } of workers) child.kill("SIGKILL");
    const startMs = performance.now();
    await expect.poll(left, { timeout: 10_000, interval: 20 }).toBe(50);
    expect(performance.now() - startMs).toBeLessThan(HOLDERS.leaseMs! + 300);
    await redis.close();
  }, 30_000);
});
