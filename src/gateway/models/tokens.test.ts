import { describe, expect, it } from "vitest";
import { loadCountTokens } from "../../memory/index.ts";
import { countTokens, decodeTokens } from "./tokens.ts";

const question = { role: "user", content: "Why is the sky blue?" };

describe("counting tokens", () => {
  it("counts in a worker thread what the table says", async () => {
    const count = await loadCountTokens();
    const messages = [{ role: "system", content: "Be brief." }, question];
    expect(await countTokens("tests", messages)).toBe(messages.reduce((sum, one) => sum + count(one), 0));
    expect(await countTokens("tests", [])).toBe(0);
  });

  it("leaves this thread to others: counting 5 MB costs it the copy alone", async () => {
    const messages = Array.from({ length: 500 }, () => ({ ...question, content: "many words ".repeat(1_000) }));
    const count = await loadCountTokens();
    const before = process.threadCpuUsage();
    for (const message of messages) count(message);
    const here = process.threadCpuUsage(before);
    const between = process.threadCpuUsage();
    await countTokens("tests", messages);
    const there = process.threadCpuUsage(between);
    expect(there.user + there.system).toBeLessThan((here.user + here.system) / 3);
  });

  it("reads lists of tokens, and answers an empty text for what are none", async () => {
    expect(await decodeTokens("tests", [[9_906, 1_917], [199_999]])).toEqual(["Hello world", ""]);
  });
});
