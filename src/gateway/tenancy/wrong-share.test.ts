import { describe, expect, it } from "vitest";
import { sumEvidence, toWrongShare } from "./wrong-share.ts";

describe("the share of wrong answers", () => {
  it("is unknown while nobody looked", () => {
    expect(toWrongShare({ audited: 0, wrong: 0, liked: 0, disliked: 0, judge: {} })).toBeUndefined();
  });

  it("comes with an interval that says how much was looked at", () => {
    const few = toWrongShare({ audited: 10, wrong: 0, liked: 0, disliked: 0, judge: {} });
    const many = toWrongShare({ audited: 1_000, wrong: 0, liked: 0, disliked: 0, judge: {} });
    expect(few).toMatchObject({ share: 0, low: 0, looked_at: 10, by: "audits" });
    expect(few?.high).toBeCloseTo(0.2775, 3);
    expect(many?.high).toBeCloseTo(0.0038, 3);
  });

  it("goes by users' words where nothing was audited", () => {
    const told = toWrongShare({ audited: 0, wrong: 0, liked: 8, disliked: 2, judge: {} });
    expect(told).toMatchObject({ share: 0.2, wrong: 2, looked_at: 10, by: "feedback" });
    expect(told?.low).toBeCloseTo(0.0567, 3);
    expect(told?.high).toBeCloseTo(0.5098, 3);
  });

  it("goes by the judge's verdicts where there is nothing else, and says that these are of near misses", () => {
    const judge = { same: 30, different: 10, unsure: 5, known: 9 };
    const told = toWrongShare({ audited: 0, wrong: 0, liked: 0, disliked: 0, judge });
    expect(told).toMatchObject({ share: 0.25, wrong: 10, looked_at: 40, by: "judge", of: "near_misses" });
    expect([told?.low, told?.high].map((one) => one?.toFixed(3))).toEqual(["0.142", "0.402"]);
    expect(toWrongShare({ audited: 0, wrong: 0, liked: 0, disliked: 0, judge: { unsure: 7 } })).toBeUndefined();
  });

  it("of several scopes is that of all that was looked at in them", () => {
    const one = { audited: 90, wrong: 3, liked: 1, disliked: 0, judge: { same: 2 } };
    const other = { audited: 10, wrong: 7, liked: 0, disliked: 2, judge: { same: 1, different: 4 } };
    const all = sumEvidence([one, other]);
    expect(all).toEqual({ audited: 100, wrong: 10, liked: 1, disliked: 2, judge: { same: 3, different: 4 } });
    expect(all && toWrongShare(all)).toMatchObject({ share: 0.1, by: "audits", of: "similar_hits" });
    expect(sumEvidence([])).toBeUndefined();
  });
});
