/** One of the processes of cache-flight.fault.live.test.ts: asks one question 200 times at once, and prints what happens. */
import { setTimeout as sleep } from "node:timers/promises";
import { createCache } from "../../src/cache/index.ts";
import { connect } from "../../src/index.ts";

const [url = "", app = "", mode = ""] = process.argv.slice(2);
const redis = await connect(url, { app });
const cache = createCache<string>(redis.scope("acme"), { name: "flight", timeoutMs: 5_000 });
async function ask(): Promise<string> {
  process.stdout.write("asked\n");
  await sleep(mode === "hang" ? 60_000 : 700);
  return "Paris";
}
const answers = await Promise.all(
  Array.from({ length: 200 }, () => cache.through({ prompt: "What is the capital of France?" }, ask)),
);
for (const { value } of answers) process.stdout.write(`got ${value}\n`);
await redis.close();
