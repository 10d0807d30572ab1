import { describe, expect, it } from "vitest";
import { resolveOptions, toThousandths, type LimiterOptions } from "./options.ts";

const rule = { id: "user", by: "user", limit: 1, windowMs: 60_000 } as const;
const good: LimiterOptions = { name: "l", rules: [rule], onUnavailable: "refuse" };

describe("a limiter's options", () => {
  it("fill what is left open", () => {
    expect(resolveOptions(good)).toEqual({
      name: "l",
      rules: [
        {
          ...rule,
          limit: 1_000,
          burst: 1_000,
          unit: "requests",
          algorithm: "slidingWindow",
          calendar: undefined,
        },
      ],
      onUnavailable: "refuse",
      localShare: 0.25,
      timeoutMs: 250,
      leaseMs: 10_000,
      holdMaxMs: 3_600_000,
      slots: "scope",
    });
  });

  it.each<[string, object]>([
    ["name", { name: "" }],
    ["rules", { rules: [] }],
    ["rules", { rules: [rule, rule] }],
    ["rules[0].id", { rules: [{ ...rule, id: "" }] }],
    ["rules[0].by", { rules: [{ ...rule, by: 7 }] }],
    ["rules[0].unit", { rules: [{ ...rule, unit: "euros" }] }],
    ["rules[0].algorithm", { rules: [{ ...rule, algorithm: "leakyBucket" }] }],
    ["rules[0].limit", { rules: [{ ...rule, limit: -1 }] }],
    ["rules[0].limit", { rules: [{ ...rule, limit: 0.0001 }] }],
    ["rules[0].limit", { rules: [{ ...rule, limit: 2 ** 41 }] }],
    ["rules[0].limit", { rules: [{ ...rule, algorithm: "slidingLog", limit: 1e6 }] }],
    ["rules[0].windowMs", { rules: [{ ...rule, windowMs: 9 }] }],
    ["rules[0].windowMs", { rules: [{ ...rule, windowMs: 32 * 86_400_000 }] }],
    ["rules[0].windowMs", { rules: [{ ...rule, unit: "concurrency" }] }],
    ["rules[0].burst", { rules: [{ ...rule, algorithm: "tokenBucket", burst: -1 }] }],
    ["rules[0].algorithm", { rules: [{ id: "a", by: "user", limit: 1, calendar: "day" }] }],
    ["rules[0].calendar", { rules: [{ id: "a", by: "user", limit: 1, algorithm: "fixedWindow", calendar: "year" }] }],
    [
      "rules[0].timeZone",
      { rules: [{ id: "a", by: "user", limit: 1, algorithm: "fixedWindow", calendar: "day", timeZone: "Mars" }] },
    ],
    ["onUnavailable", { onUnavailable: "open" }],
    ["onUnavailable", { onUnavailable: undefined }],
    ["localShare", { localShare: 0 }],
    ["localShare", { localShare: 1.1 }],
    ["leaseMs", { leaseMs: 10 }],
    ["slots", { slots: "node" }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
  ])("are refused with the field %s (%#)", (path, wrong) => {
    expect(() => resolveOptions({ ...good, ...wrong })).toThrow(
      expect.objectContaining({ code: "invalid_option", details: { path } }),
    );
  });
});

describe("a cost", () => {
  it.each([
    [0, 0],
    [0.5, 500],
    [0.1 + 0.2, 300],
    [2 ** 40, 2 ** 40 * 1_000],
  ])("of %s is %s thousandths", (units, thousandths) => {
    expect(toThousandths("cost", units)).toBe(thousandths);
  });

  it.each([-1, 0.0004, Number.NaN, Infinity, 2 ** 41, "1", null])("of %s is refused", (units) => {
    expect(() => toThousandths("cost", units)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });
});
