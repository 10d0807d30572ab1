/**
 * Messages through Marrow's durable topic beside raw PUBLISH, raw XADD/XREADGROUP and BullMQ's relay on one server: latency one at a time, to a
 * reader in a process of its own and to one in the same process; throughput with 128 in flight; the server's CPU a message from the scheduler's
 * books. Interleaved rounds.
 *
 *   npm run bench:bus
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { body, nowMs, openPaths, type Path } from "./support/bus-paths.ts";
import { cpuUsOf } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const ROUNDS = 9;
const LATENCIES = 300;
const WARM = 20;
const GAP_MS = 2;
const MESSAGES = 20_000;
/** BullMQ's relay drops what is over its inbox, and takes longer: fewer of them. */
const RELAY_MESSAGES = 3_000;
const IN_FLIGHT = 128;

const server = await startBenchRedis();
const paths = await openPaths(server.url);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A reader for each path, in a process of its own. */
const readers = new Map<string, ChildProcess>();
async function answerOf(path: Path): Promise<number[]> {
  return ((await once(readers.get(path.name) as ChildProcess, "message")) as [number[]])[0];
}
for (const path of paths) {
  const file = fileURLToPath(new URL("support/bus-reader.ts", import.meta.url));
  readers.set(path.name, fork(file, [server.url, path.name], { execArgv: ["--conditions=@marrow/source"] }));
  await answerOf(path);
}

/** To a reader in another process. */
async function latencyAway(path: Path, name: string): Promise<number[]> {
  const reader = readers.get(path.name);
  reader?.send({ name });
  await answerOf(path);
  await pause(50);
  const publisher = await path.publish(name);
  for (let nth = -WARM; nth < LATENCIES; nth += 1) {
    void publisher.send({ ...body, nth, atMs: nowMs() });
    await pause(GAP_MS);
  }
  await pause(50);
  reader?.send({});
  const taken = await answerOf(path);
  await publisher.close();
  return taken;
}

/** To a reader in this process. */
async function latencyHere(path: Path, name: string): Promise<number[]> {
  const taken: number[] = [];
  let handled = () => {};
  const listener = await path.listen(name, ({ nth, atMs }) => {
    if (nth >= 0) taken.push(nowMs() - atMs);
    handled();
  });
  await pause(50);
  const publisher = await path.publish(name);
  for (let nth = -WARM; nth < LATENCIES; nth += 1) {
    const done = new Promise<void>((resolve) => (handled = resolve));
    void publisher.send({ ...body, nth, atMs: nowMs() });
    await done;
    await pause(GAP_MS);
  }
  await Promise.all([listener.close(), publisher.close()]);
  return taken;
}

async function throughput(path: Path, name: string): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
  const messages = path.name === "relay" ? RELAY_MESSAGES : MESSAGES;
  let count = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = await path.listen(name, () => {
    count += 1;
    if (count === messages) resolve();
  });
  await pause(50);
  const publisher = await path.publish(name);
  const [startMs, startUs] = [performance.now(), cpuUsOf(server.pid() ?? 0)];
  let next = 0;
  const late = new Promise<void>((done) => setTimeout(done, 20_000).unref());
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < messages) await publisher.send({ ...body, nth: (next += 1) });
    }),
  );
  await Promise.race([promise, late]);
  const figures = {
    perSecond: (count / (performance.now() - startMs)) * 1_000,
    cpuUs: (cpuUsOf(server.pid() ?? 0) - startUs) / count,
  };
  await Promise.all([listener.close(), publisher.close()]);
  return figures;
}

type Figures = Map<string, number[]>;
const [p50, p99, p50Here, rates, cpu] = Array.from({ length: 5 }, (): Figures => new Map());
for (let at = 0; at <= ROUNDS; at += 1)
  for (const path of paths) {
    const away = await latencyAway(path, `a${at}-${path.name}`);
    const here = await latencyHere(path, `h${at}-${path.name}`);
    const { perSecond, cpuUs } = await throughput(path, `t${at}-${path.name}`);
    // The first round warms up.
    if (at === 0) continue;
    const note = (figures: Figures | undefined, value: number) =>
      figures?.set(path.name, [...(figures.get(path.name) ?? []), value]);
    note(p50, quantile(away, 0.5));
    note(p99, quantile(away, 0.99));
    note(p50Here, quantile(here, 0.5));
    note(rates, perSecond);
    note(cpu, cpuUs);
  }

const of = (figures: Figures | undefined, name: string) => median(figures?.get(name) ?? []);
/** Median of the ratios within each round. */
const ratio = (figures: Figures | undefined, peer: string) =>
  round(median((figures?.get("marrow") ?? []).map((value, at) => value / (figures?.get(peer)?.[at] ?? Number.NaN))));
for (const { name } of paths)
  console.log(
    `${name.padEnd(8)} p50 ${of(p50, name).toFixed(2)} ms, p99 ${of(p99, name).toFixed(2)} ms, in one process p50 ${of(p50Here, name).toFixed(2)} ms, ${Math.round(of(rates, name))} messages/s, server ${of(cpu, name).toFixed(1)} us each`,
  );
console.log(
  JSON.stringify({
    bench: "bus",
    durableP50VsPublish: ratio(p50, "publish"),
    durableP50VsStream: ratio(p50, "stream"),
    durableP50VsRelay: ratio(p50, "relay"),
    oneProcessP50VsPublish: ratio(p50Here, "publish"),
    oneProcessP50VsStream: ratio(p50Here, "stream"),
    throughputVsStream: ratio(rates, "stream"),
    throughputVsRelay: ratio(rates, "relay"),
    redisCpuVsStream: ratio(cpu, "stream"),
    redisCpuVsRelay: ratio(cpu, "relay"),
    redisCpuUsPerMessage: round(of(cpu, "marrow")),
  }),
);
for (const reader of readers.values()) reader.disconnect();
await server.stop();
process.exit(0);
