import * as fc from "fast-check";
import { expect, it } from "vitest";
import { numberTags, rangeTags } from "./number-tags.ts";

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(0, -0, 1e-300, -1e300, 2026, 0.5, Number.MAX_VALUE, Number.MIN_VALUE),
);

it("tags of a range are those of the numbers in it, and few", () => {
  fc.assert(
    fc.property(number, number, number, fc.boolean(), fc.boolean(), (value, low, high, withLow, withHigh) => {
      const tags = new Set(
        rangeTags(3, { above: { value: low, included: withLow }, below: { value: high, included: withHigh } }),
      );
      const inside = (withLow ? value >= low : value > low) && (withHigh ? value <= high : value < high);
      expect(numberTags(3, value).filter((tag) => tags.has(tag)).length).toBe(inside ? 1 : 0);
      expect(tags.size).toBeLessThanOrEqual(480);
    }),
    { numRuns: 500 },
  );
});

it("an open end holds all that is beyond", () => {
  fc.assert(
    fc.property(number, number, (value, end) => {
      const has = (tags: readonly string[]) => numberTags(0, value).some((tag) => tags.includes(tag));
      expect(has(rangeTags(0, { above: { value: end, included: true } }))).toBe(value >= end);
      expect(has(rangeTags(0, { below: { value: end, included: false } }))).toBe(value < end);
    }),
  );
});
