import { describe, expect, it } from "vitest";
import { toDuration, toLimitHeaders, toRetryHeaders } from "./headers.ts";

const rule = (id: string, unit: "requests" | "tokens", limit: number, remaining: number) => ({
  id,
  unit,
  limit,
  used: limit - remaining,
  remaining,
  windowMs: 60_000,
  resetMs: 12_300,
});

describe("a decision's headers", () => {
  it("tell the tightest rule of each unit in OpenAI's words, and all rules in the IETF's", () => {
    const rules = [
      rule("user", "requests", 10, 4),
      rule("app", "requests", 100, 2),
      rule("tokens", "tokens", 1_000, 900),
    ];
    const headers = toLimitHeaders({ degraded: false, rules });
    expect(headers).toEqual({
      "ratelimit-policy": '"user";q=10;w=60, "app";q=100;w=60, "tokens";q=1000;qu="tokens";w=60',
      ratelimit: '"user";r=4;t=13, "app";r=2;t=13, "tokens";r=900;t=13',
      "x-ratelimit-limit-requests": "100",
      "x-ratelimit-remaining-requests": "2",
      "x-ratelimit-reset-requests": "13s",
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "900",
      "x-ratelimit-reset-tokens": "13s",
    });
  });

  it("say when nothing was counted", () => {
    expect(toLimitHeaders({ degraded: true, rules: [] })).toEqual({
      "x-ratelimit-degraded": "1",
    });
  });

  it.each([
    [400, "true", "1"],
    [60_000, "true", "60"],
    [60_001, "false", "61"],
    [165_686_000, "false", "165686"],
  ])("tell a client that is refused for %s ms whether to retry by itself: %s", (ms, retry, after) => {
    expect(toRetryHeaders(ms)).toMatchObject({ "x-should-retry": retry, "retry-after": after });
  });

  it.each([
    [17, "17ms"],
    [999.2, "1000ms"],
    [59_001, "1m0s"],
    [360_000, "6m0s"],
    [3_661_000, "1h1m1s"],
  ])("write %s ms as %s", (ms, text) => {
    expect(toDuration(ms)).toBe(text);
  });
});
