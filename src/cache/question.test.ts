import { describe, expect, it } from "vitest";
import { toFingerprint } from "./question.ts";

const idOf = (prompt: string, within?: unknown) => toFingerprint({ prompt, within }).id;

describe("a question's exact key", () => {
  it.each([
    ["white space", "what  is\n\tthis ", "what is this"],
    ["Unicode composition", "caf\u00e9", "cafe\u0301"],
    ["no-break spaces", "what\u00a0is this", "what is this"],
  ])("does not depend on %s", (_, a, b) => {
    expect(idOf(a)).toBe(idOf(b));
  });

  it.each([
    ["letter case", "US rules", "us rules"],
    ["punctuation", "stop", "stop!"],
    ["accents", "resume", "résumé"],
  ])("depends on %s", (_, a, b) => {
    expect(idOf(a)).not.toBe(idOf(b));
  });

  it("depends on what it is asked within, and not on the order of its fields", () => {
    expect(idOf("a", { model: "m", n: { x: 1, y: [1, 2] } })).toBe(idOf("a", { n: { y: [1, 2], x: 1 }, model: "m" }));
    const others = [
      undefined,
      null,
      {},
      { model: "m" },
      { model: "M" },
      { model: "m", t: 0 },
      { model: "m", t: "0" },
      ["m"],
      "m",
    ];
    expect(new Set(others.map((within) => idOf("a", within))).size).toBe(others.length - 1);
  });

  it.each([
    ["prompt", 7],
    ["prompt", ""],
    ["prompt", " \n "],
    ["prompt", "x".repeat(100_001)],
    ["prompt", "\ud800"],
  ])("refuses a %s that is no text", (path, prompt) => {
    expect(() => toFingerprint({ prompt: prompt as string })).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path } }),
    );
  });
});
