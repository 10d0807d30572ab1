import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  context,
  propagation,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { MarrowError } from "../errors.ts";
import { follow, type Act, type Followed, type Follower, type Signals } from "../internal/signals.ts";
import { NAMES } from "./names.ts";
import { withSpan } from "./span-context.ts";
import { RULES, type SpanRule } from "./spans.ts";

/** Options of tracing. */
export interface TraceOptions {
  /** Source of the tracer. @default the provider registered with the SDK */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Whether spans include prompts, answers, and messages of errors. @default false */
  readonly content?: boolean | undefined;
  /** Whether Redis commands have spans, inside other spans. @default false */
  readonly redis?: boolean | undefined;
}

/** Active tracing. */
export interface Tracing {
  /** Ends tracing. */
  close(): void;
}

/** Makes spans of all work of Marrow in this process, until closed. Call it once: each call makes its own spans. */
export function traceMarrow({ tracerProvider, content = false, redis = false }: TraceOptions = {}): Tracing {
  const tracer = (tracerProvider ?? trace).getTracer("marrow");
  const endings: (() => void)[] = [];
  const followAct = <A extends Act>(act: A, rule: SpanRule<A>): void =>
    void endings.push(follow(act, new Spans(tracer, rule, { content, ...placeOf(act, redis) })));
  for (const act of Object.keys(RULES) as Act[])
    if (act !== "redis:command" || redis) followAct(act, RULES[act] as SpanRule<typeof act>);

  const carry = (carrier: unknown) => propagation.inject(context.active(), carrier as Record<string, string>);
  subscribe("marrow:context:carry", carry);
  endings.push(() => unsubscribe("marrow:context:carry", carry));

  return {
    close() {
      for (const end of endings.splice(0)) end();
    },
  };
}

/** Short stages of each request, which call only Redis. */
const SHORT: ReadonlySet<Act> = new Set<Act>(["flow:admit", "flow:remember", "flow:find"]);

function placeOf(act: Act, redis: boolean): Pick<SpansOptions, "isInner" | "isLeaf"> {
  return { isInner: act === "redis:command", isLeaf: act === "redis:command" || (!redis && SHORT.has(act)) };
}

/** Marks a span that the sampler left out; its children are left out without asking. */
const LEFT_OUT = Symbol("left out");
type Marked = Span & { [LEFT_OUT]?: true };

interface SpansOptions {
  readonly content: boolean;
  /** Whether it only has a span inside other spans, so that polling Redis makes no traces. */
  readonly isInner: boolean;
  /** Whether nothing is current within it, for it has no spans below it. */
  readonly isLeaf: boolean;
}

/** The spans of an act. Classes, and no closures: each act of each request comes by here. */
class Spans<A extends Act> implements Follower<A> {
  readonly tracer: Tracer;
  readonly rule: SpanRule<A>;
  readonly options: SpansOptions;

  constructor(tracer: Tracer, rule: SpanRule<A>, options: SpansOptions) {
    this.tracer = tracer;
    this.rule = rule;
    this.options = options;
  }

  begin(signal: Signals[A]): Followed | undefined {
    const { rule, options } = this;
    const current = context.active();
    const above: Marked | undefined = trace.getSpan(current);
    if (above === undefined && options.isInner) return undefined;
    const parent = rule.parent?.(signal);
    const headers = rule.headers?.(signal);
    if (parent === undefined && above?.[LEFT_OUT] === true) {
      if (headers !== undefined) propagation.inject(current, headers);
      return undefined;
    }
    const of = rule.begin(signal);
    const carried = parent === undefined ? current : propagation.extract(current, parent);
    const span = this.tracer.startSpan(of.name, of, carried);
    if (!span.isRecording()) (span as Marked)[LEFT_OUT] = true;
    const opened = options.isLeaf ? undefined : withSpan(carried, span);
    if (headers !== undefined) propagation.inject(opened ?? withSpan(carried, span), headers);
    return new OpenSpan(this, signal, span, opened);
  }
}

/** An act's span while it goes on, and the context in which it is the current one. */
class OpenSpan<A extends Act> implements Followed {
  readonly of: Spans<A>;
  readonly signal: Signals[A];
  readonly span: Span;
  readonly opened: Context | undefined;

  constructor(of: Spans<A>, signal: Signals[A], span: Span, opened: Context | undefined) {
    this.of = of;
    this.signal = signal;
    this.span = span;
    this.opened = opened;
  }

  within<T, G>(run: (given: G) => T, given: G): T {
    return this.opened === undefined ? run(given) : context.with(this.opened, run, undefined, given);
  }

  end(error: unknown, result: unknown): void {
    const { of, span, signal } = this;
    if (!span.isRecording()) return;
    const { content } = of.options;
    of.rule.end?.(span, signal, content, result);
    if (error !== undefined) fail(span, error, content);
    span.end();
  }
}

function fail(span: Span, error: unknown, content: boolean): void {
  span.setAttribute(NAMES.errorType, MarrowError.is(error) ? error.code : "internal");
  const told = content && error instanceof Error ? { message: error.message } : {};
  span.setStatus({ code: SpanStatusCode.ERROR, ...told });
}
