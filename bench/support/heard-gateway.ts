/**
 * A Marrow gateway as a process of its own, as `marrow-gateway.ts`, by who listens to its acts. `LISTENS` is `nobody` (not even its own metrics),
 * `metrics`, `traces` (spans by OpenTelemetry's SDK as well, which are thrown away) or `sampled out` (no trace is recorded).
 */
import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { AlwaysOffSampler, NoopSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { earsByAct, exposeEars } from "./ears.ts";

exposeEars();
const listens = process.env["LISTENS"] ?? "metrics";
if (listens === "traces" || listens === "sampled out") {
  const { traceMarrow } = await import("marrow/otel");
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const sampler = listens === "traces" ? {} : { sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) };
  traceMarrow({ tracerProvider: new TracerProvider({ spanProcessors: [new NoopSpanProcessor()], ...sampler }) });
}
await import("./marrow-gateway.ts");
if (listens === "nobody") for (const act of Object.keys(earsByAct())) earsByAct()[act] = undefined;
