import type { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  context,
  propagation,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type TracerProvider,
} from "@opentelemetry/api";
import { MarrowError } from "../errors.ts";
import { signalsOf, type Act } from "../internal/signals.ts";
import { NAMES } from "./names.ts";
import { RULES, type Settled, type SpanRule } from "./spans.ts";

/** How Marrow is traced. */
export interface TraceOptions {
  /** Makes the tracer. @default the one that the SDK registered */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Whether prompts and answers stand in spans, and the words of errors. @default false */
  readonly content?: boolean | undefined;
  /** Whether commands of Redis have spans, within others. @default false */
  readonly redis?: boolean | undefined;
}

/** Tracing that is on. */
export interface Tracing {
  /** Makes no more spans. */
  close(): void;
}

/** Makes spans of all that Marrow does in this process, until it is closed. Once: each call makes spans of its own. */
export function traceMarrow({ tracerProvider, content = false, redis = false }: TraceOptions = {}): Tracing {
  const tracer = (tracerProvider ?? trace).getTracer("marrow");
  const endings: (() => void)[] = [];

  function follow<A extends Act>(act: A, rule: SpanRule<A>): void {
    // A property: a WeakMap of what lives so shortly would cost the garbage collector more than the spans.
    const own = Symbol("span");
    type Spanned = { [own]?: Span };
    const channel = signalsOf(act);

    /** The context of an act: that of a new span, which the caller's or the current one is the parent of. */
    function open(signal: Settled<A>): Context {
      const current = context.active();
      // Whoever polls Redis for nobody makes no trace.
      if (act === "redis:command" && trace.getSpan(current) === undefined) return current;
      const { name, kind, attributes, parent, headers } = rule.begin(signal, content);
      const carried = parent === undefined ? current : propagation.extract(current, parent);
      const span = tracer.startSpan(name, { kind, attributes }, carried);
      (signal as Spanned)[own] = span;
      const opened = trace.setSpan(carried, span);
      if (headers !== undefined) propagation.inject(opened, headers);
      return opened;
    }

    // What diagnostics_channel asks of a store is that it runs: the context's manager does, whatever it keeps contexts in.
    const store = { run: (opened: Context, run: () => unknown) => context.with(opened, run) };
    channel.start.bindStore(store as unknown as AsyncLocalStorage<Context>, open);
    const ears = {
      asyncEnd(signal: object) {
        const span = (signal as Spanned)[own];
        if (span === undefined) return;
        const settled = signal as Settled<A>;
        span.setAttributes(rule.end?.(settled, content) ?? {});
        if (settled.error !== undefined) fail(span, settled.error);
        span.end();
      },
    };
    channel.subscribe(ears as never);
    endings.push(() => {
      channel.start.unbindStore(store as unknown as AsyncLocalStorage<Context>);
      channel.unsubscribe(ears as never);
    });
  }

  function fail(span: Span, error: unknown): void {
    span.setAttribute(NAMES.errorType, MarrowError.is(error) ? error.code : "internal");
    const told = content && error instanceof Error ? { message: error.message } : {};
    span.setStatus({ code: SpanStatusCode.ERROR, ...told });
  }

  for (const act of Object.keys(RULES) as Act[])
    if (act !== "redis:command" || redis) follow(act, RULES[act] as SpanRule<typeof act>);
  const carry = (carrier: unknown) => propagation.inject(context.active(), carrier as Record<string, string>);
  subscribe("marrow:context:carry", carry);
  endings.push(() => unsubscribe("marrow:context:carry", carry));

  return {
    close() {
      for (const end of endings.splice(0)) end();
    },
  };
}
