/**
 * Jobs through Marrow's queue and through BullMQ on one server: add one by one with 64 in flight, in bulk, process at 1, 16 and 64 at once,
 * pick-up when idle. Interleaved rounds; server CPU from the scheduler's books, commands by the server's own count.
 *
 *   npm run bench:queue
 */
import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createQueue, createWorker } from "marrow/queue";
import { cpuUsOf } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const ROUNDS = 9;
const JOBS = 4_000;
const IN_FLIGHT = 64;
const BULK = 500;
const PICK_UPS = 8;
const IN_A_ROW = 24;
const payload = { prompt: "a question as people ask it, ".repeat(9), model: "bench", user: "u-1" };
const result = { text: "an answer as models give it, ".repeat(4) };

const server = await startBenchRedis();
const raw = new Ioredis(server.url.replace("unix://", ""));
const redis = await connect(server.url, { app: "bench" });
const pid = Number(/process_id:(\d+)/.exec(await raw.info("server"))?.[1]);
const bullConnection = () => new Ioredis(server.url.replace("unix://", ""), { maxRetriesPerRequest: null });

interface Engine {
  readonly name: string;
  /** Opens a queue of its own. */
  readonly open: (queue: string) => {
    add(): Promise<unknown>;
    addBulk(count: number): Promise<unknown>;
    /** Works until it is closed; tells of each job. */
    work(concurrency: number, onJob: () => void): Promise<{ close(): Promise<unknown> }>;
    close(): Promise<unknown>;
  };
}

const marrow: Engine = {
  name: "marrow",
  open(name) {
    const queue = createQueue(redis.scope("bench"), { name });
    return {
      add: () => queue.push(payload),
      addBulk: (count) => queue.pushMany(Array.from({ length: count }, () => ({ payload }))),
      async work(concurrency, onJob) {
        return createWorker(redis, { name, concurrency }, () => {
          onJob();
          return result;
        });
      },
      close: async () => {},
    };
  },
};
const bull: Engine = {
  name: "bullmq",
  open(name) {
    const connection = bullConnection();
    const queue = new BullQueue(name, { connection, defaultJobOptions: { removeOnComplete: { age: 3_600 } } });
    return {
      add: () => queue.add("job", payload),
      addBulk: (count) => queue.addBulk(Array.from({ length: count }, () => ({ name: "job", data: payload }))),
      async work(concurrency, onJob) {
        const worker = new BullWorker(
          name,
          async () => {
            onJob();
            return result;
          },
          { connection: bullConnection(), concurrency },
        );
        await worker.waitUntilReady();
        return { close: () => worker.close() };
      },
      async close() {
        await queue.close();
        connection.disconnect();
      },
    };
  },
};
const engines = [marrow, bull];

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
    `${name.padEnd(7)} idle       picked up after ${of(`${name} pickUp p50`).toFixed(2)} ms (p50), ${of(`${name} pickUp p99`).toFixed(2)} ms (p99)`,
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
    bytesWaiting: await bytesWaiting(marrow),
    bytesWaitingPeer: await bytesWaiting(bull),
  }),
);
await redis.close();
raw.disconnect();
await server.stop();
process.exit(0);
