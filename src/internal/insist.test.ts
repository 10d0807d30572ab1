import { describe, expect, it } from "vitest";
import { insist } from "./insist.ts";

describe("what is insisted on", () => {
  it("is tried until it is done, ever more slowly, each failure told", async () => {
    const errors: unknown[] = [];
    const triedMs: number[] = [];
    const act = async () => {
      triedMs.push(performance.now());
      if (triedMs.length < 4) throw new Error(`failure ${triedMs.length}`);
      return "done";
    };
    expect(
      await insist(
        act,
        () => false,
        (error) => errors.push((error as Error).message),
        () => true,
      ),
    ).toBe("done");
    expect(errors).toEqual(["failure 1", "failure 2", "failure 3"]);
    const gapsMs = triedMs.slice(1).map((atMs, nth) => atMs - (triedMs[nth] ?? 0));
    for (const [nth, leastMs] of [49, 99, 199].entries()) expect(gapsMs[nth]).toBeGreaterThanOrEqual(leastMs);
  });

  it("is given up once nobody wants it", async () => {
    let tries = 0;
    const fail = async () => {
      tries += 1;
      throw new Error("gone");
    };
    expect(
      await insist(
        fail,
        () => tries === 2,
        () => {},
        () => true,
      ),
    ).toBeUndefined();
    expect(tries).toBe(2);
  });

  it("is given up at an error that no repetition mends", async () => {
    let tries = 0;
    const fail = async () => {
      tries += 1;
      throw new Error(tries === 2 ? "wrong" : "away");
    };
    const insisting = insist(
      fail,
      () => false,
      () => {},
      (error) => (error as Error).message === "away",
    );
    await expect(insisting).rejects.toThrow("wrong");
    expect(tries).toBe(2);
  });
});
