import { describe, expect, it } from "vitest";
import { MarrowError } from "../src/errors.ts";
import { steadily } from "../tools/demo/steadily.ts";
import { createRandom } from "../tools/demo/random.ts";

const draw = (seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: 1_000 }, () => random.usual([0, 1, 2, 3]));
};

describe("the traffic of the demonstration", () => {
  it("goes on while Redis does not answer, and stops at a mistake of its own", async () => {
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    await steadily(async () => Promise.reject(new MarrowError("timeout", "a bound passed")), say);
    await steadily(async () => Promise.reject(new TypeError("fetch failed")), say);
    expect(said).toEqual(["passed over: timeout", "passed over: fetch failed"]);
    await expect(steadily(async () => Promise.reject(new Error("a mistake")), say)).rejects.toThrow("a mistake");
    await expect(steadily(async () => Promise.reject(new MarrowError("invalid_input", "no")), say)).rejects.toThrow(
      "no",
    );
  });

  it("is the same for a seed, and another one for another seed", () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("asks the usual things most, and the rare ones too", () => {
    const counts = Map.groupBy(draw(7), (one) => one);
    const [first = 0, second = 0, , last = 0] = [0, 1, 2, 3].map((one) => counts.get(one)?.length ?? 0);
    expect(first).toBeGreaterThan(2 * second);
    expect(last).toBeGreaterThan(50);
  });
});
