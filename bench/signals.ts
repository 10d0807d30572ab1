/**
 * What signals cost: CPU of a request through the gateway's application (no socket), with nobody listening, with metrics, and with metrics and
 * traces by OpenTelemetry's SDK whose spans are thrown away, kept or sampled out. Beside it the least that the SDK takes for the same spans, made after
 * the request. The lanes take turns in one process, in short blocks, and each block is compared with those of its round. `acts` are the acts of an exact
 * hit by themselves, with nothing done in them: there the least block counts, for what a busy machine adds is never negative.
 *
 *   npm run bench:signals [-- --rounds 40 --acts 2000 --exact 50 --miss 10]
 */
import { createHash } from "node:crypto";
import { registerHooks } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { context, propagation, SpanKind, trace, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  NoopSpanProcessor,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { GatewayRequestSignal } from "marrow/signals";
import { startProgram } from "./support/process.ts";
import { startBenchRedis } from "./support/redis.ts";
import { median, quantile, round } from "./support/statistics.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    acts: { type: "string", default: "2000" },
    exact: { type: "string", default: "50" },
    miss: { type: "string", default: "10" },
  },
});
const LANES = ["nobody", "metrics", "bare spans", "traces", "traces, sampled out"] as const;
type Lane = (typeof LANES)[number];
type Kind = "acts" | "exact" | "miss";

/** The gateway always keeps metrics. Here what listens to acts is taken away and put back. */
const EARS = Symbol.for("marrow:bench:ears");
registerHooks({
  load(url, loading, next) {
    const loaded = next(url, loading);
    if (!url.endsWith("/src/internal/signals.ts")) return loaded;
    return {
      ...loaded,
      source: `${Buffer.from(loaded.source as Uint8Array).toString()}\nglobalThis[Symbol.for("marrow:bench:ears")] = EARS;`,
    };
  },
});
const { connect } = await import("marrow");
const { staticEmbedder } = await import("marrow/embedders");
const { createGateway } = await import("marrow/gateway");
const { openaiModel } = await import("marrow/models");
const { traceMarrow } = await import("marrow/otel");
const { beginFollowed, signalling } = await import("../src/internal/signals.ts");

const server = await startBenchRedis();
const upstream = await startProgram("bench/support/upstream.ts", {});
const redis = await connect(server.url, { app: "bench" });
const app = createGateway({
  redis,
  models: [openaiModel({ baseUrl: `http://127.0.0.1:${upstream.words[0]}/v1`, ids: ["bench"] })],
  embedder: staticEmbedder(),
  config: { auth: "off", logLevel: "silent", limits: { enabled: false } },
});
await app.ready();
const ears = (globalThis as unknown as Record<symbol, Record<string, unknown>>)[EARS] ?? {};
const heard = { ...ears };
const silent = Object.fromEntries(Object.keys(heard).map((one) => [one, undefined]));

let nth = 0;
/** Requests that were answered in another way than asked for: a busy machine lets a lookup pass by. */
let others = 0;
async function ask(kind: Kind): Promise<void> {
  if (kind === "acts") return act();
  const own = createHash("sha256")
    .update(String((nth += 1)))
    .digest("hex");
  const words = kind === "exact" ? "the capital of Peru" : own.replaceAll(/(.{8})/g, "$1 ");
  const payload = { model: "bench", messages: [{ role: "user", content: `What is ${words}?` }] };
  const answer = await app.inject({ method: "POST", url: "/v1/chat/completions", payload });
  if (answer.statusCode !== 200) throw new Error(`the gateway answered ${answer.statusCode}`);
  if (answer.headers["x-marrow-cache"] !== kind) others += 1;
}

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
  await (followed === undefined ? chat() : followed.within(chat));
  Object.assign(signal, { scope: "default", status: 200 });
  followed?.end(undefined, undefined);
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

interface Bare {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}
/** The spans of a request, that of the request itself first, with the attributes that they had in the end. */
async function spansOf(kind: Kind): Promise<readonly Bare[]> {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  const looking = traceMarrow({ tracerProvider: new TracerProvider({ spanProcessors }) });
  await ask(kind);
  await sleep(300);
  looking.close();
  return exporter
    .getFinishedSpans()
    .map(({ name, kind: of, attributes }) => ({ name, kind: of, attributes }))
    .toSorted((one, other) => Number(other.kind === SpanKind.SERVER) - Number(one.kind === SpanKind.SERVER));
}

const spanProcessors = [new NoopSpanProcessor()];
const tracerProvider = new TracerProvider({ spanProcessors });
const leavesOut = new TracerProvider({
  spanProcessors,
  sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
});
const tracer = tracerProvider.getTracer("bench");

/** The least that spans take: each is begun below the first with all its attributes, and ended. */
function makeBare(spans: readonly Bare[]): void {
  const parent = context.active();
  let below = parent;
  for (const [at, { name, kind, attributes }] of spans.entries()) {
    const span = tracer.startSpan(name, { kind, attributes }, below);
    if (at === 0) below = trace.setSpan(parent, span);
    span.end();
  }
}

/** CPU of this process for one request, in microseconds. */
async function costOf(lane: Lane, kind: Kind, count: number, bare: readonly Bare[]): Promise<number> {
  Object.assign(ears, lane === "nobody" ? silent : heard);
  const tracing = lane.startsWith("traces")
    ? traceMarrow({ tracerProvider: lane === "traces" ? tracerProvider : leavesOut })
    : undefined;
  const before = process.cpuUsage();
  for (let times = 0; times < count; times += 1) {
    await ask(kind);
    if (lane === "bare spans") makeBare(bare);
  }
  const { user, system } = process.cpuUsage(before);
  tracing?.close();
  Object.assign(ears, heard);
  return (user + system) / count;
}

// A cache that was just opened lets the first questions pass by.
for (let times = 0; times < 20; times += 1) {
  await ask("exact");
  await sleep(20);
}
for (const kind of ["acts", "exact", "miss"] as const) {
  const count = Number(values[kind]);
  const bare = await spansOf(kind);
  for (const lane of LANES) await costOf(lane, kind, count * 10, bare);
  others = 0;
  const costs = new Map(LANES.map((lane) => [lane, [] as number[]]));
  const rounds = Number(values.rounds);
  for (let turn = 0; turn < rounds; turn += 1) {
    // Each lane is as often the first, and behind each other one.
    const order = LANES.map((_, at) => LANES[(at * (1 + (turn % (LANES.length - 1))) + turn) % LANES.length] as Lane);
    for (const lane of order) costs.get(lane)?.push(await costOf(lane, kind, count, bare));
  }
  if (others > (count * rounds * LANES.length) / 20) throw new Error(`${others} requests were no ${kind}`);
  const of = (lane: Lane) => costs.get(lane) ?? [];
  for (const lane of LANES) {
    const more = (than: Lane) => {
      const ratios = of(lane).map((cost, at) => (cost / (of(than)[at] ?? Number.NaN) - 1) * 100);
      const [low, middle, high] = [0.25, 0.5, 0.75].map((at) => quantile(ratios, at).toFixed(1));
      return `${middle} % [${low}, ${high}] more than ${than}`;
    };
    const spans = lane === "bare spans" ? ` (${bare.length} of them)` : "";
    if (kind === "acts") {
      console.log(`${kind}, ${lane}${spans}: ${round(Math.min(...of(lane)))} us`);
      continue;
    }
    console.log(`${kind}, ${lane}${spans}: ${round(median(of(lane)))} us; ${more("nobody")}; ${more("metrics")}`);
  }
}

await app.close();
await redis.close();
upstream.stop();
await server.stop();
