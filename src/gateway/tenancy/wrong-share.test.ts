import { describe, expect, it } from "vitest";
import { toWrongShare } from "./wrong-share.ts";

describe("the share of wrong answers", () => {
  it("is unknown while nobody looked", () => {
    expect(toWrongShare({ audited: 0, wrong: 0, liked: 0, disliked: 0 })).toBeUndefined();
  });

  it("comes with an interval that says how much was looked at", () => {
    const few = toWrongShare({ audited: 10, wrong: 0, liked: 0, disliked: 0 });
    const many = toWrongShare({ audited: 1_000, wrong: 0, liked: 0, disliked: 0 });
    expect(few).toMatchObject({ share: 0, low: 0, looked_at: 10, by: "audits" });
    expect(few?.high).toBeCloseTo(0.2775, 3);
    expect(many?.high).toBeCloseTo(0.0038, 3);
  });

  it("goes by users' words where nothing was audited", () => {
    const told = toWrongShare({ audited: 0, wrong: 0, liked: 8, disliked: 2 });
    expect(told).toMatchObject({ share: 0.2, wrong: 2, looked_at: 10, by: "feedback" });
    expect(told?.low).toBeCloseTo(0.0567, 3);
    expect(told?.high).toBeCloseTo(0.5098, 3);
  });
});
