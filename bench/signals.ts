/**
 * What signals cost. Whole requests go to gateways in processes of their own, by who listens: nobody, metrics, metrics with traces by OpenTelemetry's SDK
 * whose spans are thrown away, and the same with traces that are sampled out. `bare spans` are metrics with the same spans as `traces`, made by the SDK
 * alone: the least that traces can cost. `acts` are the acts of an exact hit by themselves in this process, with nothing done in them: there the least
 * block counts, for what a busy machine adds is never negative.
 *
 *   npm run bench:signals [-- --processes 3 --rounds 40 --acts 2000 --requests 200 --warm 9000]
 */
import { parseArgs } from "node:util";
import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AlwaysOffSampler, NoopSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { GatewayRequestSignal } from "marrow/signals";
import { earsByAct, exposeEars } from "./support/ears.ts";
import { camelCase, compareRequests } from "./support/heard-requests.ts";
import { startProgram } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { round } from "./support/statistics.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "3" },
    rounds: { type: "string", default: "40" },
    acts: { type: "string", default: "2000" },
    requests: { type: "string", default: "200" },
    warm: { type: "string", default: "9000" },
  },
});
const ROUNDS = Number(values.rounds);
const LANES = ["nobody", "metrics", "bare spans", "traces", "traces, sampled out"] as const;
type Lane = (typeof LANES)[number];

exposeEars();
const { connect } = await import("marrow");
const { createGateway } = await import("marrow/gateway");
const { openaiModel } = await import("marrow/models");
const { traceMarrow } = await import("marrow/otel");
const { makeBare, recordSpans } = await import("./support/bare-spans.ts");
const { beginFollowed, signalling } = await import("../src/internal/signals.ts");

const server = await startBenchRedis();
const upstream = await startProgram("bench/support/upstream.ts", {});
const upstreamUrl = `http://127.0.0.1:${upstream.words[0]}`;
const compared = await compareRequests({
  redisUrl: server.url,
  upstreamUrl,
  processes: Number(values.processes),
  rounds: ROUNDS,
  requests: Number(values.requests),
  warm: Number(values.warm),
});

// A gateway of this process is asked nothing: its metrics listen.
const redis = await connect(server.url, { app: "bench" });
const models = [openaiModel({ baseUrl: `${upstreamUrl}/v1`, ids: ["bench"] })];
const app = createGateway({ redis, models, config: { auth: "off", logLevel: "silent", limits: { enabled: false } } });
await app.ready();
const ears = earsByAct();
const heard = { ...ears };
const silent = Object.fromEntries(Object.keys(heard).map((one) => [one, undefined]));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

/** The acts of an exact hit, as the gateway and the flow tell of them. */
async function act(): Promise<void> {
  const signal: GatewayRequestSignal = {
    method: "POST",
    route: "/v1/chat/completions",
    requestId: "1",
    traceparent: undefined,
  };
  const followed = beginFollowed("gateway:request", signal);
  const chat = () =>
    signalling(
      "flow:request",
      () => ({ model: "bench", user: "u", stream: false, conversation: undefined, request: signal }),
      async () => {
        await signalling(
          "flow:find",
          () => ({ tier: "exact" as const }),
          async () => {
            await signalling(
              "redis:command",
              () => ({ command: "EVALSHA", script: "find_exact" }),
              async () => null,
            );
          },
        );
        return { provenance: { cache: "exact" }, text: "" };
      },
    );
  await (followed === undefined ? chat() : followed.within(chat, undefined));
  Object.assign(signal, { scope: "default", status: 200 });
  followed?.end(undefined, undefined);
}

const spanProcessors = [new NoopSpanProcessor()];
const tracerProvider = new TracerProvider({ spanProcessors });
const leavesOut = new TracerProvider({
  spanProcessors,
  sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
});
const tracer = tracerProvider.getTracer("bench");

/** CPU of this process for the acts of one hit, in microseconds. */
async function costOf(lane: Lane, count: number, bare: ReturnType<ReturnType<typeof recordSpans>>): Promise<number> {
  Object.assign(ears, lane === "nobody" ? silent : heard);
  const tracing = lane.startsWith("traces")
    ? traceMarrow({ tracerProvider: lane === "traces" ? tracerProvider : leavesOut })
    : undefined;
  const before = process.cpuUsage();
  for (let times = 0; times < count; times += 1) {
    await act();
    if (lane === "bare spans") makeBare(tracer, bare);
  }
  const { user, system } = process.cpuUsage(before);
  tracing?.close();
  Object.assign(ears, heard);
  return (user + system) / count;
}

const count = Number(values.acts);
const recorded = recordSpans();
await act();
const bare = recorded();
for (const lane of LANES) await costOf(lane, count * 10, bare);
const least = new Map<Lane, number>();
for (let turn = 0; turn < ROUNDS; turn += 1) {
  // Each lane is as often the first, and behind each other one.
  const order = LANES.map((_, at) => LANES[(at * (1 + (turn % (LANES.length - 1))) + turn) % LANES.length] as Lane);
  for (const lane of order) least.set(lane, Math.min(least.get(lane) ?? Infinity, await costOf(lane, count, bare)));
}
for (const lane of LANES)
  console.log(`acts, ${lane}${lane === "bare spans" ? ` (${bare.length})` : ""}: ${round(least.get(lane) ?? 0)} us`);
console.log(
  JSON.stringify({
    bench: "signals",
    ...compared,
    ...Object.fromEntries([...least].map(([lane, us]) => [camelCase(`acts ${lane} us`), round(us)])),
  }),
);

await app.close();
await redis.close();
upstream.stop();
await server.stop();
