import { describe, expect, it } from "vitest";
import { isFollowUp } from "./follow-up.ts";

describe("a prompt", () => {
  it.each([
    "how old is he?",
    "And in Germany?",
    "tell me more",
    "what about the second one?",
    "why?",
    "make it shorter",
    "where was she born",
    "translate it to French",
    "what does this mean?",
    "yes please",
    "the first option",
    "how much does it cost",
    "do the same for Italy",
    "is that true",
    "fix the error above",
    "explain that again",
    "continue",
    "But how?",
  ])("that leans on what was said before is known: %s", (text) => {
    expect(isFollowUp(text)).toBe(true);
  });

  it.each([
    "How old is Angela Merkel?",
    "What time is it in Tokyo?",
    "Is it safe to eat raw salmon?",
    "Will it rain tomorrow in Oslo?",
    "How long does it take to fly to Rome?",
    "weather this weekend",
    "When did Einstein die and where was he buried?",
    "How do I reset my phone if it freezes?",
    "Explain this code: print(1)",
    "one bedroom flats in Leeds",
    "What is the capital of France?",
    "define inflation",
    "Who wrote Hamlet?",
    "another word for happy",
    "capital of Peru",
  ])("that stands by itself is let be: %s", (text) => {
    expect(isFollowUp(text)).toBe(false);
  });
});
