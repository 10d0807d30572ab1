import { describe, expect, it } from "vitest";
import { resolveOptions, type LimiterOptions } from "./options.ts";

const rule = { id: "r", by: "user", limit: 1, windowMs: 60_000 };
const good: LimiterOptions = { name: "l", rules: [rule], onUnavailable: "allow" };

describe("a limiter's options", () => {
  it("fill what is left open", () => {
    expect(resolveOptions(good)).toEqual({
      name: "l",
      rules: [{ ...rule, unit: "requests" }],
      onUnavailable: "allow",
      timeoutMs: 250,
    });
  });

  it.each([
    ["name", { name: "" }],
    ["rules", { rules: [] }],
    ["rules", { rules: [rule, rule] }],
    ["rules", { rules: "none" }],
    ["rules[0].limit", { rules: [{ ...rule, limit: -1 }] }],
    ["rules[0].limit", { rules: [{ ...rule, limit: 0.5 }] }],
    ["rules[0].windowMs", { rules: [{ ...rule, windowMs: 10 }] }],
    ["rules[0].unit", { rules: [{ ...rule, unit: "bananas" }] }],
    ["onUnavailable", { onUnavailable: undefined }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
  ])("are refused with the field %s", (path, wrong) => {
    expect(() => resolveOptions({ ...good, ...wrong } as LimiterOptions)).toThrow(
      expect.objectContaining({ code: "invalid_option", details: { path } }),
    );
  });
});
