/**
 * Jobs through Marrow's queue and through BullMQ on one server: add one by one with 64 in flight, in bulk, process at 1, 16 and 64 at once,
 * pick-up when idle, by a worker of the same process and by one of another. Interleaved rounds; server CPU from the scheduler's books, commands by the server's own count.
 *
 *   npm run bench:queue
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Redis as Ioredis } from "ioredis";
import { cpuUsOf } from "./support/process.ts";
import { nowMs, openEngines, type Engine } from "./support/queue-engines.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const ROUNDS = 9;
const JOBS = 4_000;
const IN_FLIGHT = 64;
const BULK = 500;
const PICK_UPS = 8;
const IN_A_ROW = 24;

const server = await startBenchRedis();
const raw = new Ioredis(server.url.replace("unix://", ""));
const { engines, close } = await openEngines(server.url);
const [marrow, bull] = engines;
const pid = Number(/process_id:(\d+)/.exec(await raw.info("server"))?.[1]);
const figures = new Map<string, number[]>();
const note = (name: string, value: number) => figures.set(name, [...(figures.get(name) ?? []), value]);

async function commands(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await raw.info("stats"))?.[1]);
}

/** Time, server CPU and commands of a piece of work, for each job. */
async function measure(name: string, jobs: number, act: () => Promise<unknown>): Promise<void> {
  const [cpu, sent, startMs] = [cpuUsOf(pid), await commands(), performance.now()];
  await act();
  const ms = performance.now() - startMs;
  note(`${name} perSecond`, (jobs / ms) * 1_000);
  note(`${name} cpuUs`, (cpuUsOf(pid) - cpu) / jobs);
  note(`${name} commands`, ((await commands()) - sent) / jobs);
}

const elsewhere = await startElsewhere();
for (let at = -1; at < ROUNDS; at += 1) {
  if (at === 0) figures.clear();
  for (const { name, open } of at % 2 === 0 ? engines : engines.toReversed()) {
    const queue = open(`adds-${at}`);
    await measure(`${name} add`, JOBS, async () => {
      let left = JOBS;
      await Promise.all(
        Array.from({ length: IN_FLIGHT }, async () => {
          while (left > 0) {
            left -= 1;
            await queue.add();
          }
        }),
      );
    });
    await measure(`${name} bulk`, JOBS, async () => {
      for (let added = 0; added < JOBS; added += BULK) await queue.addBulk(BULK);
    });
    await queue.close();
    for (const concurrency of [1, 16, 64]) {
      const own = open(`process-${concurrency}-${at}`);
      const jobs = concurrency === 1 ? JOBS / 2 : JOBS;
      for (let added = 0; added < jobs; added += BULK) await own.addBulk(BULK);
      let done = 0;
      const all = Promise.withResolvers<void>();
      let worker: { close(): Promise<unknown> } | undefined;
      await measure(`${name} process${concurrency}`, jobs, async () => {
        worker = await own.work(concurrency, () => {
          done += 1;
          if (done === jobs) all.resolve();
        });
        await all.promise;
      });
      await worker?.close();
      await own.close();
    }
  }
  await measurePickUps(at);
  await measureElsewhere(at);
}
for (const { worker, queue } of elsewhere) {
  worker.disconnect();
  await queue.close();
}

/** Picks up one job at a time, in turns of the engines, each with an idle worker. */
async function measurePickUps(nth: number): Promise<void> {
  const order = nth % 2 === 0 ? engines : engines.toReversed();
  const idle = await Promise.all(
    order.map(async ({ name, open }) => {
      const queue = open(`idle-${nth}`);
      const one = { name, queue, arrived: () => {}, took: [] as number[] };
      return { one, worker: await queue.work(1, () => one.arrived()) };
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (let n = 0; n < PICK_UPS; n += 1) {
    // Some in a row: the first ones after the other engine's turn do not count.
    for (const { one } of idle) {
      for (let count = 0; count < IN_A_ROW; count += 1) {
        const startMs = performance.now();
        const picked = new Promise<number>((resolve) => (one.arrived = () => resolve(performance.now() - startMs)));
        const [, ms] = await Promise.all([one.queue.add(), picked]);
        if (count >= IN_A_ROW / 4) one.took.push(ms);
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
    }
  }
  for (const { one, worker } of idle) {
    note(`${one.name} pickUp p50`, quantile(one.took, 0.5));
    note(`${one.name} pickUp p99`, quantile(one.took, 0.99));
    await worker.close();
    await one.queue.close();
  }
}

/** A worker of each engine in a process of its own, which tells when each job began. */
async function startElsewhere() {
  const file = fileURLToPath(new URL("support/queue-worker.ts", import.meta.url));
  return Promise.all(
    engines.map(async ({ name, open }) => {
      const worker = fork(file, [server.url, name, "elsewhere"], { execArgv: ["--conditions=@marrow/source"] });
      await once(worker, "message");
      return { name, queue: open("elsewhere"), worker };
    }),
  );
}

/** The same by workers in other processes, in turns of the engines. */
async function measureElsewhere(nth: number): Promise<void> {
  for (const { name, queue, worker } of nth % 2 === 0 ? elsewhere : elsewhere.toReversed()) {
    const took: number[] = [];
    for (let count = 0; count < 2 * IN_A_ROW; count += 1) {
      const startMs = nowMs();
      const began = once(worker, "message") as Promise<[number]>;
      const [, [atMs]] = await Promise.all([queue.add(), began]);
      if (count >= IN_A_ROW / 4) took.push(atMs - startMs);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    note(`${name} elsewhere p50`, quantile(took, 0.5));
  }
}

/** Bytes of a hundred jobs that wait, a job. */
async function bytesWaiting({ open }: Engine): Promise<number> {
  const used = async () => Number(/used_memory:(\d+)/.exec(await raw.info("memory"))?.[1]);
  const queue = open(`bytes`);
  await queue.addBulk(1);
  const before = await used();
  for (let n = 0; n < 20; n += 1) await queue.addBulk(BULK);
  const bytes = ((await used()) - before) / (20 * BULK);
  await queue.close();
  return Math.round(bytes);
}

const of = (name: string) => median(figures.get(name) ?? []);
for (const { name } of engines) {
  for (const act of ["add", "bulk", "process1", "process16", "process64"]) {
    console.log(
      `${name.padEnd(7)} ${act.padEnd(10)} ${Math.round(of(`${name} ${act} perSecond`))} jobs/s, server ` +
        `${of(`${name} ${act} cpuUs`).toFixed(1)} us and ${of(`${name} ${act} commands`).toFixed(1)} commands a job`,
    );
  }
  console.log(
    `${name.padEnd(7)} idle       picked up after ${of(`${name} pickUp p50`).toFixed(2)} ms (p50), ${of(`${name} pickUp p99`).toFixed(2)} ms (p99); ` +
      `by another process after ${of(`${name} elsewhere p50`).toFixed(2)} ms (p50)`,
  );
}
/** The ratio round by round: what the machine does at the moment is in both. */
const ratio = (what: string) =>
  round(
    median(
      (figures.get(`marrow ${what}`) ?? []).map(
        (value, at) => value / (figures.get(`bullmq ${what}`)?.[at] ?? Number.NaN),
      ),
    ),
  );
console.log(
  JSON.stringify({
    bench: "queue",
    addVsPeer: ratio("add perSecond"),
    bulkVsPeer: ratio("bulk perSecond"),
    process1VsPeer: ratio("process1 perSecond"),
    process16VsPeer: ratio("process16 perSecond"),
    process64VsPeer: ratio("process64 perSecond"),
    redisCpuPerJobVsPeer: ratio("process16 cpuUs"),
    redisCpuPerAddVsPeer: ratio("add cpuUs"),
    pickUpVsPeer: ratio("pickUp p50"),
    pickUpElsewhereVsPeer: ratio("elsewhere p50"),
    bytesWaiting: await bytesWaiting(marrow),
    bytesWaitingPeer: await bytesWaiting(bull),
  }),
);
await close();
raw.disconnect();
await server.stop();
process.exit(0);
