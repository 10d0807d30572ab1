/**
 * CPU and latency of the gateway for each way that a request can take, beside a bare undici proxy, @portkey-ai/gateway, and the same gateway
 * without roles, on one scripted upstream and one Redis. Everything is warmed up by 25,000 requests a program; then many short rounds in turns,
 * told as medians with their quartiles. CPU is the gateway process's own; Redis' is told beside it. `--old DIR` measures another tree of this
 * project as well, with its own packages, such as `git worktree` makes one.
 *
 *   npm run bench:gateway [-- --entries 100000 --rounds 15 --requests 1000 --warm 25000 --old ../old]
 */
import { parseArgs } from "node:util";
import { connect } from "marrow";
import { createCache } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";
import { Pool } from "undici";
import { startBenchRedis } from "./support/redis.ts";
import { startProgram, type Program } from "./support/process.ts";
import { median, quantile, round } from "./support/statistics.ts";

const { values } = parseArgs({
  options: {
    entries: { type: "string", default: "100000" },
    rounds: { type: "string", default: "15" },
    requests: { type: "string", default: "1000" },
    warm: { type: "string", default: "25000" },
    old: { type: "string" },
  },
});
const [ENTRIES, ROUNDS, REQUESTS] = [Number(values.entries), Number(values.rounds), Number(values.requests)];
const IN_FLIGHT = 64;
const STREAM_REQUESTS = Math.max(IN_FLIGHT, Math.round(REQUESTS / 16));
const STREAM_EVENTS = 102;

interface Variant {
  readonly name: string;
  readonly program: Program;
  readonly headers: (n: number) => Record<string, string>;
  readonly prompt: (n: number) => string;
  readonly stream?: boolean;
  /** What `x-marrow-cache` must say, so that a variant measures what its name says. */
  readonly expects?: string;
}

const server = await startBenchRedis();
const upstream = await startProgram("bench/support/upstream.ts", { CHUNKS: String(STREAM_EVENTS - 2) });
const origin = `http://127.0.0.1:${upstream.words[0]}`;
const proxy = await startProgram("bench/support/bare-proxy.ts", { UPSTREAM: origin });
const portkey = await startProgram("bench/support/portkey.ts", {});
const gateway = (app: string, env: Readonly<Record<string, string>> = {}, cwd?: string) =>
  startProgram("bench/support/marrow-gateway.ts", { UPSTREAM: origin, REDIS: server.url, APP: app, ...env }, [], cwd);
const floor = await gateway("floor", { ROLES: "off" });
const plain = await gateway("plain");
const full = await gateway("full", { SEMANTIC: "on" });
const old = values.old === undefined ? undefined : await gateway("old", {}, values.old);
const programs = [proxy, portkey, floor, plain, full, ...(old === undefined ? [] : [old])];

/** Words for each digit of a number, others at each place: an embedder that reads no order tells two names apart. */
const PLACES = [
  "alpha river stone window button garden engine silver orange mountain",
  "bottle candle market pencil rabbit tunnel velvet winter yellow anchor",
  "badger copper desert falcon guitar harbor island jacket kettle ladder",
  "magnet napkin oyster pepper quarry ribbon saddle temple umbrella violin",
  "walnut zipper bridge castle dragon escape finger glacier hammer insect",
  "jungle kitten lantern meadow needle orchid pillow rocket shadow turtle",
].map((words) => words.split(" "));

const run = `${Date.now()}`;
let serial = 0;
// Questions of about twelve different words, as users ask them: near-duplicates would measure the guard alone.
const unique = () => {
  serial += 1;
  return `Why does the ${nameOf((serial * 7_919) % 999_983)} make noise number ${serial}?`;
};
let sessions = 0;
// Four requests share a session, so that most of them bring a history.
const marrowHeaders = (program: Program) => () => ({
  authorization: `Bearer ${program.words[1]}`,
  "x-marrow-session": `${run}-${Math.floor((sessions += 1) / 4)}`,
});
const keyOnly = (program: Program) => () => ({ authorization: `Bearer ${program.words[1]}` });
const portkeyHeaders = () => ({
  authorization: "Bearer none",
  "x-portkey-provider": "openai",
  "x-portkey-custom-host": `${origin}/v1`,
});

await loadEntries();
const variants: readonly Variant[] = [
  { name: "proxy", program: proxy, headers: () => ({}), prompt: unique },
  { name: "portkey", program: portkey, headers: portkeyHeaders, prompt: unique },
  { name: "floor", program: floor, headers: keyOnly(floor), prompt: unique },
  { name: "miss", program: plain, headers: marrowHeaders(plain), prompt: unique, expects: "miss" },
  { name: "missAll", program: full, headers: marrowHeaders(full), prompt: unique, expects: "miss" },
  {
    name: "exactHit",
    program: plain,
    headers: keyOnly(plain),
    prompt: () => "What is the answer to the bench's own question?",
    expects: "exact",
  },
  {
    name: "semanticHit",
    program: full,
    headers: keyOnly(full),
    prompt: (n) => similarTo(n % ENTRIES),
    expects: "similar",
  },
  ...(old === undefined
    ? []
    : [
        { name: "oldMiss", program: old, headers: marrowHeaders(old), prompt: unique, expects: "miss" },
        {
          name: "oldExactHit",
          program: old,
          headers: keyOnly(old),
          prompt: () => "What is the answer to the bench's own question?",
          expects: "exact",
        },
      ]),
  { name: "proxyStream", program: proxy, headers: () => ({}), prompt: unique, stream: true },
  { name: "stream", program: plain, headers: marrowHeaders(plain), prompt: unique, stream: true, expects: "miss" },
];
const pools = new Map(
  variants.map(({ program }) => [
    program,
    new Pool(`http://127.0.0.1:${program.words[0]}`, { connections: IN_FLIGHT }),
  ]),
);

const redisClient = await connect(server.url);
const cpu = new Map<string, number[]>();
const redisCpu = new Map<string, number[]>();
const latency = new Map<string, number[]>();
const note = (map: Map<string, number[]>, name: string, ...more: readonly number[]) =>
  map.set(name, [...(map.get(name) ?? []), ...more]);
for (const program of programs) {
  const ways = variants.filter((variant) => variant.program === program && variant.stream !== true);
  for (const way of ways) await measure(way, Math.ceil(Number(values.warm) / ways.length), true);
}
for (let at = -1; at < ROUNDS; at += 1) {
  for (const variant of at % 2 === 0 ? variants : variants.toReversed()) {
    const count = variant.stream === true ? STREAM_REQUESTS : REQUESTS;
    const before = await redisCpuUs();
    const { cpuUs, times } = await measure(variant, count, at < 0);
    // The first round warms up what streams need, and is not counted.
    if (at < 0) continue;
    note(cpu, variant.name, cpuUs);
    note(redisCpu, variant.name, ((await redisCpuUs()) - before) / count);
    note(latency, variant.name, ...times);
  }
}

console.log(`${ENTRIES} stored questions, ${ROUNDS} rounds of ${REQUESTS} requests, ${IN_FLIGHT} in flight`);
console.log("us of CPU: median (quartiles) of the rounds; streams: a chunk");
for (const { name } of variants) {
  const all = cpu.get(name) ?? [];
  const [low, high] = [quantile(all, 0.25), quantile(all, 0.75)];
  const times = latency.get(name) ?? [];
  console.log(
    `${name.padEnd(12)} ${median(all).toFixed(1).padStart(7)} (${low.toFixed(0)} to ${high.toFixed(0)})   Redis ${median(
      redisCpu.get(name) ?? [],
    )
      .toFixed(0)
      .padStart(
        4,
      )} us a request   p50 ${quantile(times, 0.5).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms`,
  );
}
const ratio = (a: string, b: string) => round(median(cpu.get(a) ?? []) / median(cpu.get(b) ?? []));
const us = (name: string) => round(median(cpu.get(name) ?? []));
console.log(
  JSON.stringify({
    bench: "gateway",
    missCpuVsProxy: ratio("miss", "proxy"),
    missCpuVsPortkey: ratio("missAll", "portkey"),
    exactHitCpuVsProxy: ratio("exactHit", "proxy"),
    semanticHitCpuVsProxy: ratio("semanticHit", "proxy"),
    streamCpuPerChunkVsProxy: ratio("stream", "proxyStream"),
    floorCpuVsProxy: ratio("floor", "proxy"),
    ...(old !== undefined && {
      missCpuVsOld: ratio("miss", "oldMiss"),
      exactHitCpuVsOld: ratio("exactHit", "oldExactHit"),
    }),
    missCpuUs: us("miss"),
    missAllCpuUs: us("missAll"),
    exactHitCpuUs: us("exactHit"),
    semanticHitCpuUs: us("semanticHit"),
    floorCpuUs: us("floor"),
    proxyCpuUs: us("proxy"),
    portkeyCpuUs: us("portkey"),
    missRedisCpuUs: round(median(redisCpu.get("miss") ?? [])),
    missAllRedisCpuUs: round(median(redisCpu.get("missAll") ?? [])),
    entries: ENTRIES,
  }),
);
for (const program of [upstream, ...programs]) program.stop();
await redisClient.close();
await server.stop();
process.exit(0);

/** CPU time of Redis so far, in microseconds. */
async function redisCpuUs(): Promise<number> {
  const info = String(await redisClient.send(["INFO", "cpu"]));
  const [, user] = /used_cpu_user:([\d.]+)/.exec(info) ?? [];
  const [, system] = /used_cpu_sys:([\d.]+)/.exec(info) ?? [];
  return (Number(user) + Number(system)) * 1e6;
}

async function measure(
  variant: Variant,
  count: number,
  isWarming: boolean,
): Promise<{ cpuUs: number; times: number[] }> {
  const pool = pools.get(variant.program) as Pool;
  const times: number[] = [];
  let next = 0;
  let unexpected = 0;
  const before = variant.program.cpuUs();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < count) {
        const n = next;
        next += 1;
        const startMs = performance.now();
        const { statusCode, headers, body } = await pool.request({
          path: "/v1/chat/completions",
          method: "POST",
          headers: { "content-type": "application/json", ...variant.headers(n) },
          body: JSON.stringify({
            model: "bench",
            messages: [{ role: "user", content: variant.prompt(n) }],
            // The misses fill an index of their own; the similar hits search the one that was loaded.
            temperature: variant.name === "missAll" ? 0.3 : 0.2,
            ...(variant.stream === true && { stream: true }),
          }),
        });
        await body.dump({ limit: 10_000_000 });
        times.push(performance.now() - startMs);
        if (statusCode !== 200) throw new Error(`${variant.name} answered ${statusCode}`);
        // A stalled machine may push a lookup over its bound; more than a few would measure something else.
        if (n > IN_FLIGHT && variant.expects !== undefined && headers["x-marrow-cache"] !== variant.expects)
          unexpected += 1;
      }
    }),
  );
  if (!isWarming && unexpected > count / 100)
    throw new Error(`${variant.name}: ${unexpected} answers were no ${variant.expects}`);
  const units = variant.stream === true ? count * STREAM_EVENTS : count;
  return { cpuUs: (variant.program.cpuUs() - before) / units, times };
}

function storedQuestion(n: number): string {
  return `How do I change the colour of the ${nameOf(n)} in the ${nameOf(Math.floor(n / 7) + 3)} settings page?`;
}

function similarTo(n: number): string {
  return storedQuestion(n).replace("How do I", "How can I");
}

function nameOf(n: number): string {
  return String(n)
    .split("")
    .map((digit, at) => PLACES[at % PLACES.length]?.[Number(digit)])
    .join(" ");
}

async function loadEntries(): Promise<void> {
  const redis = await connect(server.url, { app: "full", commandTimeoutMs: 60_000 });
  const cache = createCache(redis.scope("bench"), { name: "chat", embedder: staticEmbedder(), timeoutMs: 60_000 });
  const within = { parameters: { model: "bench", temperature: 0.2 }, instructed: "" };
  const answer = {
    model: "bench",
    message: { role: "assistant", content: "Open settings and choose a colour." },
    usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
  };
  const startMs = performance.now();
  for (let start = 0; start < ENTRIES; start += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, ENTRIES - start) }, (_, at) =>
        cache.store({ prompt: storedQuestion(start + at), within }, answer),
      ),
    );
  }
  console.log(`stored ${ENTRIES} questions in ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  await redis.close();
}
