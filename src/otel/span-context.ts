import { INVALID_SPAN_CONTEXT, trace, type Context, type Span } from "@opentelemetry/api";

/** Returns a context in which a span is current, with all other values of `context`. Costs one small object. */
export function withSpan(context: Context, span: Span): Context {
  return new SpanInContext(context instanceof SpanInContext ? context.around : context, span);
}

/**
 * A context with one value more than another: the span. OpenTelemetry's own context copies a map and makes three closures for each value, which
 * is a fifth of what a span costs. The context around it is never one of these, so that a chain of spans keeps none of those that ended.
 */
class SpanInContext implements Context {
  readonly around: Context;
  readonly span: Span;

  constructor(around: Context, span: Span) {
    this.around = around;
    this.span = span;
  }

  getValue(key: symbol): unknown {
    return key === SPAN_KEY ? this.span : this.around.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#copied().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#copied().deleteValue(key);
  }

  /** The same values in a context of OpenTelemetry's own. */
  #copied(): Context {
    return trace.setSpan(this.around, this.span);
  }
}

/** The key of spans in contexts, which OpenTelemetry tells only to a context that is given a span. */
const SPAN_KEY: symbol | undefined = findSpanKey();

function findSpanKey(): symbol | undefined {
  let found: symbol | undefined;
  const asked: Context = {
    getValue: () => undefined,
    setValue(key) {
      found = key;
      return asked;
    },
    deleteValue: () => asked,
  };
  trace.setSpan(asked, trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
  return found;
}
