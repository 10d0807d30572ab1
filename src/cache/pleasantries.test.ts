import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stripPleasantries } from "./pleasantries.ts";

describe("pleasantries", () => {
  it.each([
    ["Please tell me what inflation is, thanks!", "what inflation is"],
    ["Hello, could you please explain recursion?", "explain recursion?"],
    ["I would like to know the price of gold", "the price of gold"],
    ["What is inflation???", "What is inflation?"],
    ["Could you list the planets, please", "list the planets"],
    ["Please Please Me by the Beatles", "Please Please Me by the Beatles"],
    ["can you swim", "can you swim"],
    ["please", "please"],
    ["thanks", "thanks"],
    ["Tell me about Rome", "Tell me about Rome"],
  ])("%s asks: %s", (text, asked) => {
    expect(stripPleasantries(text)).toBe(asked);
  });

  it("is taken away once and for all, and never empties a prompt", () => {
    const part = fc.constantFrom(
      "please ",
      "Hi, ",
      "can you ",
      "tell me ",
      "what is ",
      "rain",
      "?",
      "!!",
      ", thanks",
      " please",
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const text = parts.join("").trim();
        const once = stripPleasantries(text);
        expect(stripPleasantries(once)).toBe(once);
        if (text !== "") expect(once).not.toBe("");
      }),
    );
  });
});
