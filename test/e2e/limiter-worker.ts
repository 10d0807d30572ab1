/** One of the processes of limiter.fault.live.test.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { createLimiter } from "../../src/limiter/index.ts";
import { HOLDERS, LIMITER, type Orders } from "./limiter-orders.ts";

const orders = JSON.parse(process.argv[2] ?? "") as Orders;
const redis = await connect(orders.url, { app: orders.app, commandTimeoutMs: 500 });
process.stdout.write("ready\n");
const scoped = redis.scope("acme");
const limiter = createLimiter(scoped, LIMITER);

if (orders.act === "hold") {
  const holders = createLimiter(scoped, HOLDERS);
  const taken = await Promise.all(Array.from({ length: orders.calls }, () => holders.take({ user: "u" })));
  process.stdout.write(`${JSON.stringify({ held: taken.filter(({ allowed }) => allowed).length })}\n`);
  await sleep(600_000);
}

const admitted: { atMs: number; units: number }[] = [];
let errors = 0;
await Promise.all(
  Array.from({ length: orders.callers }, async (_, caller) => {
    for (let call = 0; call < orders.calls; call += 1) {
      const units = 1 + ((caller + call) % 3);
      const decision = await limiter.take(
        { user: "u" },
        { requests: units, tokens: units },
        { wait: { maxMs: 10_000 } },
      );
      if (decision.degraded) {
        errors += 1;
        await sleep(50);
        call -= 1;
      } else if (decision.allowed) {
        admitted.push({ atMs: Date.now(), units });
        // Slots of those that hold at the same moment are counted beside the limiter.
        const held = Number(await scoped.send(["INCR", `{${orders.app}:acme}:held`]).catch(() => 0));
        // A fail-over may lose what was counted there.
        if (held > 5 && !orders.failover) throw new Error(`${held} slots are held`);
        await scoped.send(["DECR", `{${orders.app}:acme}:held`]).catch(() => 0);
        await decision.settle().catch(() => false);
      }
    }
  }),
);
process.stdout.write(`${JSON.stringify({ admitted, errors })}\n`);
await redis.close();
