import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, operateAt, wilsonLower } from "./evaluate.ts";
import { fit, likelihood } from "./verifier/logistic.ts";

const judged = (pairs: readonly (readonly [number, 0 | 1])[]) => pairs.map(([score, label]) => ({ score, label }));

describe("an evaluation", () => {
  it("finds how much can be served at each precision", () => {
    const { at, pChrAuc, vchr } = evaluate(
      judged([
        [0.9, 1],
        [0.8, 1],
        [0.7, 0],
        [0.6, 1],
      ]),
    );
    expect(at["0.99"]).toMatchObject({ threshold: 0.8, hitRate: 0.5, recall: 2 / 3, precision: 1 });
    expect(vchr).toBe(0.75);
    expect(pChrAuc).toBeCloseTo((1 + 1 + 2 / 3 + 3 / 4) / 4);
  });
  it("serves ties together, and never what was vetoed", () => {
    expect(
      evaluate(
        judged([
          [0.9, 1],
          [0.9, 0],
        ]),
      ).at["0.95"],
    ).toMatchObject({ hitRate: 0, recall: 0 });
    expect(
      evaluate(
        judged([
          [0, 1],
          [0, 1],
        ]),
      ).at["0.95"],
    ).toMatchObject({ hitRate: 0 });
    expect(
      operateAt(
        judged([
          [0.5, 1],
          [0.4, 0],
        ]),
        0.5,
      ),
    ).toMatchObject({ precision: 1, hitRate: 0.5 });
  });
});

describe("Wilson's lower bound", () => {
  it("is below the share, grows with evidence, and asks for some before it says much", () => {
    expect(wilsonLower(0, 0)).toBe(0);
    expect(wilsonLower(10, 10)).toBeCloseTo(0.787, 2);
    expect(wilsonLower(100, 100)).toBeGreaterThan(0.97);
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (right, wrong) => {
        const all = right + wrong;
        fc.pre(all > 0);
        expect(wilsonLower(right, all)).toBeLessThanOrEqual(right / all + 1e-12);
        expect(wilsonLower(right * 4, all * 4)).toBeGreaterThanOrEqual(wilsonLower(right, all) - 1e-12);
      }),
    );
  });
});

describe("a logistic fit", () => {
  it("finds the weights that made the labels", () => {
    const truth = { intercept: -1, weights: [3, -2] };
    let state = 1;
    const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    const examples = Array.from({ length: 4_000 }, () => {
      const features = [random() * 2 - 1, random() * 2 - 1];
      const label: 0 | 1 = random() < likelihood(truth, features) ? 1 : 0;
      return { features, label };
    });
    const found = fit(examples, 1e-3, { intercept: 0, weights: [0, 0] });
    expect(found.intercept).toBeCloseTo(-1, 0);
    expect(found.weights[0]).toBeCloseTo(3, 0);
    expect(found.weights[1]).toBeCloseTo(-2, 0);
  });
  it("stays where it was without examples of both labels, and finite where they part cleanly", () => {
    const start = { intercept: 1, weights: [2] };
    expect(fit([{ features: [1], label: 1 }], 1, start)).toBe(start);
    const parted = fit(
      [
        { features: [0], label: 0 },
        { features: [1], label: 1 },
      ],
      0.1,
      { intercept: 0, weights: [0] },
    );
    expect(Number.isFinite(parted.weights[0])).toBe(true);
  });
});
