/** One of the processes of steps.fault.live.test.ts: does jobs with steps and waits, and says at Redis what it ran, until it is killed. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { createQueue, createWorker } from "../../src/queue/index.ts";

const [url = "", app = "", name = ""] = process.argv.slice(2);
const redis = await connect(url, { app });
const ran = (id: string, step: string) => redis.send(["HINCRBY", `{${app}:ran}`, `${id} ${step}`, "1"]);
createWorker(redis, { name: "kill", concurrency: 4, leaseMs: 1_500 }, async ({ id, step, waitFor }) => {
  const draft = await step("draft", async () => {
    const nth = await ran(id, "draft");
    await sleep(20);
    return `draft ${String(nth)} of ${name}`;
  });
  await redis.send(["HSETNX", `{${app}:drafts}`, id, draft]);
  const go = await waitFor("go", { timeoutMs: 60_000 });
  const late = await waitFor("never", { timeoutMs: 300 });
  const end = await step("end", async () => {
    await ran(id, "end");
    return "end";
  });
  return { draft, go, late, end };
});
// What a service does at each of its starts.
await createQueue(redis.scope("acme"), { name: "ticks" }).schedule("tick", { everyMs: 2_000 }, name);
createWorker(redis, { name: "ticks", leaseMs: 1_500 }, () => {});
process.stdout.write("ready\n");
