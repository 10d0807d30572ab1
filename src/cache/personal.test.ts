import { describe, expect, it } from "vitest";
import { isPersonal, PERSONAL_CHARS_MAX } from "./personal.ts";

describe("a prompt whose answer depends on who asks", () => {
  it.each([
    "What is my balance?",
    "what did I order",
    "Am I eligible for the discount?",
    "Where is my order?",
    "I was charged twice",
    "Summarise our account",
    "Which of the two is mine?",
    "Why were we billed in March?",
    "Did you send it to us?",
    "What\u2019s on MY calendar today?",
    "m\u200By balance, and what it was",
    "who am i",
    "Show me the last invoice",
    "Where is the package?",
    "What is the status of order 4711?",
    "When does ticket #12 end?",
    "How much is owed?",
    "What did ann@example.com say?",
    "Who called from +1 (555) 010-9999?",
    "mi saldo",
    "¿Cuál es mi saldo?",
    "cuanto debo",
    "Quel est mon solde ?",
    "Wie hoch ist mein Kontostand?",
    "Was schulde ich?",
    "qual é o meu saldo",
    "残高はいくらですか",
    "Какой у меня баланс?",
    "balance",
    "Tell me about me",
    "Give me my data",
    `What is it? ${"x ".repeat(PERSONAL_CHARS_MAX)}`,
  ])("is known: %s", (prompt) => {
    expect(isPersonal(prompt)).toBe(true);
  });

  it.each([
    "What is the capital of France?",
    "How do I reverse a string in Python?",
    "Can you tell me who wrote Emma?",
    "Write a poem about the sea.",
    "Explain the US constitution",
    "Show me how quicksort works",
    "I want to know which planet is the largest",
    "What are the opening hours?",
  ])("is not taken for one that everybody may ask: %s", (prompt) => {
    expect(isPersonal(prompt)).toBe(false);
  });
});
