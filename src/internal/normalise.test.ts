import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise, type NormalForm } from "./normalise.ts";

const FORMS = ["NFC", "NFD", "NFKC", "NFKD"] as const satisfies readonly NormalForm[];
const part = fc.constantFrom(
  "e",
  "\u00E9",
  "\uFF41",
  "\uFF76",
  "\u1100",
  "\u1161",
  "\u0301",
  "\u0323",
  "\u0344",
  "\uFF9E",
  "\u{1D165}",
);
const text = fc
  .array(fc.tuple(part, fc.integer({ min: 1, max: 40 })), { maxLength: 8 })
  .map((parts) => parts.map(([piece, times]) => piece.repeat(times)).join(""));

describe("a text in a normal form", () => {
  it("is what Unicode says while no more than 30 marks are in a row", () => {
    for (const form of FORMS) {
      for (const said of ["cafe\u0301 Ａ ﬁ", `a${"\u0301\u0323".repeat(15)}`, "\uFF76\uFF9E", "\u1100\u1161\u11A8"])
        expect(normalise(said, form)).toBe(said.normalize(form));
    }
  });

  it("has longer runs as they were written, and all around them in normal form", () => {
    const run = "\u0301\u0323".repeat(16);
    expect(normalise(`Ａ${run}e\u0301`, "NFKC")).toBe(`A${run}\u00E9`);
  });

  it("stays what it is when it is made again, and is the same text to Unicode", () => {
    fc.assert(
      fc.property(text, fc.constantFrom(...FORMS), (said, form) => {
        const once = normalise(said, form);
        expect(normalise(once, form)).toBe(once);
        const same = form.startsWith("NFK") ? "NFKC" : "NFC";
        expect(once.normalize(same)).toBe(said.normalize(same));
      }),
    );
  });
});
