import { describe, expect, it } from "vitest";
import { busyMs } from "./spans.ts";

describe("the time that acts of a request took", () => {
  const redis = (at: number, took?: number) => ({ name: "redis", at_ms: at, took_ms: took });

  it("counts what runs at the same time once", () => {
    expect(busyMs([redis(0, 10), redis(5, 10), redis(6, 2)], new Set(["redis"]))).toBe(15);
  });

  it("leaves gaps out, and acts of other names or without an end", () => {
    const spans = [redis(20, 5), redis(0, 10), redis(30), { name: "ask", at_ms: 0, took_ms: 100 }];
    expect(busyMs(spans, new Set(["redis"]))).toBe(15);
  });
});
