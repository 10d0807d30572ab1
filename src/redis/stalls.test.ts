import { describe, expect, it } from "vitest";
import { createStalls } from "./stalls.ts";

interface Grace {
  isOver: boolean;
  isEnded: boolean;
  end(): void;
}

/** Stalls, and the times that commands wait for lost connections: a test says when one is over. */
function opened() {
  const graces: Grace[] = [];
  const stalls = createStalls(() => {
    const grace = { isOver: false, isEnded: false, end: () => void (grace.isEnded = true) };
    graces.push(grace);
    return grace;
  });
  return { stalls, graces };
}

describe("a place that answers nothing", () => {
  it("is refused after three timeouts, but for a try each 250 ms, and no other place is", () => {
    const stalls = opened().stalls;
    for (let time = 0; time < 3; time += 1) {
      expect(stalls.isRefused("a", 0)).toBe(false);
      stalls.silent("a", 0);
      stalls.answered("b");
    }
    expect([0, 1, 249, 250, 251].map((nowMs) => stalls.isRefused("a", nowMs))).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
    expect(stalls.isRefused("b", 1)).toBe(false);
    // A try that failed late.
    stalls.silent("a", 600);
    expect([601, 849, 850].map((nowMs) => stalls.isRefused("a", nowMs))).toEqual([true, true, false]);
    stalls.answered("a");
    expect([stalls.isRefused("a", 851), stalls.size]).toEqual([false, 0]);
  });

  it("is refused once its connection has been lost for as long as commands wait, until the losses are a second old", () => {
    const { stalls, graces } = opened();
    expect([0, 300].map((nowMs) => stalls.lost("a", nowMs))).toEqual([false, false]);
    expect(stalls.lost("b", 300)).toBe(false);
    const [ofA, ofB] = graces as [Grace, Grace];
    ofA.isOver = true;
    expect(stalls.lost("a", 300)).toBe(true);
    expect(stalls.lost("b", 300)).toBe(false);
    expect([300, 301, 1_301].map((nowMs) => stalls.isRefused("a", nowMs))).toEqual([false, true, false]);
    expect(stalls.lost("a", 1_400)).toBe(false);
    expect(graces).toHaveLength(3);
    stalls.answered("b");
    expect(graces.map(({ isEnded }) => isEnded)).toEqual([true, true, false]);
    expect(ofB.isOver).toBe(false);
  });

  it("is forgotten where more places fail than a cluster has", () => {
    const stalls = opened().stalls;
    for (let place = 0; place < 5_000; place += 1) stalls.silent(String(place), 0);
    expect(stalls.size).toBe(1_024);
  });
});
