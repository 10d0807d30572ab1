/**
 * Redis clients under Marrow's port: what `connect()` speaks through. Interleaved rounds against one server; CPU is this
 * process's own.
 *
 *   npm run bench:client
 */
import { Redis as Ioredis } from "ioredis";
import { connect, fromIoredis, fromNodeRedis, type Redis } from "marrow";
import { createClient } from "redis";
import { startBenchRedis } from "./support/redis.ts";
import { median, round } from "./support/statistics.ts";

const ROUNDS = 5;
const COMMANDS = 40_000;
const server = await startBenchRedis();
const path = server.url.slice("unix://".length);
const nodeRedis = createClient({ socket: { path, tls: false } });
await nodeRedis.connect();
const clients: Readonly<Record<string, Redis>> = {
  connect: await connect(server.url),
  ioredis: fromIoredis(new Ioredis({ path })),
  ioredisAuto: fromIoredis(new Ioredis({ path, enableAutoPipelining: true })),
  nodeRedis: fromNodeRedis(nodeRedis),
};

const cpu = new Map<string, number[]>();
const rate = new Map<string, number[]>();
for (let at = -1; at < ROUNDS; at += 1) {
  for (const inFlight of [64, 256]) {
    const names = Object.keys(clients);
    for (const name of at % 2 === 0 ? names : names.toReversed()) {
      const redis = clients[name] as Redis;
      const before = process.cpuUsage();
      const startMs = performance.now();
      let next = 0;
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          while (next < COMMANDS) {
            next += 1;
            await redis.send(["SET", `key:${next % 10_000}`, "x".repeat(100)]);
          }
        }),
      );
      const { user, system } = process.cpuUsage(before);
      if (at < 0) continue;
      const key = `${name} ${inFlight}`;
      cpu.set(key, [...(cpu.get(key) ?? []), (user + system) / COMMANDS]);
      rate.set(key, [...(rate.get(key) ?? []), COMMANDS / ((performance.now() - startMs) / 1000)]);
    }
  }
}

for (const [key, values] of cpu) {
  console.log(
    `${key.padEnd(16)} ${median(values).toFixed(1).padStart(6)} us CPU a command, ${(median(rate.get(key) ?? []) / 1000).toFixed(0)} k commands/s`,
  );
}
const ratio = (a: string, b: string) => round(median(rate.get(a) ?? []) / median(rate.get(b) ?? []));
console.log(
  JSON.stringify({
    bench: "client",
    connectVsNodeRedis64: ratio("connect 64", "nodeRedis 64"),
    connectVsNodeRedis256: ratio("connect 256", "nodeRedis 256"),
    connectVsIoredis64: ratio("connect 64", "ioredis 64"),
    connectVsIoredisAuto64: ratio("connect 64", "ioredisAuto 64"),
    connectVsIoredisAuto256: ratio("connect 256", "ioredisAuto 256"),
  }),
);
process.exit(0);
