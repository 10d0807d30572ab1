import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findVeto } from "./guard.ts";

describe("the guard", () => {
  it.each([
    ["number", "flights to Rome in 2024", "flights to Rome in 2025"],
    ["number", "convert 5 miles to km", "convert 50 miles to km"],
    ["number", "give me three ideas", "give me five ideas"],
    ["number", "is the shop open on Monday", "is the shop open on Sunday"],
    ["negation", "which foods are safe for dogs", "which foods are not safe for dogs"],
    ["negation", "can I return the shoes", "can't I return the shoes"],
    ["antonym", "enable two-factor login", "disable two-factor login"],
    ["antonym", "how to increase contrast", "how to decrease contrast"],
    ["direction", "trains from Oslo to Bergen", "trains from Bergen to Oslo"],
    ["quoted", 'what does "bank" mean', 'what does "shore" mean'],
    ["quoted", "why does parse_config fail here", "why does load_config fail here"],
    ["entity", "what is the population of Norway", "what is the population of Sweden"],
    [
      "length",
      "How do I bake bread?",
      "How do I bake bread when my oven only heats from below and the old door hardly closes any more at all?",
    ],
  ])("vetoes by %s: %s | %s", (reason, a, b) => {
    expect([findVeto(a, b), findVeto(b, a)]).toEqual([reason, reason]);
  });

  it.each([
    ["What is the capital of France?", "What's the capital of France?"],
    ["How do I reset my password?", "How can I reset my password?"],
    ["list 3 ideas", "list three ideas"],
    ["it costs 1,000 dollars", "it costs 1000 dollars"],
    ["python memory leak in requests", "requests memory leak python"],
    ["HOW DO I CANCEL?", "How do I cancel?"],
  ])("lets pass: %s | %s", (a, b) => {
    expect(findVeto(a, b)).toBeUndefined();
  });

  it("compares no text that is longer than 4,096 characters: such a prompt is served by the exact tier alone", () => {
    const long = "a question about bread ".repeat(200);
    expect([findVeto(long, "a question about bread"), findVeto("a question about bread", long)]).toEqual([
      "length",
      "length",
    ]);
  });

  it("never vetoes a text against itself, and says the same both ways", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 80 }), fc.lorem({ maxCount: 12 }));
    fc.assert(fc.property(text, (one) => findVeto(one, one) === undefined));
    fc.assert(fc.property(text, text, (a, b) => (findVeto(a, b) === undefined) === (findVeto(b, a) === undefined)));
  });
});
