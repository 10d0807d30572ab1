import { describe, expect, it } from "vitest";
import { fromEncryptedContent, toEncryptedContent, toWordsContent, wordsIn } from "./carried-thoughts.ts";

const signed = (text: string) => ({ type: "reasoning.text", text, signature: "s", format: "anthropic-claude-v1" });

describe("reasoning that is carried", () => {
  it("is read again, as long as a model's reasoning is", () => {
    const text = "thought ".repeat(131_072);
    expect(fromEncryptedContent(toEncryptedContent(signed(text)))).toMatchObject({ text, signature: "s" });
    expect(wordsIn(fromEncryptedContent(toWordsContent(text)) ?? {})).toBe(text);
  });

  it.each([
    ["an entry", () => toEncryptedContent(signed("a".repeat(3_145_728)))],
    ["an entry of long characters", () => toEncryptedContent(signed("思".repeat(1_048_576)))],
    ["words", () => toWordsContent("a".repeat(1_048_577))],
  ])("is left out where it would be too long to be read again: %s", (_, carried) => {
    expect(carried()).toBeUndefined();
  });

  it("is not encoded to find that it is too long", () => {
    const detail = signed("\u0001".repeat(12_000_000));
    const startedAt = process.threadCpuUsage();
    for (let nth = 0; nth < 1_000; nth += 1) toEncryptedContent(detail);
    expect(process.threadCpuUsage(startedAt).user).toBeLessThan(1_000_000);
  });
});
