import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toFingerprint } from "./question.ts";

const idOf = (prompt: string, within?: unknown) => toFingerprint({ prompt, within }).id;

describe("a question's exact key", () => {
  it.each([
    ["the white space around it", " \n what is this\u00a0\n", "what is this"],
    ["Unicode composition", "caf\u00e9", "cafe\u0301"],
  ])("does not depend on %s", (_, a, b) => {
    expect(idOf(a)).toBe(idOf(b));
  });

  it.each([
    ["letter case", "US rules", "us rules"],
    ["punctuation", "stop", "stop!"],
    ["accents", "resume", "résumé"],
    ["the second of two spaces", "split 'x  y' at the space", "split 'x y' at the space"],
    ["line ends", "what does it print\n# note\nstart()", "what does it print\n# note start()"],
    ["indentation", "fix it:\nwhile p:\n  q()\n  r()", "fix it:\nwhile p:\n  q()\nr()"],
    ["the indentation of the first of several lines", "  - a\n  - b", "- a\n  - b"],
    ["tabs at the end of a row", "id\tname\n7\t", "id\tname\n7"],
    ["thanks that are the text itself", "translate to Polish: thanks", "translate to Polish: please"],
    ["a greeting that is a part of a name", "Hello Dolly cast", "Dolly cast"],
    ["repeated marks at its end", "what is 6!!", "what is 6!"],
    ["invisible characters", "how long is a\u200bb", "how long is ab"],
  ])("depends on %s", (_, a, b) => {
    expect(idOf(a)).not.toBe(idOf(b));
  });

  it.each([
    [
      "Who audits it?",
      "Could anybody on the team tell me by the end of this week which of the people named above audits the report?",
    ],
    ["Who audits it?", "Who?"],
  ])("shares the group of one document with a question of any length", (short, long) => {
    const notes =
      "Minutes: Ines audits the report until May, Karl prints it, and Ruth hands it out in Turin. Nobody wants a second edition of it.";
    expect(toFingerprint(`${notes}\n\n${long}`).partition).toBe(toFingerprint(`${notes}\n\n${short}`).partition);
    expect(toFingerprint(`${notes} \n\n${short}`).partition).not.toBe(toFingerprint(short).partition);
  });

  it("is that of no other text", () => {
    const piece = fc.constantFrom(
      " ",
      "  ",
      "\t",
      "\n",
      "\r\n",
      "\u00a0",
      "\u200b",
      "a",
      "please",
      "Hello",
      ",",
      "!",
      "?",
      ".",
      "'",
    );
    const prompt = fc.array(piece, { maxLength: 6 }).map((pieces) => `x${pieces.join("")}y`);
    fc.assert(
      fc.property(prompt, prompt, (a, b) => {
        expect(idOf(a) === idOf(b)).toBe(a === b);
      }),
      { numRuns: 500 },
    );
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
