/**
 * Messages through Marrow's durable topic beside raw PUBLISH, raw XADD/XREADGROUP and BullMQ's relay on one server: latency one at a time,
 * throughput with 128 in flight, the server's CPU a message from the scheduler's books. Interleaved rounds.
 *
 *   npm run bench:bus
 */
import { Relay } from "bullmq";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createBus } from "marrow/bus";
import { cpuUsOf } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const ROUNDS = 5;
const LATENCIES = 300;
const GAP_MS = 2;
const MESSAGES = 20_000;
/** BullMQ's relay drops what is over its inbox, and takes longer: fewer of them. */
const RELAY_MESSAGES = 3_000;
const IN_FLIGHT = 128;
const body = { text: "what one agent says to another, ".repeat(6), from: "planner", nth: 0 };

const server = await startBenchRedis();
const socket = server.url.replace("unix://", "");
const dial = () => new Ioredis(socket, { maxRetriesPerRequest: null });
const raw = dial();
const redis = await connect(server.url, { app: "bench" });
const pid = Number(/process_id:(\d+)/.exec(await raw.info("server"))?.[1]);

interface Opened {
  publish(nth: number): Promise<unknown>;
  close(): Promise<unknown>;
}
interface Path {
  readonly name: string;
  readonly messages: number;
  /** Opens a way of its own; `onHandled` is told of each message. */
  readonly open: (name: string, onHandled: (nth: number) => void) => Promise<Opened>;
}

const publishPath: Path = {
  name: "publish",
  messages: MESSAGES,
  async open(name, onHandled) {
    const listener = dial();
    listener.on("message", (_, text: string) => onHandled((JSON.parse(text) as typeof body).nth));
    await listener.subscribe(name);
    return {
      publish: (nth) => raw.publish(name, JSON.stringify({ ...body, nth })),
      close: async () => listener.disconnect(),
    };
  },
};

const streamPath: Path = {
  name: "stream",
  messages: MESSAGES,
  async open(name, onHandled) {
    const reader = dial();
    const acker = dial();
    await raw.xgroup("CREATE", name, "g", "$", "MKSTREAM");
    let closed = false;
    const loop = (async () => {
      while (!closed) {
        const reply = (await reader
          .xreadgroup("GROUP", "g", "r", "COUNT", 128, "BLOCK", 1_000, "STREAMS", name, ">")
          .catch(() => null)) as [string, [string, string[]][]][] | null;
        const entries = reply?.[0]?.[1] ?? [];
        for (const [, [, text = ""]] of entries) onHandled((JSON.parse(text) as typeof body).nth);
        if (entries.length > 0) void acker.xack(name, "g", ...entries.map(([id]) => id)).catch(() => {});
      }
    })();
    return {
      publish: (nth) => raw.xadd(name, "*", "b", JSON.stringify({ ...body, nth })),
      async close() {
        closed = true;
        reader.disconnect();
        await loop;
        acker.disconnect();
      },
    };
  },
};

const marrowPath: Path = {
  name: "marrow",
  messages: MESSAGES,
  async open(name, onHandled) {
    const topic = createBus(redis.scope("bench")).topic<typeof body>(name, { messagesMax: 1_000_000, partitions: 1 });
    const reader = topic.read("g", (message) => onHandled(message.body.nth), { concurrency: 256 });
    while (reader.partitions.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { publish: (nth) => topic.publish({ ...body, nth }), close: () => reader.close() };
  },
};

const relayPath: Path = {
  name: "relay",
  messages: RELAY_MESSAGES,
  async open(name, onHandled) {
    const relay = new Relay({ connection: dial(), namespace: name });
    await relay.waitUntilReady();
    await relay.subscribe<typeof body>("t", ({ data }) => onHandled(data.nth));
    return { publish: (nth) => relay.publish("t", { ...body, nth }), close: () => relay.close() };
  },
};

async function latency(path: Path, name: string): Promise<number[]> {
  const taken: number[] = [];
  let handled = (_: number) => {};
  const opened = await path.open(name, (nth) => handled(nth));
  for (let nth = -20; nth < LATENCIES; nth += 1) {
    const done = new Promise<void>((resolve) => (handled = (seen) => seen === nth && resolve()));
    const startMs = performance.now();
    void opened.publish(nth);
    await done;
    if (nth >= 0) taken.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, GAP_MS));
  }
  await opened.close();
  return taken;
}

async function throughput(path: Path, name: string): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
  let count = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const opened = await path.open(name, () => {
    count += 1;
    if (count === path.messages) resolve();
  });
  const [startMs, startUs] = [performance.now(), cpuUsOf(pid)];
  let next = 0;
  const late = new Promise<void>((done) => setTimeout(done, 20_000).unref());
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < path.messages) await opened.publish((next += 1));
    }),
  );
  await Promise.race([promise, late]);
  const figures = {
    perSecond: (count / (performance.now() - startMs)) * 1_000,
    cpuUs: (cpuUsOf(pid) - startUs) / count,
  };
  await opened.close();
  return figures;
}

const paths = [publishPath, streamPath, marrowPath, relayPath];
const p50 = new Map(paths.map(({ name }) => [name, [] as number[]]));
const p99 = new Map(paths.map(({ name }) => [name, [] as number[]]));
const rates = new Map(paths.map(({ name }) => [name, [] as number[]]));
const cpu = new Map(paths.map(({ name }) => [name, [] as number[]]));
for (let at = 0; at <= ROUNDS; at += 1)
  for (const path of paths) {
    const taken = await latency(path, `l${at}-${path.name}`);
    const { perSecond, cpuUs } = await throughput(path, `t${at}-${path.name}`);
    // The first round warms up.
    if (at === 0) continue;
    p50.get(path.name)?.push(quantile(taken, 0.5));
    p99.get(path.name)?.push(quantile(taken, 0.99));
    rates.get(path.name)?.push(perSecond);
    cpu.get(path.name)?.push(cpuUs);
  }

const of = (map: Map<string, number[]>, name: string) => median(map.get(name) ?? []);
/** Median of the ratios within each round. */
const ratio = (map: Map<string, number[]>, peer: string) =>
  round(median((map.get("marrow") ?? []).map((value, at) => value / (map.get(peer)?.[at] ?? Number.NaN))));
for (const { name } of paths)
  console.log(
    `${name.padEnd(8)} p50 ${of(p50, name).toFixed(2)} ms, p99 ${of(p99, name).toFixed(2)} ms, ${Math.round(of(rates, name))} messages/s, server ${of(cpu, name).toFixed(1)} us each`,
  );
console.log(
  JSON.stringify({
    bench: "bus",
    durableP50VsPublish: ratio(p50, "publish"),
    durableP50VsStream: ratio(p50, "stream"),
    durableP50VsRelay: ratio(p50, "relay"),
    throughputVsStream: ratio(rates, "stream"),
    throughputVsRelay: ratio(rates, "relay"),
    redisCpuVsStream: ratio(cpu, "stream"),
    redisCpuVsRelay: ratio(cpu, "relay"),
    redisCpuUsPerMessage: round(of(cpu, "marrow")),
  }),
);
raw.disconnect();
await redis.close();
await server.stop();
process.exit(0);
