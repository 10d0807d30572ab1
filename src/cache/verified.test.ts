import { describe, expect, it } from "vitest";
import { quantile, serveProbability, type Observation } from "./verified.ts";

const seen = (score: number, right: boolean, times: number): Observation[] =>
  Array.from({ length: times }, () => ({ score, right }));

/** A small repeatable generator of numbers from 0 to 1. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

describe("an entry", () => {
  it("that has proven nothing is not served", () => {
    expect(serveProbability([], 1, 0.05)).toBe(0);
    expect(serveProbability(seen(0.9, true, 3), 0.9, 0.05)).toBe(0);
  });

  it("is served more as it proves right, and hardly where it proved wrong", () => {
    const [few, many] = [8, 40].map((times) => serveProbability(seen(0.9, true, times), 0.95, 0.05)) as [
      number,
      number,
    ];
    expect(many).toBeGreaterThan(few);
    expect(serveProbability(seen(0.9, false, 40), 0.9, 0.05)).toBeLessThan(0.1);
    const both = [...seen(0.9, true, 20), ...seen(0.7, false, 20)];
    expect(serveProbability(both, 0.95, 0.05)).toBeGreaterThan(serveProbability(both, 0.7, 0.05));
  });

  it.each([0.02, 0.05, 0.1])("answers wrongly at most as often as it may: %d of all questions", (errorMax) => {
    const random = generator(11);
    let [wrong, served, all] = [0, 0, 0];
    for (let entry = 0; entry < 30; entry += 1) {
      const [threshold, slope] = [0.5 + random() * 0.4, 10 + random() * 30];
      const observations: Observation[] = [];
      for (let at = 0; at < 120; at += 1) {
        const score = random();
        const right = random() < 1 / (1 + Math.exp(-slope * (score - threshold)));
        all += 1;
        if (random() < serveProbability(observations, score, errorMax)) {
          served += 1;
          if (!right) wrong += 1;
        } else observations.push({ score, right });
        if (observations.length > 50) observations.shift();
      }
    }
    expect(wrong / all).toBeLessThanOrEqual(errorMax);
    expect(served / all).toBeGreaterThan(errorMax);
  });
});

describe("the normal quantile", () => {
  it.each([
    [0.5, 0],
    [0.975, 1.959964],
    [0.01, -2.326348],
    [0.999, 3.090232],
  ])("of %d is %d", (p, z) => {
    expect(quantile(p)).toBeCloseTo(z, 5);
  });
});
