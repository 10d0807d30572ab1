import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packingOf } from "./search/packing.ts";
import { toQuery } from "./search/query.ts";
import { toNumber } from "./vectorset/expression.ts";
import { encodeNumber, encodeWord, wordsOf } from "./words.ts";

const text = fc.string({ unit: "grapheme" }).filter((value) => value.isWellFormed());

describe("a word as engines keep it", () => {
  it("has no character that any query language has a meaning for", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(encodeWord(value)).toMatch(/^w[A-Za-z0-9_]*$/);
        const query = toQuery("00ff", packingOf({ tag: "tag" }), { op: "eq", name: "tag", value });
        expect(query).toBe(`(@p:{00ff} (@t:{e0_${encodeWord(value)}}))`);
      }),
    );
  });
  it("is another one for every other word", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(encodeWord(a) === encodeWord(b)).toBe(a === b);
      }),
    );
    expect(new Set([encodeWord("t"), encodeWord(true), encodeWord(false), encodeWord("")]).size).toBe(4);
  });
});

describe("a number as engines read it", () => {
  it("is written in full and means the same", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(encodeNumber(value)).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(encodeNumber(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

describe("a number in an expression of VSIM", () => {
  it("is a quotient of numbers that are short enough, and means the same", () => {
    const some = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(5e-324, -5e-324, 2.2250738585072014e-308, 1e-100, 1e255, 1e308, Number.MAX_VALUE),
    );
    fc.assert(
      fc.property(some, (value) => {
        const parts = toNumber(value).replaceAll(/[()]/g, "").split(" / ");
        for (const part of parts) {
          expect(part).toMatch(/^-?\d+(\.\d+)?(e\d+)?$/);
          expect(part.length).toBeLessThan(256);
        }
        const [whole = Number.NaN, divisor = 1] = parts.map(Number);
        expect(whole / divisor).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});

describe("the words of a text", () => {
  it("are letters and digits, each once, in lower case, at most 32", () => {
    expect(wordsOf("An Okapi, an ＯＫＡＰＩ! (x|y)* 42")).toEqual(["an", "okapi", "x", "y", "42"]);
    expect(wordsOf(Array.from({ length: 99 }, (_, at) => `w${at}`).join(" "))).toHaveLength(32);
  });
});
