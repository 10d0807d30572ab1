/**
 * What signals cost: CPU of a request through the gateway's application (no socket), with nobody listening, with metrics, and with metrics and
 * traces whose spans are thrown away. The three take turns in one process, block by block, and the least of their blocks counts.
 *
 *   npm run bench:signals
 */
import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { NoopSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createGateway } from "marrow/gateway";
import { demoModel } from "marrow/models";
import { traceMarrow } from "marrow/otel";
import { ACTS, signalsOf } from "marrow/signals";
import { startBenchRedis } from "./support/redis.ts";
import { round } from "./support/statistics.ts";

const BLOCKS = 4;
const REQUESTS = 100;
/** Requests before those that count: who listens changes the channels, and their code is compiled anew. */
const WARM_UP = 150;
const LISTENERS = ["nobody", "metrics", "metrics and traces"] as const;

type Ears = Parameters<ReturnType<typeof signalsOf>["subscribe"]>[0];

/** Notes who subscribes from now on, so that it can be taken away and put back. */
const noted: { readonly act: (typeof ACTS)[number]; readonly ears: Ears }[] = [];
for (const act of ACTS) {
  const channel = signalsOf(act);
  const subscribe = channel.subscribe.bind(channel);
  channel.subscribe = (ears: Ears) => {
    noted.push({ act, ears });
    subscribe(ears);
  };
}

const server = await startBenchRedis();
const redis = await connect(server.url, { app: "bench" });
const app = createGateway({
  redis,
  models: [demoModel({ firstTokenMs: 0, tokenMs: 0 })],
  embedder: staticEmbedder(),
  config: { auth: "off", logLevel: "silent", limits: { enabled: false } },
});
await app.ready();
for (const act of ACTS) Reflect.deleteProperty(signalsOf(act), "subscribe");

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
const tracerProvider = new TracerProvider({ spanProcessors: [new NoopSpanProcessor()] });

let nth = 0;
async function ask(kind: "exact" | "miss"): Promise<void> {
  const content = kind === "exact" ? "What is the capital of Peru?" : `What is the population of town ${(nth += 1)}?`;
  const payload = { model: "demo", messages: [{ role: "user", content }] };
  const answer = await app.inject({ method: "POST", url: "/v1/chat/completions", payload });
  if (answer.statusCode !== 200) throw new Error(`the gateway answered ${answer.statusCode}`);
}

/** CPU of this process for one request, in microseconds. */
async function costOf(kind: "exact" | "miss"): Promise<number> {
  for (let times = 0; times < WARM_UP; times += 1) await ask(kind);
  const before = process.cpuUsage();
  for (let times = 0; times < REQUESTS; times += 1) await ask(kind);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

/** Has the listeners of a block listen, and answers what ends it. */
function listen(who: (typeof LISTENERS)[number]): () => void {
  if (who === "nobody") for (const { act, ears } of noted) signalsOf(act).unsubscribe(ears);
  const tracing = who === "metrics and traces" ? traceMarrow({ tracerProvider }) : undefined;
  return () => {
    tracing?.close();
    if (who === "nobody") for (const { act, ears } of noted) signalsOf(act).subscribe(ears);
  };
}

await ask("exact");
for (const kind of ["exact", "miss"] as const) {
  const costs = new Map(LISTENERS.map((who) => [who, [] as number[]]));
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const who of LISTENERS) {
      const end = listen(who);
      const cost = await costOf(kind);
      end();
      costs.get(who)?.push(cost);
    }
  }
  // The least of many blocks: what a busy machine adds is never negative.
  const least = (who: (typeof LISTENERS)[number]) => Math.min(...(costs.get(who) ?? []));
  const alone = least("nobody");
  for (const who of LISTENERS) {
    const cost = least(who);
    console.log(
      `${kind}, ${who}: ${round(cost)} us a request, ${round((cost / alone - 1) * 100)} % more than with nobody`,
    );
  }
}

await app.close();
await redis.close();
await server.stop();
