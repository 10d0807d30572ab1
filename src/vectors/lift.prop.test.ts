import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { liftFor } from "./lift.ts";
import { dot, similarityOf } from "./scale.ts";

const LENGTH_MAX = 10;
const vector = fc
  .array(fc.integer({ min: -300, max: 300 }), { minLength: 6, maxLength: 6 })
  .map((list) => Float32Array.from(list, (value) => value / 100));
const nonZero = vector.filter((list) => list.some((value) => value !== 0));

describe.each(["cosine", "ip", "l2"] as const)("lifting for %s", (metric) => {
  const lift = liftFor(metric, 6, LENGTH_MAX);
  const any = metric === "l2" ? vector : nonZero;

  it("keeps the metric's similarity in the angle", () => {
    fc.assert(
      fc.property(any, any, (item, query) => {
        const [a, b] = [lift.item(item), lift.query(query)];
        expect([a.length, b.length]).toEqual([lift.dimensions, lift.dimensions]);
        const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
        expect(lift.similarity(cosine, query)).toBeCloseTo(similarityOf(metric, query, item), 2);
      }),
    );
  });

  it("keeps the order of items", () => {
    fc.assert(
      fc.property(any, any, any, (one, other, query) => {
        const angle = (item: Float32Array) => {
          const [a, b] = [lift.item(item), lift.query(query)];
          return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
        };
        const apart = similarityOf(metric, query, one) - similarityOf(metric, query, other);
        fc.pre(Math.abs(apart) > 1e-3);
        expect(Math.sign(angle(one) - angle(other))).toBe(Math.sign(apart));
      }),
    );
  });

  it("gives the vector back", () => {
    fc.assert(
      fc.property(any, (item) => {
        const back = lift.lower(lift.item(item));
        for (const [at, value] of item.entries()) expect(back[at]).toBeCloseTo(value, 4);
      }),
    );
  });
});
