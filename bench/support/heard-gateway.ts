/**
 * A Marrow gateway as a process of its own, as `marrow-gateway.ts`, that is told who listens to its acts: `nobody` (not even its own metrics), `metrics`,
 * `bare` (metrics, and the SDK's own spans without Marrow's), `traces` (metrics, and Marrow's spans, which are thrown away) or `sampled out` (no trace is
 * recorded). `record` keeps the spans of the requests until the next word, for `bare` makes the same. Each word is answered once it holds.
 */
import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AlwaysOffSampler, NoopSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { earsByAct, exposeEars } from "./ears.ts";

exposeEars();
const { follow } = await import("../../src/internal/signals.ts");
const { traceMarrow } = await import("marrow/otel");
const { makeBare, recordSpans } = await import("./bare-spans.ts");
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
const spanProcessors = [new NoopSpanProcessor()];
const recorded = new TracerProvider({ spanProcessors });
const sampler = new ParentBasedSampler({ root: new AlwaysOffSampler() });
const leftOut = new TracerProvider({ spanProcessors, sampler });
const tracer = recorded.getTracer("bench");

await import("./marrow-gateway.ts");
const heard = { ...earsByAct() };
const silent = Object.fromEntries(Object.keys(heard).map((act) => [act, undefined]));
let bare: ReturnType<ReturnType<typeof recordSpans>> = [];
let stop: () => void = () => undefined;

process.on("message", (word) => {
  stop();
  stop = listen(String(word));
  // What the former listeners left behind is no cost of the next.
  globalThis.gc?.({ type: "minor" });
  process.send?.(word);
});

/** Begins to listen. Returns a function that ends it. */
function listen(word: string): () => void {
  Object.assign(earsByAct(), word === "nobody" ? silent : heard);
  if (word === "record") {
    const stopped = recordSpans();
    return () => void (bare = stopped());
  }
  if (word === "bare") return follow("gateway:request", { begin: beginBare });
  if (word !== "traces" && word !== "sampled out") return () => undefined;
  const tracing = traceMarrow({ tracerProvider: word === "traces" ? recorded : leftOut });
  return () => tracing.close();
}

/** Makes the spans when a request begins, and follows it no further. */
function beginBare(): undefined {
  makeBare(tracer, bare);
}
