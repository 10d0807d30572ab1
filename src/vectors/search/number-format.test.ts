import { describe, expect, it } from "vitest";
import { formatOf, fromHalf, toHalf } from "./number-format.ts";

describe("numbers of 16 bits", () => {
  it.each([
    [0, 0x0000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.333251953125, 0x3555],
    [65_504, 0x7bff],
    [1e9, 0x7bff],
    [2 ** -24, 0x0001],
    [2 ** -26, 0x0000],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
  ])("%d is written as the standard says", (value, bits) => {
    expect(toHalf(value)).toBe(bits);
  });

  it("come back for every pattern that is a number", () => {
    for (let bits = 0; bits < 0x7c00; bits += 1) {
      expect(toHalf(fromHalf(bits))).toBe(bits);
      if (bits > 0) expect(toHalf(fromHalf(bits | 0x8000))).toBe(bits | 0x8000);
    }
  });
});

describe.each([
  ["none", 0],
  ["f16", 1e-3],
  ["q8", 1e-2],
] as const)("a vector in %s", (quantisation, error) => {
  it("comes back within its rounding", () => {
    const vector = Float32Array.of(0.5, -0.25, 0.1, 1);
    const format = formatOf(quantisation);
    const { bytes, step } = format.write(vector);
    for (const [at, value] of format.read(bytes, step).entries())
      expect(Math.abs(value - (vector[at] as number))).toBeLessThanOrEqual(error);
  });
});
