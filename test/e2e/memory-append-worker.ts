/** One of the processes of memory-append.fault.live.test.ts: appends its turns one after the other, each again until it is acknowledged. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";

const [url = "", app = "", name = "", count = "0"] = process.argv.slice(2);
const redis = await connect(url, { app });
const session = createMemory(redis.scope("acme"), { name: "m", turnsMax: 100_000 }).session({ user: "u", id: "s" });
let retries = 0;
for (let at = 1; at <= Number(count); at += 1) {
  for (;;) {
    try {
      // Every twentieth is sent once more though it was acknowledged, as a caller does who lost the acknowledgement.
      const append = () =>
        session.append({ role: "user", content: `${name}:${at}` }, { idempotencyKey: `${name}:${at}` });
      const { version } = await append();
      if (at % 20 === 0 && (await append()).version !== version)
        throw new Error("a repeated append made a new version");
      break;
    } catch (error) {
      if (!["unavailable", "timeout"].includes(String((error as { code?: unknown }).code))) throw error;
      retries += 1;
      await sleep(20);
    }
  }
  if (at === 1 || at === 400) process.stdout.write(`after ${at}\n`);
}
process.stdout.write(`retries ${retries}\n`);
await redis.close();
