import { describe, expect, it } from "vitest";
import { MarrowError } from "../errors.ts";
import { judge } from "./retry.ts";

const model = (status: number, retryAfterMs?: number) =>
  new MarrowError("model_failed", "no", { details: { status, retryAfterMs } });
const now = { failures: 0, ageMs: 0 };

describe("a failure", () => {
  it.each([
    [new Error("anything"), now, { outcome: "retry", reason: "failed", delayMs: 1_000 }],
    ["no error at all", { failures: 3, ageMs: 0 }, { outcome: "retry", reason: "failed", delayMs: 8_000 }],
    [model(500), { failures: 20, ageMs: 0 }, { outcome: "retry", reason: "model_failed", delayMs: 300_000 }],
    [model(503, 250), now, { outcome: "retry", reason: "model_failed", delayMs: 250 }],
    [model(429, 7_000), now, { outcome: "again", reason: "model_failed", delayMs: 7_000 }],
    [model(429, 9_999_999), now, { outcome: "again", reason: "model_failed", delayMs: 9_999_999 }],
    [model(429, 1e12), now, { outcome: "again", reason: "model_failed", delayMs: 604_800_000 }],
    [model(429), { failures: 0, ageMs: 3_600_001 }, { outcome: "retry", reason: "model_failed", delayMs: 1_000 }],
    [model(400), now, { outcome: "dead", reason: "model_failed", delayMs: 0 }],
    [model(408), now, { outcome: "retry", reason: "model_failed", delayMs: 1_000 }],
    [new MarrowError("rate_limited", "no"), now, { outcome: "again", reason: "rate_limited", delayMs: 1_000 }],
    [new MarrowError("invalid_input", "no"), now, { outcome: "dead", reason: "invalid_input", delayMs: 0 }],
    [new MarrowError("timeout", "no"), now, { outcome: "retry", reason: "timeout", delayMs: 1_000 }],
  ])("%s %j comes to %j", (error, context, verdict) => {
    expect(judge(error, context, 0)).toEqual(verdict);
  });

  it("waits up to a half less by chance", () => {
    expect(judge(new Error("x"), { failures: 2, ageMs: 0 }, 1).delayMs).toBe(2_000);
  });
});
