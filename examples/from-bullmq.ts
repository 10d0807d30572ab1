// Drains a BullMQ queue into Marrow's while producers still push to BullMQ. Each job moves once.
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { connect } from "marrow";
import { createQueue, createWorker, fromBullMQ } from "marrow/queue";

const url = process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379";
const connection = new Redis(url.startsWith("unix:") ? url.slice("unix://".length) : url, {
  maxRetriesPerRequest: null,
});
await using redis = await connect(url, { app: `example-${Date.now()}` });
const calls = createQueue<{ topic: string }, string>(redis.scope("acme"), { name: "calls" });

// Before: producers push to BullMQ.
const before = new Queue("calls", { connection });
const { id } = await before.add("ask", { topic: "rivers" }, { attempts: 5 });

// Step 1: Marrow's workers run.
const worker = createWorker<{ topic: string }, string>(redis, { name: "calls" }, async ({ payload }) => {
  return `a text about ${payload.topic}`;
});
// Step 2: in place of BullMQ's workers, this one moves each job.
const mover = new Worker(
  "calls",
  fromBullMQ(() => ({ queue: calls })),
  { connection },
);

const moved = `bull_${id}`;
while ((await calls.get(moved)) === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
const { state, result } = await calls.wait(moved, { waitMs: 5_000 });
console.log(state, result);

// Step 3: producers push to Marrow. Step 4: when BullMQ is empty, close it.
console.log("left", await before.getJobCountByTypes("waiting", "active", "delayed"));
await mover.close();
await worker.close();
await before.obliterate({ force: true });
await before.close();
await connection.quit();
// Output:
// done a text about rivers
// left 0
