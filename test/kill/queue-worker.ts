/** One of the processes of queue.fault.live.test.ts: does jobs slowly and sends their webhooks, until it is killed. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { createSender, createWorker } from "../../src/queue/index.ts";

const [url = "", app = "", name = ""] = process.argv.slice(2);
const redis = await connect(url, { app });
createWorker(redis, { name: "kill", concurrency: 4, leaseMs: 2_000 }, async ({ id, fence, write, payload }) => {
  const { words, pauseMs } = payload as { words: number; pauseMs: number };
  for (let word = 0; word < words; word += 1) {
    write(`${word} `);
    await sleep(pauseMs);
  }
  return { by: name, fence, id };
});
createSender(redis, { name: "kill", allowHttp: true, allowNetworks: ["127.0.0.0/8"], timeoutMs: 1_000 });
process.stdout.write("ready\n");
