import { createContextKey, INVALID_SPAN_CONTEXT, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { withSpan } from "./span-context.ts";

const [outer, inner] = [trace.wrapSpanContext(INVALID_SPAN_CONTEXT), trace.wrapSpanContext(INVALID_SPAN_CONTEXT)];
const key = createContextKey("a value of another library");

describe("a context with a span", () => {
  it("has the span and all other values, as OpenTelemetry's own", () => {
    const context = withSpan(ROOT_CONTEXT.setValue(key, 1), outer);
    expect([trace.getSpan(context), context.getValue(key)]).toEqual([outer, 1]);
    const own = trace.setSpan(ROOT_CONTEXT.setValue(key, 1), outer);
    expect([trace.getSpan(own), own.getValue(key)]).toEqual([outer, 1]);
  });

  it("takes and loses further values, and another span, without a change of the former one", () => {
    const context = withSpan(ROOT_CONTEXT, outer);
    const further = context.setValue(key, 2);
    expect([trace.getSpan(further), further.getValue(key), context.getValue(key)]).toEqual([outer, 2, undefined]);
    expect(trace.getSpan(further.deleteValue(key))).toBe(outer);
    expect(trace.getSpan(trace.deleteSpan(context))).toBeUndefined();
    const nested = withSpan(further, inner);
    expect([trace.getSpan(nested), nested.getValue(key)]).toEqual([inner, 2]);
    expect(trace.getSpan(trace.setSpan(context, inner))).toBe(inner);
    expect(trace.getSpan(context)).toBe(outer);
  });

  it("keeps no span of those around it, however deep they are nested", () => {
    let context = withSpan(ROOT_CONTEXT.setValue(key, 1), outer);
    for (let depth = 0; depth < 3; depth += 1) context = withSpan(context, inner);
    const held = JSON.stringify(context, (_, value: unknown) => (value === outer ? "outer" : value));
    expect(held).not.toContain("outer");
    expect(context.getValue(key)).toBe(1);
  });
});
