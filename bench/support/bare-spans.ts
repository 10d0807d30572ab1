import { context, trace, type Attributes, type SpanKind, type Tracer } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { traceMarrow } from "marrow/otel";

/** A span as Marrow made it, with the attributes that it had in the end. */
export interface Bare {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** Records the spans of what is done until the returned function is called. It answers with the span that began first, then the others. */
export function recordSpans(): () => readonly Bare[] {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  const recording = traceMarrow({ tracerProvider: new TracerProvider({ spanProcessors }) });
  return () => {
    recording.close();
    const isRoot = ({ parentSpanContext }: ReadableSpan) => (parentSpanContext === undefined ? 1 : 0);
    return exporter
      .getFinishedSpans()
      .toSorted((one, other) => isRoot(other) - isRoot(one))
      .map(({ name, kind, attributes }) => ({ name, kind, attributes }));
  };
}

/** The least that spans take by the SDK alone: each is begun below the first with all its attributes, and ended at once. */
export function makeBare(tracer: Tracer, spans: readonly Bare[]): void {
  const parent = context.active();
  let below = parent;
  for (const [at, { name, kind, attributes }] of spans.entries()) {
    const span = tracer.startSpan(name, { kind, attributes }, below);
    if (at === 0) below = trace.setSpan(parent, span);
    span.end();
  }
}
