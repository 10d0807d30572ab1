import { describe, expect, it } from "vitest";
import { asRead, LongText, withMore, withStrings } from "./long-text.ts";
import { estimateTokens } from "./token-estimate.ts";

const WORDS = "prose and words 😀 ".repeat(2_000);

/** A text that arrived in so many pieces. */
function arrived(pieces: number): string | LongText {
  let text: string | LongText = "";
  for (let nth = 0; nth < pieces; nth += 1) text = withMore(text, WORDS);
  return text;
}

describe("a text that arrives bit by bit", () => {
  it("is one string as long as it is short", () => {
    expect(arrived(1)).toBe(WORDS);
  });

  it("is in pieces once it is long, and says the same", () => {
    const text = arrived(100);
    expect(text).toBeInstanceOf(LongText);
    expect(text).toHaveLength(100 * WORDS.length);
    expect(String(text)).toBe(WORDS.repeat(100));
    expect(JSON.stringify({ text })).toBe(JSON.stringify({ text: WORDS.repeat(100) }));
    expect(withStrings([{ text }])).toEqual([{ text: WORDS.repeat(100) }]);
  });

  it("has few pieces, however many arrived", () => {
    let text: string | LongText = "";
    for (const character of WORDS.repeat(10)) text = withMore(text, character);
    expect((text as LongText).pieces.length).toBeLessThan(10);
  });

  it("can be read between any two places", () => {
    const [text, whole] = [arrived(5) as LongText, WORDS.repeat(5)];
    const places = [0, 1, WORDS.length - 1, WORDS.length, 3 * WORDS.length + 7, 5 * WORDS.length, 6 * WORDS.length];
    for (const from of places) {
      expect(String(text.slice(from))).toBe(whole.slice(from));
      for (const end of places) expect(String(text.slice(from, end))).toBe(whole.slice(from, end));
    }
  });

  it("goes on with another one, which stays as it was", () => {
    const [begin, more] = [arrived(5), arrived(4) as LongText];
    const pieces = [...more.pieces];
    for (const known of ["", "a", begin]) {
      const before = String(known);
      const whole = withMore(withMore(known, more), "end");
      expect(String(whole)).toBe(`${before}${WORDS.repeat(4)}end`);
      expect(whole).toHaveLength(before.length + more.length + 3);
    }
    expect(more.pieces).toEqual(pieces);
  });

  it("is one string for readers of whole answers, unless it is longer than a mebibyte", () => {
    expect(asRead(arrived(20))).toBe(WORDS.repeat(20));
    expect(asRead(arrived(100))).toBeInstanceOf(LongText);
  });

  it("has about the tokens of the same text in one string", () => {
    const [pieces, whole] = [arrived(100), WORDS.repeat(100)].map((content) => estimateTokens([{ content }]));
    expect(Math.abs((pieces ?? 0) - (whole ?? 0))).toBeLessThan(0.02 * (whole ?? 0));
    const url = `data:image/png;base64,${"A".repeat(70_000)}`;
    expect(estimateTokens(withMore(url, url))).toBe(estimateTokens(url));
  });
});
